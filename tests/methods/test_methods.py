"""Every method, on the same small data, by listing the folder."""

import csv
import json

import keras
import numpy as np
import pytest

from tltf import config, errors, registry
from tltf.runs import evaluate, train

EXPECTED = {"hog", "standard", "featurize", "freeze", "lp_ft", "finetune"}


def recipe(stripes, **change):
    raw = {
        "method": "finetune",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
        "batch": 8,
        "seed": 1,
    }
    return config.override({**raw, **change}, {}, where="test")


SHORT = {
    "standard": [{"train": "all", "epochs": 12, "rate": 1e-2}],
    "finetune": [
        {"epochs": 2, "rate": 1e-2},
        {"train": "all", "epochs": 8, "rate": 1e-2},
    ],
    "lp_ft": [{"train": "all", "epochs": 2, "rate": 1e-3}],
    "freeze": [{"epochs": 40, "rate": 3e-2}],
}


def test_the_decks_methods_are_there():
    assert set(registry.names("methods")) >= EXPECTED


@pytest.fixture(scope="module")
def runs(stripes, tmp_path_factory):
    """Each method's run folder and report, trained once."""
    made = {}
    for name in sorted(EXPECTED):
        folder = tmp_path_factory.mktemp(name)
        one = recipe(stripes, method=name, stages=SHORT.get(name))
        made[name] = folder, train.train(one, folder)
    return made


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_method_learns_more_than_chance(runs, name):
    assert runs[name][1].scores["valid"]["accuracy"] > 0.6


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_scores_are_those_of_the_answers_file(runs, name):
    folder, report = runs[name]
    rows = [
        json.loads(x)
        for x in (folder / "answers_valid.jsonl").read_text().split("\n")
        if x
    ]
    assert list(rows[0])[0] == "id"
    right = np.mean([row["label"] == row["answer"] for row in rows])
    assert report.scores["valid"]["accuracy"] == pytest.approx(right)
    labels = (folder / "labels.txt").read_text().split()
    for row in rows:
        assert row["answer"] == labels[int(np.argmax(row["probabilities"]))]
        assert sum(row["probabilities"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_evaluate_scores_the_test_split_that_training_left_alone(runs, name):
    folder, report = runs[name]
    assert "test" not in report.scores
    scores = evaluate.evaluate(folder, page=False)
    assert scores["accuracy"] > 0.6
    assert scores["accuracy_low"] <= scores["accuracy"] <= scores["accuracy_high"]
    again = evaluate.evaluate(folder, split="valid", page=False)
    assert again["log_loss"] == pytest.approx(
        report.scores["valid"]["log_loss"], rel=1e-4
    )


@pytest.mark.parametrize("name", sorted(SHORT))
def test_history_has_a_row_for_each_epoch(runs, name):
    with open(runs[name][0] / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(stage["epochs"] for stage in SHORT[name])
    assert list(rows[0])[:4] == ["stage", "epoch", "loss", "valid_loss"]


@pytest.mark.parametrize("name", ["featurize", "freeze"])
def test_the_frozen_encoder_is_bit_identical(runs, stripes, name):
    from tltf.training import network

    keras.utils.set_random_seed(1)
    one = recipe(stripes)
    top = network.Top(head=one.head, outputs=3, unit=name == "featurize")
    before = network.build(one, top).encoder
    model = keras.saving.load_model(runs[name][0] / "checkpoints" / "model.keras")
    after = {v.path: v.numpy() for v in model.variables}
    for variable in before.variables:
        np.testing.assert_array_equal(variable.numpy(), after[variable.path])


def test_freeze_refuses_to_train_more_than_the_head(stripes, tmp_path):
    one = recipe(stripes, method="freeze", stages=[{"train": "all"}])
    with pytest.raises(errors.UserError, match="freeze trains the head only"):
        train.train(one, tmp_path / "run")


def test_a_wild_rate_ends_with_a_remedy(stripes, tmp_path):
    stages = [{"train": "all", "epochs": 2, "rate": 1e20}]
    one = recipe(stripes, stages=stages, optimizer={"name": "sgd"})
    with pytest.raises(errors.WorkError, match=r"lower stages\.0\.rate"):
        train.train(one, tmp_path / "run")


@pytest.mark.parametrize("classifier", ["logistic", "svm", "ridge"])
def test_the_grafted_head_answers_as_the_solved_one(stripes, tmp_path, classifier):
    one = recipe(stripes, method="featurize", head={"classifier": classifier})
    report = train.train(one, tmp_path / "run")
    assert report.scores["valid"]["accuracy"] > 0.6
    model = keras.saving.load_model(tmp_path / "run/checkpoints/model.keras")
    assert [x.name for x in model.layers][-2:] == ["head_unit", "head_logits"]


@pytest.mark.parametrize(
    "imbalance", ["none", "weights", "focal", "logit_adjust", "oversample"]
)
def test_every_remedy_for_rare_classes_trains(stripes, tmp_path, imbalance):
    one = recipe(
        stripes, method="freeze", stages=[{"epochs": 25, "rate": 3e-2}],
        imbalance=imbalance, smoothing=0.05,
    )  # fmt: skip
    report = train.train(one, tmp_path / "run")
    assert report.scores["valid"]["accuracy"] > 0.5


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains_with_whole_weights(stripes, tmp_path, precision):
    stages = [{"train": "all", "epochs": 6, "rate": 1e-2}]
    one = recipe(stripes, stages=stages, precision=precision)
    train.train(one, tmp_path / "run")
    model = keras.saving.load_model(tmp_path / "run/checkpoints/model.keras")
    assert {w.dtype for w in model.weights} == {"float32"}


def test_repeats_give_mean_and_interval(stripes, tmp_path):
    one = recipe(
        stripes, method="featurize", repeats=3,
        data={"source": f"folder:{stripes}", "examples_per_class": 4},
    )  # fmt: skip
    report = train.train(one, tmp_path / "run")
    valid = report.scores["valid"]
    found = [valid["accuracy"]]
    for number in (1, 2):
        other = json.loads((tmp_path / f"run/repeats/{number}/report.json").read_text())
        found.append(other["scores"]["valid"]["accuracy"])
        assert other["seed"] == 1 + number
    assert valid["accuracy_mean"] == pytest.approx(np.mean(found))
    assert valid["accuracy_mean_low"] <= valid["accuracy_mean"]


def test_views_of_a_frozen_encoder_are_cached(stripes, tmp_path, monkeypatch):
    from tltf.data import pipeline

    monkeypatch.setattr(pipeline, "training", None)  # images must not be read again
    one = recipe(
        stripes, method="freeze", stages=[{"epochs": 5}],
        augment={"crop": 0.5, "flip": True, "views": 2},
    )  # fmt: skip
    assert train.train(one, tmp_path / "run").counts["train"] == 36


def test_test_time_views_are_averaged(stripes, tmp_path):
    one = recipe(stripes, method="featurize")
    two = recipe(stripes, method="featurize", tta=3)
    train.train(one, tmp_path / "one")
    train.train(two, tmp_path / "two")
    rows = [(tmp_path / f"{n}/answers_valid.jsonl").read_text() for n in ("one", "two")]
    assert rows[0] != rows[1]


def test_two_runs_of_one_seed_are_equal(stripes, tmp_path):
    for name in ("one", "two"):
        one = recipe(
            stripes, stages=[{"train": "all", "epochs": 2}], head={"dropout": 0.2},
            augment={"crop": 0.5, "flip": True, "cutmix": 0.5},
        )  # fmt: skip
        train.train(one, tmp_path / name)
    left, right = (
        (tmp_path / f"{n}/answers_valid.jsonl").read_text() for n in ("one", "two")
    )
    assert left == right


@pytest.fixture(scope="module")
def several(stripes, tmp_path_factory):
    """A manifest of records with one or two labels, and one with none of `tall`."""
    path = tmp_path_factory.mktemp("several") / "labels.csv"
    rows = ["image,label,split"]
    for split in ("train", "val", "test"):
        for name in ("down", "across", "slanted"):
            label = {"down": "plain|tall", "across": "plain", "slanted": "tall"}[name]
            for file in sorted((stripes / split / name).iterdir()):
                rows.append(f"{file},{label},{split}")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("name", ["featurize", "finetune", "hog"])
@pytest.mark.parametrize("imbalance", ["none", "weights"])
def test_several_labels_are_learnt_and_evaluated(several, tmp_path, name, imbalance):
    one = recipe(
        None, method=name, task="multi_label", imbalance=imbalance,
        data={"source": f"csv:{several}"}, stages=SHORT["finetune"],
    )  # fmt: skip
    report = train.train(one, tmp_path / "run")
    assert len(report.choices["thresholds"]) == 2
    scores = evaluate.evaluate(tmp_path / "run", page=True)
    assert scores["accuracy"] == scores["exact_match"] > 0.4
    line = (tmp_path / "run/answers_test.jsonl").read_text().splitlines()[0]
    assert isinstance(json.loads(line)["answer"], list)


def test_fields_that_a_method_does_not_read_are_named(stripes):
    one = recipe(stripes, method="featurize", smoothing=0.1, patience=3)
    assert config.unread(one) == ["smoothing", "patience"]
