"""A search: what its trials are, what it leaves, how it goes on after a SIGKILL."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
import tensorflow as tf
import yaml

from tltf import config, errors
from tltf.data import features
from tltf.runs import _tuner, search_space, train, trials, tune
from tltf.training import frozen

FIELDS = {
    "stages.0.rate": {"low": 1e-3, "high": 1e-1, "scale": "log"},
    "head.dropout": [0, 0.2, 0.5],
    "optimizer.clip_norm": [None, 1.0],
}


def recipe(stripes, **change):
    raw = {
        "method": "freeze",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
        "stages": [{"train": ["head"], "epochs": 4}],
        "batch": 12,
    }
    return config.override({**raw, **change}, {}, where="test")


def search(made, **change):
    raw = {"trials": 3, "fields": FIELDS, **change}
    return search_space.parse(raw, made, where="test")


def outcome(folder):
    rows = trials.read(folder)
    return [(row["trial"], row["values"], row["score"]) for row in rows]


@pytest.fixture(scope="module")
def made(stripes):
    return recipe(stripes)


@pytest.fixture(scope="module")
def found(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune") / "d"
    computed = []
    real = features._computed
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLTF_FEATURES", str(folder.parent / "features"))
        patch.setattr(
            features, "_computed", lambda *a: computed.append(len(a[2])) or real(*a)
        )
        seen = frozen._vectors
        patch.setattr(
            frozen, "_vectors", lambda *a: computed.append("valid") or seen(*a)
        )
        answer = tune.tune(made, search(made), folder)
    return folder, answer, computed


def test_a_trial_is_the_run_that_train_makes(found, tmp_path):
    folder, answer, _ = found
    again = train.train(folder / "best.yaml", tmp_path / "run")
    path = folder / answer["take"]["run"] / "report.json"
    scores = json.loads(path.read_text())["scores"]
    for name, value in scores["valid"].items():
        # the search asks the head alone, on vectors of the same encoder
        assert again.scores["valid"][name] == pytest.approx(value, abs=1e-6), name
    assert answer["take"]["score"] == scores["valid"]["accuracy"]


def test_the_best_recipe_has_the_values_of_the_best_trial(found, made):
    folder, answer, _ = found
    best = max(answer["trials"], key=lambda row: row["score"])
    assert answer["take"]["values"] == best["values"]
    taken = config.load(folder / "best.yaml")
    assert taken == config.change(made, (), best["values"])


def test_values_lie_where_they_were_asked_for(found):
    rows = found[1]["trials"]
    assert len(rows) == 3
    for row in rows:
        assert 1e-3 <= row["values"]["stages.0.rate"] <= 1e-1
        assert row["values"]["head.dropout"] in (0, 0.2, 0.5)
        assert row["values"]["optimizer.clip_norm"] in (None, 1.0)
    assert len({row["values"]["stages.0.rate"] for row in rows}) == 3


def test_features_are_computed_by_the_first_trial_only(found):
    # 36 records of train and 18 of valid, those again for the scores
    assert sorted(found[2], key=str) == [18, 36, "valid"]


def test_only_the_valid_split_was_scored(found):
    folder, answer, _ = found
    assert answer["split"] == "valid"
    for row in answer["trials"]:
        run = folder / "trials" / row["trial"]
        assert set(json.loads((run / "report.json").read_text())["scores"]) == {"valid"}
        assert not (run / "answers_test.jsonl").exists()


def test_only_the_best_runs_keep_their_weights(found):
    folder, answer, _ = found
    kept = [p.parent.parent.name for p in folder.glob("trials/*/checkpoints/*.keras")]
    assert kept == [answer["take"]["trial"]]
    assert [row["trial"] for row in answer["trials"] if row["kept"]] == kept
    # what a trial was and said stays
    assert len(list(folder.glob("trials/*/answers_valid.jsonl"))) == 3


def test_the_table_is_in_the_order_of_the_scores(found):
    folder, answer, _ = found
    lines = (folder / "tune.md").read_text().splitlines()
    rows = [line.split("|")[1:3] for line in lines[2:5]]
    scores = [float(score) for _, score in rows]
    assert scores == sorted(scores, reverse=True)
    assert rows[0][0].strip() == answer["take"]["trial"]
    assert "stages.0.rate" in lines[0]


def test_the_picture_is_drawn(found):
    import PIL.Image

    with PIL.Image.open(found[0] / "tune.png") as picture:
        # the trials, and each field
        assert picture.width > picture.height
        assert len(picture.convert("RGB").getcolors(2**20)) > 20


def test_tensorboard_shows_values_and_scores_of_each_trial(found):
    from tensorboard.backend.event_processing import event_accumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    folder, answer, _ = found
    for row in answer["trials"]:
        logs = event_accumulator.EventAccumulator(str(folder / "logs" / row["trial"]))
        logs.Reload()
        content = logs.SummaryMetadata("_hparams_/session_start_info").plugin_data
        data = plugin_data_pb2.HParamsPluginData.FromString(content.content)
        shown = data.session_start_info.hparams["stages.0.rate"].number_value
        assert shown == pytest.approx(row["values"]["stages.0.rate"])
        [event] = logs.Tensors("valid_accuracy")
        score = float(tf.make_ndarray(event.tensor_proto))
        assert score == pytest.approx(row["score"])


def test_the_same_seed_proposes_the_same_values(found, made, tmp_path, monkeypatch):
    # nothing is run; Keras Tuner would take seed 0 for none
    monkeypatch.setattr(_tuner.Tuner, "_run", lambda *_: {"accuracy": 0.5})
    proposed = []
    monkeypatch.setattr(
        _tuner.Tuner,
        "on_trial_begin",
        lambda _, trial: proposed.append(dict(trial.hyperparameters.values)),
    )
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        with pytest.raises(errors.WorkError, match="no trial finished"):
            tune.tune(made, search(made, seed=seed), tmp_path / name)
    assert proposed[:3] == proposed[3:6] != proposed[6:]
    asked = [row["values"]["stages.0.rate"] for row in found[1]["trials"]]
    assert [one["stages.0.rate"] for one in proposed[:3]] == asked


def test_more_trials_are_added_and_old_ones_not_repeated(made, tmp_path):
    folder = tmp_path / "d"
    tune.tune(made, search(made, trials=1), folder)
    before = os.stat(folder / "trials/0/report.json").st_mtime_ns
    with pytest.raises(errors.UserError, match="add --resume"):
        tune.tune(made, search(made, trials=2), folder)
    more = tune.tune(made, search(made, trials=2, keep=2), folder, resume=True)
    assert len(more["trials"]) == 2
    assert os.stat(folder / "trials/0/report.json").st_mtime_ns == before
    other = search(made, trials=2, seed=9)
    with pytest.raises(errors.UserError, match="only trials and keep may change"):
        tune.tune(made, other, folder, resume=True)
    changed = config.change(made, (), {"batch": 6})
    with pytest.raises(errors.UserError, match="begun with another recipe"):
        tune.tune(changed, search(changed, trials=2), folder, resume=True)


def test_a_foreign_folder_is_left_alone(made, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(errors.UserError, match="holds no search"):
        tune.tune(made, search(made), tmp_path, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_trial_whose_loss_explodes_is_told_and_the_search_goes_on(made, tmp_path):
    fields = {"stages.0.rate": [1e-2, 1e38]}
    answer = tune.tune(made, search(made, fields=fields, trials=2), tmp_path / "d")
    assert answer["counts"] == {"finished": 1, "failed": 1}
    assert answer["take"]["values"]["stages.0.rate"] == 1e-2
    [failed] = [row for row in answer["trials"] if row["error"]]
    assert "the loss is" in failed["error"]
    assert "| failed |" in (tmp_path / "d/tune.md").read_text()
    assert not (tmp_path / "d/trials" / failed["trial"] / "checkpoints").exists()


def test_a_recipe_that_cannot_work_ends_the_search_early(made, tmp_path):
    # of texts, these heads are
    fields = {"head.kind": ["tags", "bilstm_tags"], **FIELDS}
    with pytest.raises(errors.UserError, match="head.kind"):
        tune.tune(made, search(made, fields=fields, trials=20), tmp_path / "d")
    assert len(trials.read(tmp_path / "d")) == 3


def test_a_fault_of_ours_is_not_hidden_among_failed_trials(made, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(train, "train", broken)
    with pytest.raises(ZeroDivisionError, match="a fault"):
        tune.tune(made, search(made), tmp_path / "d")


def test_hyperband_gives_the_better_trials_more_epochs(made, tmp_path):
    short = config.change(made, (), {"stages.0.epochs": 2})
    asked = search(short, tuner="hyperband", trials=None, factor=2)
    answer = tune.tune(short, asked, tmp_path / "d")
    rows = answer["trials"]
    epochs = [row["values"]["stages.0.epochs"] for row in rows]
    # one bracket of two trials with one epoch and the better of them with two;
    # one of two trials with two (Li et al. 2018, algorithm 1)
    assert sorted(epochs) == [1, 1, 2, 2, 2]
    for row, count in zip(rows, epochs, strict=True):
        history = tmp_path / "d/trials" / row["trial"] / "history.csv"
        assert history.read_text().count("\n") == count + 1
    again = rows[2]["values"]
    better = max(rows[:2], key=lambda row: row["score"])["values"]
    assert {**again, "stages.0.epochs": 1} == better


def test_bayesian_learns_from_the_trials(made, tmp_path, monkeypatch):
    # the score is known: best at a rate of 1e-2
    def run(self, trial):
        rate = trial.hyperparameters.values["stages.0.rate"]
        tried.append(rate)
        return {"accuracy": 1 - abs(tf.math.log(rate / 1e-2).numpy()) / 10}

    tried = []
    monkeypatch.setattr(_tuner.Tuner, "_run", run)
    fields = {"stages.0.rate": {"low": 1e-5, "high": 1e-1, "scale": "log"}}
    asked = search(made, tuner="bayesian", trials=10, first=4, fields=fields)
    with pytest.raises(errors.WorkError):  # no rows were written
        tune.tune(made, asked, tmp_path / "d")
    assert min(abs(tf.math.log(rate / 1e-2).numpy()) for rate in tried[4:]) < 0.3


def command(folder, path, asked, *more):
    return [
        *(sys.executable, "-m", "tltf.cli.tune", f"--config={path}"),
        *(f"--search={asked}", f"--workdir={folder}", *more),
    ]


@pytest.fixture
def written(made, tmp_path):
    path, asked = tmp_path / "r.yaml", tmp_path / "s.yaml"
    path.write_text(config.dump(made))
    asked.write_text(yaml.safe_dump({"trials": 3, "fields": FIELDS}))
    return path, asked


def kill_in_trial(run, folder: pathlib.Path, number: int):
    """Sends SIGKILL once a trial has finished an epoch."""
    history = folder / "trials" / str(number) / "history.csv"
    end = time.monotonic() + 120
    while time.monotonic() < end and run.poll() is None:
        if history.exists() and history.read_text().count("\n") > 1:
            run.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    assert run.wait() == -signal.SIGKILL, "the search ended before it was killed"


def test_a_killed_search_goes_on_to_the_same_end(found, made, written, tmp_path):
    folder = tmp_path / "d"
    run = subprocess.Popen(command(folder, *written), stderr=subprocess.DEVNULL)
    kill_in_trial(run, folder, 1)
    assert len(trials.ranked(trials.read(folder))) == 1
    answer = tune.tune(made, search(made), folder, resume=True)
    assert outcome(folder) == outcome(found[0])
    assert answer["take"]["values"] == found[1]["take"]["values"]


def test_a_state_half_told_is_mended(made, tmp_path):
    # killed after trial.json, before oracle.json: the trial is proposed again
    folder = tmp_path / "d"
    tune.tune(made, search(made, trials=1), folder)
    state = (folder / "tuner/oracle.json").read_text()
    tune.tune(made, search(made, trials=2), folder, resume=True)
    whole = outcome(folder)
    (folder / "tuner/oracle.json").write_text(state)
    path = folder / "tuner/trial_1/trial.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "status": "RUNNING"}))
    shutil.rmtree(folder / "trials/1")
    tune.tune(made, search(made, trials=2), folder, resume=True)
    assert outcome(folder) == whole


def test_a_trial_folder_of_other_values_is_cleared(tmp_path):
    folder = tmp_path / "trials/0"
    trials.write(folder, {"trial": "0", "values": {"batch": 8}, "score": None})
    (folder / "recipe.yaml").write_text("old")
    trials.fresh(folder, {"batch": 8})
    assert (folder / "recipe.yaml").exists()
    trials.fresh(folder, {"batch": 16})
    assert not folder.exists()


def test_half_set_variables_of_a_cluster_are_told(made, tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(errors.UserError, match="KERASTUNER_ORACLE_PORT, KERASTUNER_TU"):
        tune.tune(made, search(made), tmp_path / "d")


def test_a_worker_waits_for_the_chief_and_its_recipe(made, tmp_path, monkeypatch):
    cluster = {"ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "1", "TUNER_ID": "worker0"}
    for name, value in cluster.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    monkeypatch.setattr(tune, "_CHIEF", 0.3)
    folder = tmp_path / "d"
    with pytest.raises(errors.WorkError, match="no chief has begun a search"):
        tune.tune(made, search(made), folder)
    # it leaves the folder to the chief
    assert not folder.exists()
    tune._begin(folder, made, search(made), False)
    other = config.change(made, (), {"batch": 6})
    with pytest.raises(errors.UserError, match="begun with another recipe"):
        tune.tune(other, search(other), folder)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.slow
def test_a_chief_and_two_workers_share_the_trials(found, written, tmp_path):
    folder, port = tmp_path / "d", str(free_port())
    asked = yaml.safe_load(written[1].read_text()) | {"trials": 6}
    written[1].write_text(yaml.safe_dump(asked))
    cluster = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    runs = {
        name: subprocess.Popen(
            command(folder, *written, *(["--json"] if name == "chief" else [])),
            env={**os.environ, **cluster, "KERASTUNER_TUNER_ID": name},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("chief", "worker0", "worker1")
    }
    try:
        said = {name: run.communicate(timeout=150) for name, run in runs.items()}
    finally:
        for run in runs.values():
            run.kill()
    assert [run.returncode for run in runs.values()] == [0, 0, 0], said
    answer = json.loads(said["chief"][0])
    assert len(answer["trials"]) == 6
    assert {row["worker"] for row in answer["trials"]} == {"worker0", "worker1"}
    assert said["worker0"][0] == said["worker1"][0] == ""
    # the same values as on one machine: the chief alone draws them
    asked = [row["values"] for row in found[1]["trials"]]
    assert [row["values"] for row in answer["trials"]][:3] == asked
    assert len(list(folder.glob("trials/*/checkpoints"))) == 1
