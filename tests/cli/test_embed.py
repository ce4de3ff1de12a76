"""tltf embed: vectors of texts."""

import json
import subprocess
import sys

import numpy as np
import pytest

TEXTS = ["salt and soup", "", "goal goal match"]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """A file of word vectors of 8 numbers."""
    path = tmp_path_factory.mktemp("vectors") / "words.txt"
    words = ["salt", "soup", "goal", "match", "and"]
    rows = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    lines = [
        f"{w} {' '.join(map(str, row))}" for w, row in zip(words, rows, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path, dict(zip(words, rows, strict=True))


def embed(*arguments, stdin=""):
    command = [sys.executable, "-m", "tltf.cli", "embed", *arguments]
    return subprocess.run(command, capture_output=True, text=True, input=stdin)


def test_a_text_gets_the_mean_of_its_words_vectors(vectors, tmp_path):
    path, table = vectors
    listed = tmp_path / "texts.txt"
    listed.write_text("\n".join(TEXTS) + "\n")
    flags = [f"--weights={path}", "--backbone=glove/tiny"]
    done = embed(*flags, str(listed), "-", stdin="soup unheard\n")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == [*[f"{listed}:{n}" for n in (1, 2, 3)], "-:1"]
    means = [
        (table["salt"] + table["and"] + table["soup"]) / 3,
        np.zeros(8),
        (2 * table["goal"] + table["match"]) / 3,
        table["soup"] / 2,
    ]
    np.testing.assert_allclose([row["vector"] for row in rows], means, atol=1e-5)


def test_words_in_order_go_to_files(vectors, tmp_path):
    path, table = vectors
    flags = [f"--weights={path}", "--backbone=glove/tiny", "--view=sequence"]
    done = embed(*flags, f"--out={tmp_path / 'out'}", *[f"--text={t}" for t in TEXTS])
    assert json.loads(done.stdout)["shape"] == [6, 8]
    found = np.load(tmp_path / "out" / "vectors.npy")
    lines = (tmp_path / "out" / "texts.jsonl").read_text().splitlines()
    starts = [(row["row"], row["rows"]) for row in map(json.loads, lines)]
    assert starts == [(0, 3), (3, 0), (3, 3)]
    wanted = [table[word] for text in TEXTS for word in text.split()]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--backbone is missing"),
        (["--backbone=glove/tiny", "--weights=none"], "no text"),
        (["--backbone=plain/tiny", "--text=a"], "`tltf featurize` is for them"),
        (["--backbone=glove/tiny", "--text=a"], "no published vectors"),
        (["--backbone=glove/tiny", "no_such.txt"], "no_such.txt: No such file"),
    ],
)
def test_a_mistake_is_one_line(arguments, words):
    done = embed(*arguments)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
