"""A run that was killed and resumed ends as if nothing had happened."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import stopping
import yaml

from tltf import config, errors
from tltf.runs import train
from tltf.training import stages, state


def recipe(stripes, **change):
    raw = {
        "method": "finetune",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
        "augment": {"crop": 0.5, "flip": True, "color": 0.2, "mixup": 0.2},
        "head": {"dropout": 0.3},
        "optimizer": {"ema": 0.9, "clip_norm": 1.0},
        "stages": [
            {"train": ["head"], "epochs": 2, "rate": 1e-2},
            {"train": "all", "epochs": 3, "rate": 3e-3, "schedule": "cosine"},
        ],
        "batch": 8,
        "norm": "adapt",
        "keep": "last",
    }
    return config.override({**raw, **change}, {}, where="test")


def weights(folder):
    model = keras.saving.load_model(folder / "checkpoints" / "model.keras")
    return [v.numpy() for v in model.weights]


def assert_equal_runs(one: pathlib.Path, two: pathlib.Path):
    for left, right in zip(weights(one), weights(two), strict=True):
        np.testing.assert_array_equal(left, right)
    rows = [
        [line.split(",")[:5] for line in (f / "history.csv").read_text().splitlines()]
        for f in (one, two)
    ]
    assert rows[0] == rows[1]


def kill_after_rows(command, history: pathlib.Path, rows: int):
    """Starts a run and sends SIGKILL once history.csv has so many epochs."""
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while time.monotonic() < end and run.poll() is None:
        if history.exists() and history.read_text().count("\n") > rows:
            # into the next epoch, whose steps are a few milliseconds long
            time.sleep(0.02)
            run.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    assert run.wait() == -signal.SIGKILL, "the run ended before it was killed"


@pytest.fixture(scope="module")
def whole(stripes, tmp_path_factory):
    """The folder of a run that nothing cut short."""
    folder = tmp_path_factory.mktemp("whole")
    train.train(recipe(stripes), folder)
    return folder


@pytest.mark.parametrize("rows", [1, 3])
def test_a_killed_run_resumes_to_the_same_weights(stripes, whole, tmp_path, rows):
    made = recipe(stripes)
    path = tmp_path / "recipe.yaml"
    path.write_text(config.dump(made))
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "tltf.cli.train", f"--config={path}"]
    command += [f"--workdir={folder}"]
    kill_after_rows(command, folder / "history.csv", rows)
    assert not (folder / "report.json").exists()
    train.train(made, folder, resume=True)
    assert_equal_runs(whole, folder)


def test_a_run_stopped_inside_an_epoch_keeps_its_best(stripes, tmp_path, monkeypatch):
    made = recipe(stripes, keep="best", patience=2, augment={})
    train.train(made, tmp_path / "whole")
    real, calls = stages._epoch, []

    def stopped(advance, batches, feed, steps):
        calls.append(steps)
        if len(calls) == 4:
            advance(batches.element_spec)(*next(iter(batches)))
            raise KeyboardInterrupt
        return real(advance, batches, feed, steps)

    monkeypatch.setattr(stages, "_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        train.train(made, tmp_path / "cut")
    monkeypatch.undo()
    train.train(made, tmp_path / "cut", resume=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


def test_texts_of_changing_length_resume_to_the_same_weights(
    subjects, tmp_path, monkeypatch
):
    # the first batch of an epoch has another length in the resumed run than the
    # first of all had
    change = {
        "task": "text_class",
        "backbone": "awd_lstm/tiny",
        "data": {"source": f"jsonl:{subjects}"},
        "augment": {},
        "text": {"words": 60, "length": 40},
        "stages": [{"train": "all", "epochs": 2, "rate": 1e-2}],
        "batch": 16,
    }
    made = recipe(subjects, **change)
    train.train(made, tmp_path / "whole")
    stopping.stop(made, tmp_path / "cut", monkeypatch, epoch=2)
    train.train(made, tmp_path / "cut", resume=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


def test_a_head_stage_resumes_on_the_features_of_the_trained_encoder(
    stripes, tmp_path, monkeypatch
):
    stages_ = [{"train": "all", "epochs": 1, "rate": 1e-2}, {"epochs": 3, "rate": 1e-2}]
    made = recipe(stripes, stages=stages_, augment={})
    train.train(made, tmp_path / "whole")
    stopping.stop(made, tmp_path / "cut", monkeypatch, epoch=3)
    report = train.train(made, tmp_path / "cut", resume=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")
    assert report.seconds["earlier"] > 0


def test_repeats_that_were_stopped_are_finished(stripes, tmp_path, monkeypatch):
    made = recipe(stripes, method="featurize", repeats=2)
    monkeypatch.setattr(train, "_repeated", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train.train(made, tmp_path / "run")
    monkeypatch.undo()
    report = train.train(made, tmp_path / "run", resume=True)
    assert "accuracy_mean" in report.scores["valid"]


def test_a_finished_run_is_not_run_again(stripes, tmp_path):
    made = recipe(stripes, method="featurize", stages=None)
    report = train.train(made, tmp_path / "run")
    before = os.stat(tmp_path / "run/report.json").st_mtime_ns
    assert train.train(made, tmp_path / "run", resume=True) == report
    assert os.stat(tmp_path / "run/report.json").st_mtime_ns == before


def test_another_recipe_in_the_same_folder_is_refused(stripes, tmp_path):
    made = recipe(stripes, method="featurize", stages=None)
    train.train(made, tmp_path / "run")
    with pytest.raises(errors.UserError, match="add --resume"):
        train.train(made, tmp_path / "run")
    other = made.model_copy(update={"seed": 5})
    with pytest.raises(errors.UserError, match="seed was 0, is 5"):
        train.train(other, tmp_path / "run", resume=True)


def test_a_foreign_folder_is_left_alone(stripes, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(errors.UserError, match="is not empty"):
        train.train(recipe(stripes), tmp_path)


def test_the_resolved_recipe_reads_back_equal(stripes, tmp_path):
    made = recipe(stripes, method="featurize", stages=None)
    train.train(made, tmp_path / "run")
    written = config.load(tmp_path / "run/recipe.yaml")
    assert written.data.train == "train"
    raw = yaml.safe_load((tmp_path / "run/recipe.yaml").read_text())
    assert config.override(raw, {}, where="again") == written


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = tmp_path / "state.npz"
    state.save(path, {"model": [np.ones(3)]}, {"stage": 1})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(errors.UserError, match="state.npz: damaged"):
        state.load(path)


def test_a_checkpoint_reads_back_equal(tmp_path):
    path = tmp_path / "state.npz"
    random = np.random.default_rng(0)
    arrays = {"model": [random.normal(size=(3, 2)), np.arange(12)], "best": [np.eye(2)]}
    state.save(path, arrays, {"best": float("inf"), "rows": [{"loss": 0.5}]})
    found, meta = state.load(path)
    assert meta == {"best": float("inf"), "rows": [{"loss": 0.5}]}
    for name, list_ in arrays.items():
        for left, right in zip(list_, found[name], strict=True):
            np.testing.assert_array_equal(left, right)
