"""A trained run, exported, served and asked by `tltf predict`."""

import json
import subprocess
import sys

import made_runs
import pytest
import tiny_models

from tltf.export import saved_model

pytest.importorskip("starlette")


@pytest.fixture(scope="module")
def cloth(tmp_path_factory):
    root = tmp_path_factory.mktemp("cloth")
    files, answers = made_runs.make(root / "run")
    saved_model.export(root / "run", root / "saved_models", "cloth")
    with tiny_models.served(root / "saved_models") as server:
        yield server, files, answers


def predict(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tltf.cli", "predict", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("scheme", ["rest", "grpc"])
def test_served_run_answers_as_it_did_and_bad_files_have_their_rows(
    scheme, cloth, tmp_path
):
    server, files, answers = cloth
    bad = tmp_path / "words.jpg"
    bad.write_text("only words")
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(made_runs.LABELS))
    flags = [] if scheme == "rest" else [f"--labels={labels}"]
    host = server.rest if scheme == "rest" else f"grpc://{server.grpc}"
    inputs = [files[4], bad, *files[:4]]
    done = predict(f"--model={host}/cloth/labels/stable", *flags, *inputs)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == [str(path) for path in inputs], done.stderr
    assert "not an image" in rows[1]["error"]
    assert done.returncode == 1
    del rows[1]
    for row, answer in zip(rows, [answers[4], *answers[:4]], strict=True):
        assert row["label"] == answer["answer"]
        assert list(row["probabilities"]) == list(made_runs.LABELS)
        given = list(row["probabilities"].values())
        assert given == pytest.approx(answer["probabilities"], abs=1e-5)


def test_model_that_is_not_served_is_one_line_and_exit_code_two(cloth):
    done = predict(f"--model={cloth[0].rest}/silk", "a.jpg")
    assert done.returncode == 2
    assert "404: Servable not found for request: Latest(silk)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_warm_up_requests_ran_before_the_version_took_traffic(cloth):
    code, said = cloth[0].stop()
    assert code == 0
    line = next(x for x in said.splitlines() if "takes requests" in x)
    assert "cloth version 1 takes requests: loaded and 4 times warmed" in line
