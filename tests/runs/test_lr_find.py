"""The learning-rate range test of a recipe, its files and its messages."""

import csv
import json

import numpy as np
import pytest
import tensorflow as tf
import yaml

from tltf import config, errors
from tltf.runs import lr_find
from tltf.training import range_test

PLAN = range_test.Plan(low=1e-4, high=1.0, steps=20, restarts=3)


def recipe(stripes, **change):
    raw = {
        "method": "freeze",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
        "stages": [{"train": ["head"], "epochs": 2}],
        "batch": 8,
    }
    return config.override({**raw, **change}, {}, where="test")


def table(folder):
    return list(csv.DictReader((folder / "lr_find.csv").read_text().splitlines()))


@pytest.fixture(scope="module")
def found(stripes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lr")
    return folder, lr_find.lr_find(recipe(stripes), folder, PLAN)


def test_a_suggestion_is_the_median_of_the_restarts_with_their_spread(found):
    _, answer = found
    assert set(answer["suggestions"]) == {"steepest", "valley", "minimum_tenth"}
    for row in answer["suggestions"].values():
        assert len(row["each"]) == 3
        assert row["rate"] == sorted(row["each"])[1]
        assert (row["low"], row["high"]) == (min(row["each"]), max(row["each"]))
    assert answer["rate"] == answer["suggestions"]["valley"]["rate"]
    assert answer["field"] == "stages.0.rate"


def test_the_table_holds_every_step_of_every_restart(found):
    folder, answer = found
    rows = table(folder)
    assert len(rows) == sum(curve["steps"] for curve in answer["curves"])
    first = [float(row["rate"]) for row in rows if row["restart"] == "0"]
    steps = answer["curves"][0]["steps"]
    np.testing.assert_allclose(first, np.geomspace(1e-4, 1, 20)[:steps], rtol=1e-6)
    assert json.loads((folder / "lr_find.json").read_text()) == answer


def test_tensorboard_gets_the_losses_of_the_table(found):
    from tensorboard.backend.event_processing import event_accumulator

    folder, _ = found
    logs = event_accumulator.EventAccumulator(
        str(folder / "logs/lr_find/restart_1"), {"tensors": 0}
    )
    logs.Reload()
    rows = table(folder)
    losses = [float(row["loss"]) for row in rows if row["restart"] == "1"]
    events = logs.Tensors("lr_find/loss")
    tensors = [float(tf.make_ndarray(event.tensor_proto)) for event in events]
    np.testing.assert_allclose(tensors, losses, rtol=1e-6)


def test_the_picture_is_drawn(found):
    import PIL.Image

    folder, _ = found
    with PIL.Image.open(folder / "lr_find.png") as picture:
        assert len(picture.convert("RGB").getcolors(2**20)) > 20


def test_a_run_folder_keeps_its_own_files(stripes, tmp_path):
    (tmp_path / "report.json").write_text("mine")
    lr_find.lr_find(recipe(stripes), tmp_path, PLAN)
    assert (tmp_path / "report.json").read_text() == "mine"
    assert not (tmp_path / "checkpoints").exists()
    assert not (tmp_path / "history.csv").exists()


def test_a_later_stage_is_tested_on_what_the_earlier_ones_learnt(stripes, tmp_path):
    stages = [
        {"train": ["head"], "epochs": 30, "rate": 3e-2},
        {"train": "all", "epochs": 1},
    ]
    made = recipe(stripes, method="finetune", stages=stages)
    plan = range_test.Plan(low=1e-7, high=1e-4, steps=10, restarts=1)
    first = lr_find.lr_find(made, tmp_path / "0", plan, stage=0)
    later = lr_find.lr_find(made, tmp_path / "1", plan, stage=1)
    assert (first["field"], later["field"]) == ("stages.0.rate", "stages.1.rate")

    def start(folder):
        return float(table(tmp_path / folder)[0]["loss"])

    assert start("1") < start("0") - 0.05


def test_a_solved_head_is_where_the_test_of_lp_ft_begins(stripes, tmp_path):
    stages = [{"train": "all", "epochs": 1}]
    plan = range_test.Plan(low=1e-7, high=1e-5, steps=10, restarts=1)
    losses = {}
    for method in ("lp_ft", "finetune"):
        made = recipe(stripes, method=method, stages=stages)
        lr_find.lr_find(made, tmp_path / method, plan)
        losses[method] = float(table(tmp_path / method)[0]["loss"])
    assert losses["lp_ft"] < losses["finetune"] - 0.1


def test_several_parts_are_tested_on_the_sum_of_their_losses(stripes, tmp_path):
    parts = [{"name": "one"}, {"name": "two"}]
    stages = [{"train": "all", "epochs": 1}]
    made = recipe(stripes, method="multitask", parts=parts, stages=stages)
    plan = range_test.Plan(low=1e-7, high=1e-5, steps=10, restarts=1)
    lr_find.lr_find(made, tmp_path, plan)
    # of two heads of three classes that know nothing: near 2 ln 3
    assert 1.8 < float(table(tmp_path)[0]["loss"]) < 2.8


@pytest.mark.parametrize(
    ("change", "plan", "stage", "message"),
    [
        ({"method": "featurize", "stages": None}, {}, 0, "does not learn by gradients"),
        ({}, {}, 1, "--stage: 1, the recipe has 1 stages"),
        ({}, {"low": 1.0, "high": 0.1}, 0, "--low, --high: 1, 0.1"),
        ({}, {"steps": 3}, 0, "--steps: 3, it takes 10 or more"),
        ({}, {"restarts": 0}, 0, "--restarts: 0, it takes 1 or more"),
    ],
)
def test_what_cannot_be_tested_is_told(stripes, tmp_path, change, plan, stage, message):
    made = recipe(stripes, **change)
    with pytest.raises(errors.UserError, match=message):
        lr_find.lr_find(made, tmp_path / "lr", range_test.Plan(**plan), stage=stage)
    assert not (tmp_path / "lr").exists()


class _Curve:
    def __init__(self, smoothed):
        self.smoothed, self.skipped = np.array(smoothed), 1


@pytest.mark.parametrize(
    ("smoothed", "said"),
    [([9, 5, 4, 3, 5], None), ([9, 5, 4, 3], "raise --high"), ([1, 3, 4], "nothing")],
)
def test_a_curve_without_a_turn_is_remarked_on(smoothed, said):
    remarks = lr_find._remarks([_Curve(smoothed)])
    assert (said in remarks[0]) if said else not remarks


def test_the_suggestion_is_an_override_that_train_takes(found, stripes, tmp_path):
    _, answer = found
    text = config.dump(recipe(stripes))
    (tmp_path / "r.yaml").write_text(text)
    made = config.load(tmp_path / "r.yaml", [f"{answer['field']}={answer['rate']:.2g}"])
    assert made.stages[0].rate == pytest.approx(answer["rate"], rel=0.05)
    assert yaml.safe_load(text)["method"] == "freeze"
