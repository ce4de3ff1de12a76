import json

import keras
import numpy as np
import pytest

from tltf import config, errors
from tltf.methods import ulmfit
from tltf.pretraining import awd_lstm
from tltf.runs import evaluate, train
from tltf.text import language_model

WORDS = {"animal": "cat dog cow hen", "plant": "oak elm fern moss"}
STAGES = [
    {"train": ["head"], "epochs": 2, "rate": 3e-2},
    {"train": "all", "epochs": 20, "rate": 2e-2, "decay": 0.6},
]


def sentences(count, seed):
    random = np.random.default_rng(seed)
    for _ in range(count):
        kind = sorted(WORDS)[random.integers(2)]
        word = random.choice(WORDS[kind].split())
        yield f"there is a {word} in the {random.choice(['house', 'wood'])}", kind


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    texts = [text for text, _ in sentences(120, 1)]
    small = {"embedding": 8, "hidden": 12, "layers": 2, "batch": 8, "bptt": 12}
    for name, backward in (("forward", False), ("backward", True)):
        settings = {**small, "epochs": 2, "rate": 2e-2, "backward": backward}
        parts = texts[:100], texts[100:]
        awd_lstm.run(*parts, root / name, settings=settings, resume=False)
    return root


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "kinds.csv"
    rows = ["text,label,split"]
    for number, (text, kind) in enumerate(sentences(90, 2)):
        split = ("train", "train", "val")[number % 3]
        rows.append(f"{text} number {number},{kind},{split}")
    path.write_text("\n".join(rows) + "\n")
    return f"csv:{path}"


def recipe(source, weights, **change):
    raw = {
        "method": "ulmfit",
        "task": "text_class",
        "backbone": "awd_lstm/tiny",
        "weights": str(weights),
        "data": {"source": source},
        "head": {"kind": "ulmfit", "dropout": 0.1},
        "ulmfit": {"epochs": 1, "rate": 1e-3, "batch": 4},
        "stages": STAGES,
        "batch": 8,
    }
    return config.override(raw | change, {}, where="test")


@pytest.fixture(scope="module")
def both(source, models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    change = {"both": True, "backward_weights": str(models / "backward")}
    settings = {"epochs": 1, "rate": 1e-3, "batch": 4, **change}
    found = recipe(source, models / "forward", ulmfit=settings)
    return folder, train.train(found, folder, resume=True)


def test_kinds_of_words_are_told_apart(both):
    assert both[1].scores["valid"]["accuracy"] > 0.8


def test_the_language_models_are_adapted_before(both, models):
    for folder, name in ((both[0], "forward"), (both[0] / "backward", "backward")):
        about = json.loads((folder / "language_model" / "lm.json").read_text())
        assert about["backward"] == (name == "backward")
        adapted = language_model.load(folder / "language_model")
        source = language_model.load(models / name)
        assert adapted.words[: len(source.words)] == source.words
        assert "number" in adapted.words
        before, after = (x.arrays["lstm_0/kernel"] for x in (source, adapted))
        assert 0 < np.abs(before - after).max() < 0.05


def test_probabilities_are_the_mean_of_both_readers(both):
    model = keras.saving.load_model(both[0] / "checkpoints" / "model.keras")
    tokens = np.array([[2, 9, 10, 11, 0], [2, 12, 13, 14, 15]])
    parts = []
    joined = model.get_layer("vectors")
    vectors = keras.Model(model.input, joined.output)({"tokens": tokens})
    for number, name in enumerate(("forward", "backward")):
        alone = model.get_layer(name)({"tokens": tokens})
        part = vectors[:, number * 24 : (number + 1) * 24]
        np.testing.assert_allclose(part, alone, atol=1e-6)
        parts.append(keras.ops.softmax(model.get_layer(f"{name}_head")(alone)))
    found = keras.ops.softmax(model({"tokens": tokens}))
    np.testing.assert_allclose(found, (parts[0] + parts[1]) / 2, atol=1e-6)
    assert np.abs(parts[0] - parts[1]).max() > 1e-3


def test_a_finished_run_is_evaluated_by_its_own_words(both):
    folder, report = both
    again = evaluate.evaluate(folder, split="valid")
    assert again["accuracy"] == report.scores["valid"]["accuracy"]


def test_without_epochs_or_weights_no_language_model_is_trained(source, tmp_path):
    found = recipe(source, "none", stages=STAGES[:1])
    train.train(found, tmp_path, resume=True)
    assert not (tmp_path / "language_model").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": "plain_text"}, "ulmfit needs a backbone of awd_lstm"),
        ({"backbone": "awd_lstm/tiny_backward"}, "takes the forward backbone"),
    ],
)
def test_other_backbones_are_refused(source, change, message):
    both = {"both": True}
    given = recipe(source, "none", ulmfit=both).model_copy(update=change)
    with pytest.raises(errors.UserError, match=message):
        ulmfit._check(given)


def test_unlabelled_texts_of_a_source_without_any_are_told(source, models, tmp_path):
    found = recipe(source, models / "forward", ulmfit={"unlabelled": True})
    with pytest.raises(errors.UserError, match="source csv has no such texts"):
        train.train(found, tmp_path, resume=True)
