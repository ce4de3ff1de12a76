import subprocess
import sys

import pytest

_WITHOUT = """
import sys
sys.modules["starlette"] = None
sys.argv = ["tltf", "serve", "--saved_models=" + sys.argv[1]]
from tltf.cli import __main__
__main__.main()
"""


def ended(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def serve(*arguments):
    return ended(sys.executable, "-m", "tltf.cli", "serve", *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--saved_models=/nowhere"], "no folder '/nowhere'"),
        (["--saved_models=.", "more"], "unexpected 'more'"),
        (["--rest_port=70000"], "rest_port"),
        (["--max_batch=0"], "max_batch"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_two(arguments, said):
    done = serve(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_folder_without_models_is_a_mistake(tmp_path):
    pytest.importorskip("starlette")
    done = serve(f"--saved_models={tmp_path}")
    assert done.returncode == 2
    assert "`tltf export` publishes one there" in done.stderr


@pytest.mark.parametrize(
    ("config", "said"),
    [(None, "m version 1: "), ("model_config_list {}", "no config with name 'm'")],
)
def test_model_that_does_not_load_is_work_that_failed(config, said, tmp_path):
    pytest.importorskip("starlette")
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").write_text("no model")
    if config:
        (tmp_path / "m" / "models.config").write_text(config)
    done = serve(f"--saved_models={tmp_path}")
    assert done.returncode == 1
    assert "tltf: no model loads; " in done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_missing_extra_is_named_with_the_remedy(tmp_path):
    done = ended(sys.executable, "-c", _WITHOUT, str(tmp_path))
    assert done.returncode == 2
    assert "starlette is not installed; `tltf serve` needs it" in done.stderr
    assert 'pip install "tltf[serve]"' in done.stderr


def test_help_says_that_production_is_for_tensorflow_serving():
    done = serve("--help")
    assert done.returncode == 0
    assert "in production run TensorFlow\nServing itself" in done.stdout
