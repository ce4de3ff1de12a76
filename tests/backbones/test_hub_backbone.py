import json

import hub_modules
import numpy as np
import pytest
import tensorflow as tf

import tltf
from tltf import config, errors, registry
from tltf.codecs import raw
from tltf.export import local, saved_model
from tltf.runs import evaluate, train


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """Paths of modules of texts, of images, and of ELMo's interface."""
    root = tmp_path_factory.mktemp("modules")
    return {
        "text": hub_modules.text(root / "text"),
        "image": hub_modules.image(root / "image"),
        "fixed": hub_modules.image(root / "fixed", side=40),
        "map": hub_modules.image(root / "map", pooled=False),
        "elmo": hub_modules.elmo(root / "elmo"),
    }


def pictures(count=4, side=40):
    made = np.random.default_rng(0).uniform(0, 255, (count, side, side, 3))
    return made.astype("float32")


def test_a_module_of_images_sees_0_to_1(modules):
    encoder = tltf.create_model("hub/full", weights=modules["image"], side=40)
    assert encoder.name == "encoder"
    assert encoder.input["image"].shape == (None, 40, 40, 3)
    images = pictures()
    wanted = tf.saved_model.load(modules["image"])(tf.constant(images / 255))
    got = encoder({"image": images}, training=True)["vector"]  # statistics are held
    np.testing.assert_allclose(got, wanted, rtol=1e-5)
    assert set(encoder.output) == {"vector"}


def test_a_module_of_maps_gives_both(modules):
    encoder = tltf.create_model("hub/full", weights=modules["map"], side=40)
    out = encoder({"image": pictures()})
    assert out["map"].shape == (4, 20, 20, 8)
    mean = out["map"].numpy().mean((1, 2))
    np.testing.assert_allclose(out["vector"], mean, rtol=1e-5)


def test_the_size_is_the_modules_own_or_the_default(modules):
    encoder = tltf.create_model("hub/full", weights=modules["image"])
    assert encoder.input["image"].shape[1] == 224
    encoder = tltf.create_model("hub", weights=modules["fixed"])
    assert encoder.input["image"].shape[1] == 40


@pytest.mark.parametrize("kind", ["text", "elmo"])
def test_a_module_of_texts_gives_one_vector_each(modules, kind):
    encoder = tltf.create_model("hub/text", weights=modules[kind])
    texts = tf.constant(["the cat", "a dog sat on the mat"])
    layer = tltf.layers.HubLayer(modules[kind])
    wanted = layer(texts)["default"] if kind == "elmo" else layer(texts)
    assert set(encoder.output) == {"vector"}
    np.testing.assert_array_equal(encoder({"text": texts})["vector"], wanted)


@pytest.mark.parametrize(
    ("name", "kind"), [("hub/full", "image"), ("hub/text", "elmo")]
)
def test_its_one_group_holds_all_weights_and_learns(modules, name, kind):
    module, form = registry.variant(name)
    spec = module.VARIANTS[form]
    encoder = module.build(spec, weights=modules[kind])
    assert {spec.group_of(x.name) for x in encoder.layers if x.weights} == {"hub"}
    assert len(encoder.trainable_variables) == {"image": 3, "elmo": 4}[kind]


@pytest.mark.parametrize(
    ("name", "weights", "side", "cause"),
    [
        ("hub/full", "auto", None, "weights: auto: hub has no module of its own"),
        ("hub/text", "none", None, "weights: none: hub has no module of its own"),
        ("hub/full", "nowhere", None, "no module .*nowhere"),
        ("hub/full", "text", None, "does not take images.*hub/text"),
        ("hub/text", "image", None, "does not take texts.*hub/full"),
        ("hub/text", "map", None, "does not take texts"),
        ("hub/full", "fixed", 50, "image.side: 50, but module .*fixed takes 40 only"),
    ],
)
def test_what_does_not_fit_is_one_line(modules, name, weights, side, cause):
    with pytest.raises(errors.UserError, match=cause) as caught:
        tltf.create_model(name, weights=modules.get(weights, weights), side=side)
    assert "\n" not in str(caught.value)


def test_a_module_without_a_vector_is_one_line(tmp_path):
    holder = tf.train.Checkpoint()
    spec = tf.TensorSpec([None, None, None, 3])
    holder.__call__ = tf.function(lambda x: tf.reduce_mean(x), input_signature=[spec])
    tf.saved_model.save(holder, str(tmp_path / "m"))
    with pytest.raises(errors.UserError, match="gives no vector"):
        tltf.create_model("hub/full", weights=str(tmp_path / "m"))


def test_raw_texts_are_whole_and_valid():
    codec = raw.fit(["x"], words=3, least=1, length=2, keep="start", fixed=False)
    long = "word ☃ " * 150_000
    texts = tf.constant([b"caf\xe9", "naïve\t☃".encode(), b"", long.encode(), b"a\0b"])
    eager = codec.encode(texts)["text"].numpy().tolist()
    assert eager == ["caf\ufffd".encode(), *texts.numpy().tolist()[1:]]
    graph = tf.function(
        codec.encode, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    assert graph(texts)["text"].numpy().tolist() == eager


def test_the_raw_codec_comes_back_from_its_folder(tmp_path):
    codec = raw.fit([])
    codec.save(tmp_path)
    assert raw.load(tmp_path, words=3).about() == codec.about() == {"codec": "raw"}
    assert codec.words == raw.load(tmp_path).words == ()


def recipe(**change):
    raw = {
        "method": "finetune",
        "task": "image_class",
        "backbone": "hub/full",
        "batch": 12,
        "stages": [
            {"train": ["head"], "epochs": 20, "rate": 0.1},
            {"train": "all", "epochs": 20, "rate": 5e-2},
        ],
        **change,
    }
    return config.override(raw, {}, where="test")


@pytest.fixture
def sentences(tmp_path):
    """A manifest of texts that a word decides."""
    path = tmp_path / "m.csv"
    texts = [f"the {w} sat {'on ' * n}mat" for n in range(20) for w in ("cat", "dog")]
    path.write_text("text,label\n" + "".join(f"{t},{t.split()[1]}\n" for t in texts))
    return path


@pytest.mark.slow
def test_a_run_on_images_learns_and_is_read_back(modules, stripes, tmp_path):
    made = recipe(
        weights=modules["image"],
        image={"side": 40},
        data={"source": f"folder:{stripes}"},
    )
    report = train.train(made, tmp_path / "run")
    again = evaluate.evaluate(tmp_path / "run", split="valid", page=False)
    assert again["accuracy"] == report.scores["valid"]["accuracy"] > 0.4


def test_a_run_on_texts_learns_and_is_served(modules, sentences, tmp_path):
    made = recipe(
        task="text_class",
        backbone="hub/text",
        weights=modules["text"],
        data={"source": f"csv:{sentences}"},
    )
    report = train.train(made, tmp_path / "run")
    assert report.scores["valid"]["accuracy"] > 0.9
    rows = [
        json.loads(line)
        for line in (tmp_path / "run/answers_valid.jsonl").read_text().splitlines()
    ]
    done = saved_model.export(tmp_path / "run", tmp_path / "models")
    model = local.load(tmp_path / "models" / done["name"])
    pairs = [(row["id"], row["text"].encode()) for row in rows]
    for row, answer in zip(rows, local.answers(model, pairs, batch=7), strict=True):
        assert answer.label == row["answer"]
        np.testing.assert_allclose(
            answer.probabilities, row["probabilities"], atol=1e-5
        )
