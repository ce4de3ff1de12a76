import csv
import io
import json
import subprocess
import sys

import made_runs
import pytest


def predict(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "tltf.cli", "predict", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("predict") / "run"
    files, answers = made_runs.make(workdir)
    return workdir, files, answers


def test_rows_come_in_input_order_and_a_bad_file_has_its_own(run, tmp_path):
    workdir, files, answers = run
    bad = tmp_path / "words.jpg"
    bad.write_text("only words")
    inputs = [files[4], bad, files[2]]
    done = predict(f"--model={workdir}", f"--workdir={tmp_path}", *inputs)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == [str(path) for path in inputs]
    assert "not an image" in rows[1]["error"]
    for row, answer in ((rows[0], answers[4]), (rows[2], answers[2])):
        assert row["label"] == answer["answer"]
        assert list(row["probabilities"]) == list(made_runs.LABELS)
        given = list(row["probabilities"].values())
        assert given == pytest.approx(answer["probabilities"], abs=1e-5)
    assert done.returncode == 1
    assert "1 of 3 inputs have no answer" in done.stderr
    assert (tmp_path / "predictions.jsonl").read_text() == done.stdout


def test_csv_of_the_best_labels_from_a_list_on_stdin(run):
    workdir, files, answers = run
    listed = f"{files[0]}\n{files[3]}\n"
    done = predict(f"--model={workdir}", "--format=csv", "--top=2", "-", input=listed)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["id"] for row in rows] == [str(files[0]), str(files[3])]
    for row, answer in zip(rows, (answers[0], answers[3]), strict=True):
        best = sorted(answer["probabilities"], reverse=True)
        assert row["label_1"] == row["label"] == answer["answer"]
        assert float(row["probability_1"]) == pytest.approx(best[0], abs=1e-5)
        assert float(row["probability_2"]) == pytest.approx(best[1], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["photo.jpg"], "--model is missing"),
        (["--model=."], "no input; name files or folders, as in tltf"),
        (["--model=http://localhost:8501", "a.jpg"], "is no address of a model"),
        (["--model=/nowhere", "a.jpg"], "no folder '/nowhere'"),
        (["--model=.", "no*thing.jpg"], "no file matches"),
        (["--model=x", "--batch=0", "a.jpg"], "batch"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_two(arguments, said):
    done = predict(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
