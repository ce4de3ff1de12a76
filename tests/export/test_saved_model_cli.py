"""Signatures as `saved_model_cli` sees and runs them, without tltf."""

import re
import subprocess
import sys

import made_runs
import pytest

from tltf.export import saved_model

# TensorFlow is imported once; every call gets a process of its own by fork, for
# the flags of one would stand in the next.
_CALLS = """
import os, sys
sys.modules["tltf"] = None
from tensorflow.python.tools import saved_model_cli
folder, picture = sys.argv[1:]
# every byte by its number, for ";" and "=" part the command's arguments
contents = "b'" + "".join(f"\\\\x{one:02x}" for one in open(picture, "rb").read()) + "'"
def call(title, *arguments):
    print("==", title, flush=True)
    sys.argv = ["saved_model_cli", arguments[0], "--dir", folder, *arguments[1:]]
    if not (child := os.fork()):
        saved_model_cli.main()
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{title} failed")
call("show", "show", "--all")
raw = f"image_bytes=[{contents}, {contents}]"
ask = ("run", "--tag_set", "serve", "--signature_def")
call("serving_default", *ask, "serving_default", "--input_exprs", raw)
call("features", *ask, "features", "--input_exprs", raw)
example = f"examples=[{{'image_bytes': [{contents}]}}]"
call("predict_examples", *ask, "predict_examples", "--input_examples", example)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    root = tmp_path_factory.mktemp("cli")
    files, answers = made_runs.make(root / "run")
    done = saved_model.export(root / "run", root / "saved_models", "cloth")
    ran = subprocess.run(
        [sys.executable, "-I", "-c", _CALLS, done["path"], str(files[0])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    parts = re.split(r"(?m)^== (\S+)\n", ran.stdout)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True)), answers[0]


def numbers(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?\d+\.\d+(?:e[-+]\d+)?", text)]


def test_every_signature_is_listed_with_its_strings(said):
    shown = said[0]["show"]
    for name in ("serving_default", "features", "predict_examples"):
        part = shown.partition(f"signature_def['{name}']")[2]
        assert re.search(r"inputs\[.*\n\s+dtype: DT_STRING\n\s+shape: \(-1\)", part)


def test_bytes_and_examples_get_the_scores_of_the_run(said):
    parts, answer = said
    for name, rows in (("serving_default", 2), ("predict_examples", 1)):
        scores = parts[name].partition("output key scores:")[2]
        expected = answer["probabilities"] * rows
        assert numbers(scores)[: len(expected)] == pytest.approx(expected, abs=1e-5)


def test_features_are_answered(said):
    found = numbers(said[0]["features"].partition("output key features:")[2])
    assert len(found) == 2 * 8
    assert found[:8] == pytest.approx(found[8:])
