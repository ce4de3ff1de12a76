import json
import os
import pathlib
import subprocess
import sys
import textwrap

import hub_modules
import keras
import numpy as np
import pytest
import tensorflow as tf

from tltf import errors
from tltf.layers import HubLayer

TEXTS = ["the cat sat on the mat", "a dog", "cat"]
TOKENS = {
    "tokens": [
        ["the", "cat", "is", "on", "the", "mat"],
        ["dogs", "are", "in", "the", "fog", ""],
    ],
    "sequence_len": [6, 5],
}


@pytest.fixture(scope="session")
def modules(tmp_path_factory):
    """Paths of a text, an image and an ELMo-like module."""
    root = tmp_path_factory.mktemp("modules")
    kinds = ("text", "image", "elmo", "old_text")
    return {kind: getattr(hub_modules, kind)(root / kind) for kind in kinds}


def mean_of_words(text):
    """Returns what the text module must answer."""
    places = {word: place for place, word in enumerate(hub_modules.WORDS)}
    rows = [places.get(word, len(places)) for word in text.lower().split()]
    return hub_modules.TABLE[rows].mean(0)


def buckets(words):
    return tf.strings.to_hash_bucket_fast(words, hub_modules.BUCKETS).numpy()


def doubled(layer, words):
    """Returns one layer of the ELMo-like module, `[words, 2 * HALF]`."""
    return np.tile(hub_modules.LAYERS[layer][buckets(words)], (1, 2))


def pictures(count=8, seed=0):
    return np.random.default_rng(seed).random((count, 8, 8, 3), np.float32)


def classifier(layer, shape=(8, 8, 3), dtype="float32", inputs=None):
    if inputs is None:
        inputs = keras.Input(shape, dtype=dtype)
    keras.utils.set_random_seed(0)
    model = keras.Model(inputs, keras.layers.Dense(2, name="top")(layer(inputs)))
    model.compile("sgd", "mse")
    return model


def copies(variables):
    return [variable.numpy() for variable in variables]


def equal(left, right):
    return [np.array_equal(x, y) for x, y in zip(left, right, strict=True)]


def test_a_text_module_answers_strings_in_any_form(modules):
    layer = HubLayer(modules["text"])
    wanted = np.stack([mean_of_words(text) for text in TEXTS])
    for form in (TEXTS, tuple(TEXTS), np.array(TEXTS), tf.constant(TEXTS)):
        np.testing.assert_allclose(layer(form), wanted, rtol=1e-6)


def test_the_decks_texts_through_the_signature_default(modules):
    elmo = HubLayer(modules["elmo"], signature="default", trainable=True)
    texts = ["the cat is on the mat", "dogs are in the fog"]
    answer = elmo(texts)
    assert set(answer) == {
        *("word_emb", "lstm_outputs1", "lstm_outputs2", "elmo", "default"),
    }
    words = texts[0].split()
    mixed = sum(doubled(layer, words) for layer in range(3)) / 3
    np.testing.assert_allclose(answer["elmo"][0], mixed, rtol=1e-5)
    np.testing.assert_allclose(answer["default"][0], mixed.mean(0), rtol=1e-4)
    first = hub_modules.LAYERS[0][buckets(words)]
    np.testing.assert_allclose(answer["word_emb"][0], first, rtol=1e-6)
    upper = doubled(2, words)
    np.testing.assert_allclose(answer["lstm_outputs2"][0], upper, rtol=1e-6)


def test_the_decks_tokens_through_the_signature_tokens(modules):
    elmo = HubLayer(
        modules["elmo"], signature="tokens", output_key="elmo", trainable=True
    )
    embeddings = elmo(TOKENS)
    texts = [" ".join(filter(None, row)) for row in TOKENS["tokens"]]
    wanted = HubLayer(modules["elmo"], signature="default")(texts)["elmo"]
    np.testing.assert_allclose(embeddings, wanted, rtol=1e-6)


def test_an_output_is_picked_or_all_come_as_a_dict(modules):
    whole = HubLayer(modules["image"], signature="serving_default")
    every = HubLayer(modules["image"], signature="serving_default", output_key="*")
    x = pictures(2)
    assert set(every(x)) == {"vector"}
    np.testing.assert_array_equal(whole(x), every(x)["vector"])
    one = HubLayer(modules["elmo"], output_key="default")  # signature: default
    assert one(TEXTS).shape == (3, 2 * hub_modules.HALF)


def test_equal_to_what_tensorflow_hub_loads(modules):
    from tltf.fetch import hub

    loaded = hub.library().load(modules["elmo"])
    wanted = loaded.signatures["default"](tf.constant(TEXTS))
    got = HubLayer(modules["elmo"])(TEXTS)
    for name, value in wanted.items():
        np.testing.assert_array_equal(got[name], value)


@pytest.mark.parametrize(
    ("kind", "learnt", "every"), [("text", 1, 1), ("image", 3, 5), ("elmo", 4, 5)]
)
def test_keras_counts_the_variables_of_a_module(modules, kind, learnt, every):
    layer = HubLayer(modules[kind], trainable=True)
    assert (len(layer.trainable_variables), len(layer.variables)) == (learnt, every)
    layer.trainable = False
    assert (len(layer.trainable_variables), len(layer.variables)) == (0, every)
    paths = [variable.path for variable in layer.variables]
    assert len(set(paths)) == every
    assert all(path.startswith(f"{layer.name}/") for path in paths)


@pytest.mark.parametrize("start", [True, False])
def test_what_is_frozen_stays_bit_for_bit_and_what_is_not_moves(modules, start):
    layer = HubLayer(modules["image"], trainable=start)
    model = classifier(layer)
    for trainable in (start, not start, start):
        layer.trainable = trainable
        model.compile(keras.optimizers.SGD(0.1), "mse")
        before, top = copies(layer.variables), copies(model.get_layer("top").weights)
        model.fit(pictures(), np.ones((8, 2)), epochs=2, verbose=0)
        # kernel, gamma, beta and the running statistics: all or nothing
        assert equal(before, copies(layer.variables)) == [not trainable] * 5
        assert not any(equal(top, copies(model.get_layer("top").weights)))


@pytest.mark.parametrize("kind", ["image", "elmo"])
def test_it_is_frozen_unless_told_otherwise(modules, kind):
    layer = HubLayer(modules[kind], output_key="default" if kind == "elmo" else None)
    shape, dtype = ((8, 8, 3), "float32") if kind == "image" else ((), "string")
    model = classifier(layer, shape, dtype)
    assert len(model.trainable_variables) == 2
    x = pictures(3) if kind == "image" else tf.constant(TEXTS)
    before = copies(layer.variables)
    model.fit(x, np.ones((3, 2)), epochs=2, verbose=0)
    assert all(equal(before, copies(layer.variables)))


def test_the_model_too_can_freeze_it(modules):
    layer = HubLayer(modules["elmo"], output_key="default", trainable=True)
    model = classifier(layer, (), "string")
    model.trainable = False
    assert model.trainable_variables == []
    model.trainable = True
    assert len(model.trainable_variables) == 6


@pytest.mark.parametrize("signature", ["default", "tokens"])
def test_a_module_of_tf1_format_learns(modules, signature):
    layer = HubLayer(
        modules["elmo"], signature=signature, output_key="default", trainable=True
    )
    inputs = {
        "tokens": keras.Input((None,), dtype="string", name="tokens"),
        "sequence_len": keras.Input((), dtype="int32", name="sequence_len"),
    }
    if signature == "default":
        inputs = keras.Input((), dtype="string")
    model = classifier(layer, inputs=inputs)
    x = {name: tf.constant(part) for name, part in TOKENS.items()}
    x = tf.constant(TEXTS[:2]) if signature == "default" else x
    before = copies(layer.variables)
    model.fit(x, np.ones((2, 2)), epochs=3, verbose=0)
    # three shares and a factor learn, the layers beneath do not
    assert equal(before, copies(layer.variables)) == [False] * 4 + [True]


def test_gradients_are_those_of_the_formula(modules):
    layer = HubLayer(modules["text"], trainable=True)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(["cat cat the mat"]))
    (gradient,) = tape.gradient(total, [v.value for v in layer.trainable_variables])
    wanted = np.zeros_like(hub_modules.TABLE)
    np.add.at(wanted, [1, 1, 0, 4], 0.25)
    np.testing.assert_allclose(tf.convert_to_tensor(gradient), wanted)


def test_regularization_counts_while_the_module_learns_only(modules):
    layer = HubLayer(modules["image"], trainable=True)
    layer(pictures())
    wanted = 1e-2 * (layer.variables[0].numpy() ** 2).sum() / 2
    np.testing.assert_allclose(layer.losses, [wanted], rtol=1e-5)
    layer.trainable = False
    layer(pictures())
    assert layer.losses == []


def test_arguments_hold_the_statistics_while_the_rest_learns(modules):
    arguments = {"training": False}
    layer = HubLayer(modules["image"], trainable=True, arguments=arguments)
    model = classifier(layer)
    before = copies(layer.variables)
    model.fit(pictures(), np.ones((8, 2)), verbose=0)
    assert equal(before, copies(layer.variables)) == [False] * 3 + [True] * 2


@pytest.mark.parametrize("kind", ["text", "image", "elmo"])
def test_saved_weights_and_model_come_back_and_export_stands_alone(
    modules, tmp_path, kind
):
    key = "default" if kind == "elmo" else None
    layer = HubLayer(modules[kind], trainable=True, output_key=key)
    shape, dtype = ((8, 8, 3), "float32") if kind == "image" else ((), "string")
    x = pictures(3) if kind == "image" else tf.constant(TEXTS)
    model = classifier(layer, shape, dtype)
    model.fit(x, np.ones((3, 2)), verbose=0)
    wanted = model.predict(x, verbose=0)

    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), wanted)
    assert [v.trainable for v in again.variables] == [
        v.trainable for v in model.variables
    ]

    model.save_weights(tmp_path / "m.weights.h5")
    fresh = classifier(
        HubLayer(modules[kind], trainable=False, output_key=key), shape, dtype
    )
    assert not np.array_equal(fresh.predict(x, verbose=0), wanted)
    fresh.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(fresh.predict(x, verbose=0), wanted)

    model.export(tmp_path / "out", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "out"))
    np.testing.assert_allclose(served.serve(x), wanted, rtol=1e-6)
    vocabularies = list((tmp_path / "out/assets").glob("*.txt"))
    assert len(vocabularies) == (kind == "text")


def test_an_exported_model_answers_where_tltf_and_the_module_are_not(tmp_path):
    path = hub_modules.text(tmp_path / "module")
    model = classifier(HubLayer(path), (), "string")
    wanted = model.predict(tf.constant(TEXTS), verbose=0)
    model.export(tmp_path / "out", verbose=False)
    for folder in ("module", "module.txt"):
        (tmp_path / folder).rename(tmp_path / f"gone_{folder}")
    code = f"""
        import json, sys, tensorflow as tf
        model = tf.saved_model.load("out")
        print(json.dumps(model.serve(tf.constant({TEXTS})).numpy().tolist()))
        assert not {{"tltf", "tensorflow_hub", "tf_keras"}} & set(sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), wanted, rtol=1e-6)


def test_a_module_of_tf1_format_takes_its_tables_along(tmp_path):
    path = hub_modules.old_text(tmp_path / "module")
    words = tf.constant(["cat", "zebra"])
    layer = HubLayer(path, trainable=True)
    np.testing.assert_array_equal(layer(words), hub_modules.TABLE[[1, 6]])
    inputs = keras.Input((), dtype="string")
    model = keras.Model(inputs, layer(inputs))
    model.export(tmp_path / "out", verbose=False)
    for folder in ("module", "module.txt"):
        (tmp_path / folder).rename(tmp_path / f"gone_{folder}")
    served = tf.saved_model.load(str(tmp_path / "out"))
    np.testing.assert_array_equal(served.serve(words), hub_modules.TABLE[[1, 6]])


def test_a_model_that_keras_exported_is_a_module_too(tmp_path):
    inputs = keras.Input((4,))
    normal = keras.layers.BatchNormalization()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(normal))
    model.export(tmp_path / "m", verbose=False)
    layer = HubLayer(str(tmp_path / "m"), trainable=True)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    np.testing.assert_allclose(layer(x), model(x), rtol=1e-6)
    assert (len(layer.trainable_variables), len(layer.variables)) == (4, 6)
    top = classifier(layer, (4,))
    before = copies(layer.variables)
    top.fit(x, np.ones((5, 2)), verbose=0)
    assert equal(before, copies(layer.variables)) == [False] * 4 + [True] * 2


class Line(tf.Module):
    """A module that declares nothing, with two variables of one name."""

    def __init__(self):
        super().__init__()
        self.slope = tf.Variable(2.0)
        self.start = tf.Variable(1.0, trainable=False)

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def __call__(self, x):
        return self.slope * x + self.start


def test_variables_that_a_module_does_not_declare_are_found(tmp_path):
    tf.saved_model.save(Line(), str(tmp_path))
    layer = HubLayer(str(tmp_path), trainable=True)
    np.testing.assert_array_equal(layer([3.0]), [7.0])
    assert [float(v.numpy()) for v in layer.trainable_variables] == [2.0]
    assert [float(v.numpy()) for v in layer.non_trainable_variables] == [1.0]
    assert len({v.path for v in layer.variables}) == 2


def test_the_graph_to_train_with_is_there_by_its_tags(modules):
    layer = HubLayer(modules["elmo"], tags=["train"])
    wanted = HubLayer(modules["elmo"])(TEXTS)["elmo"]
    np.testing.assert_array_equal(layer(TEXTS)["elmo"], wanted)
    assert layer.get_config()["tags"] == ["train"]


def test_it_is_one_layer_of_a_sequential_model(modules):
    layer = HubLayer(modules["elmo"], output_key="default", trainable=True)
    parts = [keras.Input((), dtype="string"), layer, keras.layers.Dense(1)]
    model = keras.Sequential(parts)
    model.compile("sgd", "mse")
    before = copies(layer.variables)
    model.fit(tf.constant(TEXTS), np.ones((3, 1)), verbose=0)
    assert equal(before, copies(layer.variables)) == [False] * 4 + [True]


def test_a_relative_path_is_kept_absolute(modules, monkeypatch):
    monkeypatch.chdir(os.path.dirname(modules["text"]))
    assert HubLayer("text").get_config()["handle"] == modules["text"]


def test_half_floats_reach_a_module_as_it_wants_them(modules):
    images = pictures(2)
    wanted = HubLayer(modules["image"])(images)
    for signature in (None, "serving_default"):
        layer = HubLayer(modules["image"], signature=signature, dtype="mixed_bfloat16")
        assert layer(images).dtype == tf.float32
        np.testing.assert_array_equal(layer(images), wanted)
        half = layer(tf.cast(images, tf.bfloat16))
        np.testing.assert_allclose(half, wanted, rtol=0.05, atol=0.01)


def test_the_shape_may_be_told(modules):
    layer = HubLayer(modules["elmo"], output_key="elmo", output_shape=(None, 8))
    assert layer(keras.Input((), dtype="string")).shape == (None, None, 8)
    wrong = HubLayer(modules["elmo"], output_key="elmo", output_shape=(None, 7))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
        wrong(TEXTS)


@pytest.mark.parametrize(
    ("kind", "options", "cause"),
    [
        ("elmo", {"signature": "words"}, "no signature 'words'.*: default, tokens$"),
        ("text", {"signature": "words"}, "no signature 'words'.*: serving_default$"),
        (
            "elmo",
            {"signature": "tokens", "output_key": "emlo"},
            "tokens, has no output 'emlo'; there is default, elmo, lstm_outputs1",
        ),
        ("text", {"output_key": "vector"}, "no output 'vector'; there is one tensor"),
        ("elmo", {"tags": ["serve"]}, r"cannot load module.*'serve'.*'train'"),
    ],
)
def test_what_a_module_lacks_is_one_line_with_what_it_has(
    modules, kind, options, cause
):
    with pytest.raises(errors.UserError, match=cause) as caught:
        HubLayer(modules[kind], **options)
    assert "\n" not in str(caught.value)
    assert modules[kind] in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "inputs", "cause"),
    [
        ("elmo", TEXTS, "takes sequence_len, tokens, not one tensor; give a dict"),
        ("elmo", {"tokens": [["a"]]}, "takes sequence_len, tokens, not tokens"),
        ("image", np.zeros((2, 3), "f"), r"takes float32 .*3\), not float32 \(2, 3\)"),
    ],
)
def test_inputs_that_do_not_fit_are_one_line(modules, kind, inputs, cause):
    layer = HubLayer(modules[kind], signature="tokens" if kind == "elmo" else None)
    with pytest.raises(errors.UserError, match=cause) as caught:
        layer(inputs)
    assert "\n" not in str(caught.value)


def test_a_broken_module_is_one_line(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"no protocol buffer")
    with pytest.raises(errors.UserError, match="cannot load module") as caught:
        HubLayer(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_module_without_function_and_usual_signature_lists_what_it_has(tmp_path):
    holder = tf.train.Checkpoint()
    one = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(holder, str(tmp_path), signatures={"b": one, "a": one})
    with pytest.raises(errors.UserError, match="no function of its own.*: a, b$"):
        HubLayer(str(tmp_path))
    np.testing.assert_array_equal(HubLayer(str(tmp_path), signature="a")([1.0]), [1.0])


def test_tensorflow_hub_and_keras_2_are_not_imported(modules):
    code = f"""
        import sys
        from tltf.layers import HubLayer
        assert HubLayer({modules["text"]!r})(["cat"]).shape == (1, 8)
        found = [m for m in sys.modules if m in ("tensorflow_hub", "tf_keras")]
        assert not found, found
    """
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:tltf", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_two_devices_learn_what_one_learns(modules):
    # logical devices must be made before anything runs, so in a process of its own
    kinds = ("image", "elmo", "old_text")
    script = pathlib.Path(__file__).with_name("two_devices.py")
    done = subprocess.run(
        [sys.executable, str(script), *(modules[k] for k in kinds)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
