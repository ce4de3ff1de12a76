import csv
import json
import subprocess
import sys

import pytest


def data(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "tltf.cli.data", *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def questions(tmp_path):
    """A TREC folder with an empty, a repeated and a misplaced question."""
    kinds = ["NUM:date", "HUM:ind", "LOC:city"]
    lines = [f"{kinds[n % 3]} Question number {n} ?" for n in range(30)]
    lines += ["HUM:ind ", lines[0], "NUM:date Where is it ?"]
    (tmp_path / "train_5500.label").write_text("\n".join(lines))
    test = ["LOC:city Where is it ?", "HUM:ind Who was it ?"]
    (tmp_path / "TREC_10.label").write_text("\n".join(test))
    return f"--set=path={tmp_path}"


def test_check_names_bad_texts(questions):
    shown = data("check", "trec", questions, code=1)
    assert "text " in shown
    assert "35 texts, 3 problems" in shown
    found = json.loads(data("check", "trec", questions, "--json", code=1))
    assert found["files"] == 35
    assert found["problems"] == [
        {
            "path": "test/1",
            "cause": "conflicting labels: exact duplicate of train/33 "
            "(labels 'LOC' and 'NUM', across splits test and train)",
            "action": "fix",
        },
        {
            "path": "train/31",
            "cause": "empty text",
            "action": "skipped",
        },
        {
            "path": "train/32",
            "cause": "exact duplicate of train/1",
            "action": "noted",
        },
    ]


def test_info_counts_texts_and_their_lengths(questions):
    shown = data("info", "trec", questions, "--set=fine=true")
    assert "NUM:date" in shown
    assert "1 records skipped" in shown
    assert "characters, median" in shown
    found = json.loads(data("info", "trec", questions, "--json"))
    assert found["splits"] == {"test": 2, "train": 32}
    assert found["lengths"]["words"] == [4, 4, 4]


def test_split_writes_texts_that_csv_reads_back(questions, tmp_path):
    out = tmp_path / "m.csv"
    cuts = ("--train=train[:50%]", "--valid=train[50%:]", "--test=test")
    data("split", "trec", questions, *cuts, f"--out={out}")
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} == {"train", "valid", "test"}
    assert all(row["text"].endswith("?") for row in rows)
    again = json.loads(data("info", f"csv:{out}", "--json"))
    assert again["records"] == len(rows) == 34
    assert again["kind"] == "text"


def test_an_option_that_the_set_does_not_have_is_one_line(questions):
    done = subprocess.run(
        [sys.executable, "-m", "tltf.cli.data", "info", "trec", "--set=fien=true"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "did you mean 'fine'" in done.stderr
