"""Several processes learn what one learns, and outlive one of them."""

import csv
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tltf import config, errors
from tltf.runs import train
from tltf.training import devices, workers

SCRIPT = pathlib.Path(__file__).with_name("one_worker.py")


@pytest.fixture
def start(stripes, tmp_path):
    """Starts a run of so many processes, 0 for this one; the last batch of its 36
    images holds one."""
    recipe = {
        "method": "finetune",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
        "augment": {"crop": 0.5, "flip": True, "color": 0.2},
        "optimizer": {"name": "sgd", "ema": 0.9, "clip_norm": 0.05},
        "batch": 7,
        "keep": "last",
        "seed": 1,
    }

    def run(folder, count, **change) -> list[subprocess.Popen]:
        path = tmp_path / "recipe.yaml"
        made = config.override({**recipe, **change}, {}, where="test")
        path.write_text(config.dump(made))
        if not count:
            train.train(path, folder)
            return []
        command = [sys.executable, str(SCRIPT), str(path), str(folder)]
        hosts = [f"127.0.0.1:{port}" for port in ports(count)]
        return [begun([*command, *hosts, str(n)]) for n in range(count)]

    def begun(command):
        (tmp_path / "scratch").mkdir(exist_ok=True)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environment = {
            **os.environ,
            "TMPDIR": str(tmp_path / "scratch"),
            "TLTF_HOME": str(tmp_path / "home"),
        }
        return subprocess.Popen(command, env=environment, **pipes)

    return run


def ports(count: int) -> list[int]:
    """Returns ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


def digests(processes) -> list[str]:
    """Returns what each process says of its weights."""
    ends = [one.communicate(timeout=300) for one in processes]
    for one, (_, said) in zip(processes, ends, strict=True):
        assert one.returncode == 0, said[-3000:]
    return [out.split()[-1] for out, _ in ends]


def weights(folder) -> list[np.ndarray]:
    model = keras.saving.load_model(folder / "checkpoints/model.keras", compile=False)
    return [variable.numpy() for variable in model.weights]


def losses(folder) -> np.ndarray:
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row["loss"]), float(row["valid_loss"])] for row in rows])


def test_two_workers_end_with_the_weights_of_one_process(start, tmp_path):
    stages = [
        {"train": ["head"], "epochs": 1, "rate": 1e-2},
        {"train": "all", "epochs": 1, "rate": 1e-2},
    ]
    change = {"head": {"dropout": 0.0}, "stages": stages}
    one, two = digests(start(tmp_path / "two", 2, **change))
    assert one == two
    start(tmp_path / "one", 0, **change)
    pairs = zip(weights(tmp_path / "one"), weights(tmp_path / "two"), strict=True)
    for left, right in pairs:
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        losses(tmp_path / "one"), losses(tmp_path / "two"), atol=1e-4
    )
    # of the second worker nothing is left
    assert not list((tmp_path / "scratch").glob("tltf_worker_*"))


@pytest.mark.slow
def test_a_run_whose_worker_was_killed_resumes_to_the_same_weights(start, tmp_path):
    stages = [
        {"train": ["head"], "epochs": 1, "rate": 1e-2},
        {"train": "all", "epochs": 6, "rate": 1e-2},
    ]
    change = {"head": {"dropout": 0.3}, "norm": "adapt", "stages": stages}
    whole = digests(start(tmp_path / "whole", 2, **change))
    history = tmp_path / "cut/history.csv"
    chief, other = start(tmp_path / "cut", 2, **change)
    end = time.monotonic() + 120
    while not history.exists() or history.read_text().count("\n") < 4:
        assert time.monotonic() < end and chief.poll() is None
        time.sleep(0.01)
    other.send_signal(signal.SIGKILL)
    _, said = chief.communicate(timeout=120)
    other.communicate()
    assert chief.returncode and "start all of them again with --resume" in said
    assert not (tmp_path / "cut/report.json").exists()
    assert digests(start(tmp_path / "cut", 2, **change)) == whole
    np.testing.assert_array_equal(losses(tmp_path / "cut"), losses(tmp_path / "whole"))


@settings(deadline=None)  # the first one waits for TensorFlow
@given(
    count=st.integers(1, 9),
    batch=st.integers(1, 40),
    records=st.integers(1, 200),
)
def test_the_shares_of_all_workers_are_each_batch_once(count, batch, records):
    if min(batch, records) < count:
        with pytest.raises(
            errors.UserError, match="^batch: .* records cannot be split"
        ):
            workers.Worker(0, count).share(records, batch)
        return
    parts = []
    for number in range(count):
        share = workers.Worker(number, count).share(records, batch)
        order = np.arange(records)[share.places]
        rows = tf.data.Dataset.from_tensor_slices((order, order, order))
        batches = list(share.ended(rows.batch(share.batch)))
        assert all(len(inputs) for inputs, _, _ in batches)
        parts.append([weights.numpy() for _, _, weights in batches])
    for number, found in enumerate(zip(*parts, strict=True)):
        whole = np.arange(number * batch, min((number + 1) * batch, records))
        np.testing.assert_array_equal(np.concatenate(found), whole)
        sizes = [len(part) for part in found]
        assert max(sizes) - min(sizes) <= 1


def test_a_chief_comes_before_the_workers(monkeypatch):
    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    for task, number in (("chief", 0), ("worker", 1)):
        text = json.dumps({"cluster": cluster, "task": {"type": task, "index": 0}})
        monkeypatch.setenv("TF_CONFIG", text)
        assert workers.mine() == workers.Worker(number, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "x"}}',
        '{"cluster": null, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_wrong_cluster_is_told_in_a_line(text, monkeypatch, tmp_path, stripes):
    monkeypatch.setenv("TF_CONFIG", text)
    recipe = {
        "method": "freeze",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
    }
    made = config.override(recipe, {}, where="test")
    with pytest.raises(errors.UserError, match="^TF_CONFIG: ") as error:
        train.train(made, tmp_path / "run", distribution="multi_worker")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_a_method_without_steps_is_not_split(stripes, tmp_path):
    recipe = {"method": "hog", "data": {"source": f"folder:{stripes}"}}
    made = config.override(recipe, {}, where="test")
    with pytest.raises(errors.UserError, match="method hog takes no steps"):
        train.train(made, tmp_path, distribution="multi_worker")


def test_an_unknown_kind_is_named():
    refused = pytest.raises(errors.UserError, match="'tpu'; take auto, none")
    with refused, devices.use("tpu"):
        pass


def test_one_device_is_none_at_all():
    with devices.use("auto") as across:
        assert across is devices.ONE
    assert devices.current() is devices.ONE
