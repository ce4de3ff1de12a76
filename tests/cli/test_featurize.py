"""`tltf featurize` writes shards that a reader can trust, or nothing."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tltf import models
from tltf.data import shards
from tltf.ops import images

# keras/src/backend/tensorflow/core.py:172 has NumPy 1's form of __array__
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for i in range(9):
        folder = root / ("bees" if i % 2 else "ants")
        folder.mkdir(exist_ok=True)
        pixels = random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((48, 40)).save(folder / f"{i}.png")
    whole = (root / "ants" / "0.png").read_bytes()
    (root / "bees" / "half.png").write_bytes(whole[:200])
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "plain.weights.h5"
    models.create_model("plain/tiny", weights="none").save_weights(path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def featurize(photos, weights, home):
    def call(out, *more):
        command = [sys.executable, "-m", "tltf.cli.featurize"]
        command += [f"--data=folder:{photos}", f"--out={out}", f"--weights={weights}"]
        environment = {**os.environ, "TLTF_HOME": str(home)}
        return subprocess.run(
            [*command, "--backbone=plain/tiny", *more],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
        )

    return call


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("first") / "out"


@pytest.fixture(scope="module")
def done(featurize, out):
    done = featurize(out, "--shard_size=4")
    assert done.returncode == 0, done.stderr
    return done


def test_shards_hold_the_encoders_vectors_with_their_ids(done, out, photos, weights):
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["records"], summary["skipped"], summary["shards"]) == (9, 1, 3)
    assert "half.png" in done.stderr
    meta = json.loads((out / "meta.json").read_text())
    assert [entry["id"] for entry in meta["skipped"]] == ["bees/half.png"]
    parts = [np.load(out / name) for name in meta["shards"]]
    assert [len(part) for part in parts] == [4, 4, 1]
    texts = [(out / name).with_suffix(".jsonl") for name in meta["shards"]]
    lines = [json.loads(line) for t in texts for line in t.read_text().splitlines()]
    encoder = models.create_model("plain/tiny", weights=str(weights))
    inputs = np.stack(
        [images.load((photos / line["id"]).read_bytes(), side=32) for line in lines]
    )
    want = encoder({"image": inputs})["vector"]
    np.testing.assert_allclose(np.concatenate(parts), want, atol=1e-4)
    assert all(line["id"].startswith(line["label"]) for line in lines)


def test_a_second_run_computes_nothing(done, out, featurize, tmp_path):
    again = featurize(tmp_path / "again")
    assert json.loads(again.stdout.splitlines()[-1])["computed"] == 0
    first = np.concatenate([np.load(path) for path in sorted(out.glob("*.npy"))])
    np.testing.assert_array_equal(np.load(next(tmp_path.glob("*/*.npy"))), first)


def test_stop_names_the_bad_file_and_leaves_no_folder(featurize, tmp_path):
    done = featurize(tmp_path / "out", "--bad=stop")
    assert done.returncode == 2
    assert "half.png" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--engine=beam", "beam comes with a later release"),
        ("--runtime=litrt", "did you mean 'litert'"),
        ("--backbone=", "--backbone is missing"),
    ],
)
def test_a_mistake_is_one_line(featurize, tmp_path, flag, message):
    done = featurize(tmp_path / "out", flag)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_folder_in_use_is_not_touched(featurize, tmp_path):
    (tmp_path / "mine").write_text("x")
    done = featurize(tmp_path)
    assert done.returncode == 2
    assert "there already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_failed_write_leaves_nothing(tmp_path):
    vectors = np.zeros((3, 2), np.float32)
    with pytest.raises(TypeError):
        shards.write(tmp_path / "out", vectors, [{"id": object()}] * 3, {}, rows=2)
    assert not list(tmp_path.iterdir())
