import pathlib
import subprocess
import sys

import made_runs
import pytest


def tltf(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "tltf.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_last_line_is_the_path_of_a_complete_version(tmp_path):
    made_runs.make(tmp_path / "run")
    root = tmp_path / "saved_models"
    done = tltf("export", f"--workdir={tmp_path / 'run'}", f"--saved_models={root}")
    assert done.returncode == 0, done.stderr
    path = pathlib.Path(done.stdout.splitlines()[-1])
    assert path == root / "image_class-plain-images" / "1"
    assert (path / "saved_model.pb").is_file()
    assert (path / "card.json").is_file()
    said = done.stderr.splitlines()[-1]
    assert "answered 9 records as the run did" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--workdir is missing"),
        (["--workdir=/nowhere"], "no folder '/nowhere'"),
        (["--workdir=.", "more"], "unexpected 'more'"),
        (["--workdir=/", "--name=a"], "recipe.yaml is missing"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_two(arguments, said):
    done = tltf("export", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
