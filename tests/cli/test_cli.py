"""Commands: quick help, one-line errors, exit codes."""

import json
import subprocess
import sys

import pytest
import yaml

from tltf import registry

HEAVY = ("tensorflow", "keras", "sklearn", "matplotlib", "tensorflow_datasets")


def tltf(*arguments, **options):
    command = [sys.executable, "-m", "tltf.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.mark.parametrize("verb", ["", *registry.names("cli")])
def test_help_names_its_flags_without_heavy_imports(verb):
    code = (
        "import sys, runpy; sys.argv = ['tltf', *sys.argv[1:]]\n"
        "try: runpy.run_module('tltf.cli', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"heavy = set({HEAVY}) & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    command = [sys.executable, "-c", code, *([verb] if verb else []), "--help"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "tltf" in done.stdout
    assert ("Flags:" in done.stdout) == bool(verb)


def test_import_takes_no_tensorflow():
    code = f"import sys, tltf; assert not set({HEAVY}) & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def recipe(stripes, tmp_path):
    raw = {
        "method": "featurize",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "did you mean 'train'"),
        (["train"], "--config"),
        (["train", "--config=absent.yaml", "--workdir=x"], "absent.yaml"),
        (["train", "--config={}"], "--workdir"),
        (["train", "--config={}", "--workdir=x", "--set", "batch=0"], "batch"),
        (["train", "--config={}", "--workdir=x", "stray"], "stray"),
        (["train", "--nonsense"], "nonsense"),
        (["compare", "--config={}", "--workdir=x", "--methods=hogg"], "'hog'"),
        (["evaluate", "--workdir=absent"], "no run folder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(recipe, arguments, message):
    done = tltf(*[text.format(recipe) for text in arguments])
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""


def test_train_ends_with_its_headline_and_evaluate_reads_it(recipe, tmp_path):
    done = tltf("train", f"--config={recipe}", f"--workdir={tmp_path}/run")
    assert done.returncode == 0, done.stderr
    headline = json.loads(done.stdout.splitlines()[-1])
    assert headline["method"] == "featurize"
    done = tltf("evaluate", f"--workdir={tmp_path}/run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["split"] == "test"
    assert "Traceback" not in done.stderr


def test_an_assertion_that_fails_is_exit_code_1(recipe, tmp_path):
    arguments = [f"--config={recipe}", f"--workdir={tmp_path}/run"]
    done = tltf("train", *arguments, "--assert_at_least=1.01")
    assert done.returncode == 1
    assert "1.01 was asked for" in done.stderr


def test_dry_run_prints_recipe_and_parameters_and_writes_nothing(recipe, tmp_path):
    done = tltf("train", f"--config={recipe}", "--set", "method=finetune", "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "backbone: plain/tiny" in done.stdout
    assert "stem" in done.stdout and "trained in stage" in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["recipe.yaml"]


def test_doctor_says_what_there_is():
    done = tltf("doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == bool(found["problems"])
    assert found["packages"]["keras"].startswith("3.15.")
