"""tltf convert: foreign weights into ours and back."""

import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

from tltf import config
from tltf.runs import train
from tltf.text import elmo, elmo_options, elmo_weights, load_vectors

WORDS = "salt 0.25 -1.5\nsoup 3.0 1e-3\n"
SIZES = elmo_options.Options(dim=8, projection=4, embedding=4, filters=((1, 4), (2, 8)))


def convert(*arguments):
    command = [sys.executable, "-m", "tltf.cli", "convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("form", ["glove", "word2vec", "word2vec_binary", "fasttext"])
def test_word_vectors_keep_their_numbers_in_every_format(form, tmp_path):
    (tmp_path / "a.txt").write_text(WORDS)
    done = convert(f"--to={form}", tmp_path / "a.txt", tmp_path / "b.vec")
    assert done.stdout.strip() == str(tmp_path / "b.vec"), done.stderr
    first, second = load_vectors(tmp_path / "a.txt"), load_vectors(tmp_path / "b.vec")
    assert first.words == second.words
    np.testing.assert_array_equal(first.matrix, second.matrix)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder with a small ELMo of random weights."""
    import json

    folder = tmp_path_factory.mktemp("elmo")
    keras.utils.set_random_seed(0)
    model = elmo.load_elmo(SIZES, None, trainable="all")
    elmo_weights.write(model, SIZES, folder / "weights.hdf5")
    (folder / "options.json").write_text(json.dumps(elmo_options.as_json(SIZES)))
    return folder


def arrays(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


def test_elmo_of_a_run_goes_back_to_the_published_layout(own, subjects, tmp_path):
    raw = {
        "method": "finetune",
        "task": "text_class",
        "backbone": "elmo/own",
        "weights": str(own),
        "data": {"source": f"jsonl:{subjects}"},
        "stages": [{"train": ["lstm", "head"], "epochs": 1, "rate": 1e-2}],
    }
    train.train(config.override(raw, {}, where="test"), tmp_path / "run")
    done = convert("--to=bilm", tmp_path / "run", tmp_path / "back")
    assert done.returncode == 0, done.stderr
    before, after = (arrays(f / "weights.hdf5") for f in (own, tmp_path / "back"))
    assert before.keys() == after.keys()
    moved = {k for k in before if not np.array_equal(before[k], after[k])}
    assert moved
    assert all(name.startswith("RNN") for name in moved)  # characters were frozen
    elmo.load_elmo(tmp_path / "back/options.json", tmp_path / "back/weights.hdf5")


def test_elmo_becomes_a_module_with_the_signatures_of_the_hub(own, tmp_path):
    import tensorflow as tf

    assert convert("--to=hub", own, tmp_path / "module").returncode == 0
    loaded = tf.saved_model.load(str(tmp_path / "module"))
    assert {"default", "tokens"} <= set(loaded.signatures)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --to=FORMAT"),
        (["--to=bilm", "no_such", "out"], "no_such: no such file or folder"),
        (["--to=word2vec", "no_such.txt", "out"], "no_such.txt"),
        (["--to=awd_lstm", "setup.py", "out"], "--words"),
        (["--to=bilm", "tltf", "out"], "no run folder"),
        (["--to=hub", "tltf", "tests"], "is there already"),
    ],
)
def test_a_mistake_is_one_line(arguments, words):
    done = convert(*arguments)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
