"""Publishes a trained run as a SavedModel that proved itself in a fresh process.

Usage: tltf export --workdir=runs/quick

Makes saved_models/NAME/VERSION with the signatures serving_default (image file
bytes to scores and classes), features and predict_examples; TensorFlow alone
loads it. Before it is published it is loaded in a new process without tltf and
must answer as the run did; else exit code 1, and nothing is left. The last line
is the path.
"""

import json
import pathlib

from absl import flags

from tltf import errors
from tltf.cli import _main

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_SAVED_MODELS = flags.DEFINE_string(
    "saved_models", "saved_models", "Folder of all published models."
)
_NAME = flags.DEFINE_string("name", None, "Of the model; default task-backbone-data.")
_JSON = flags.DEFINE_bool("json", False, "Print one JSON object.")


def main(argv: list[str]) -> None:
    """Exports one run and prints where it went."""
    if len(argv) > 1:
        raise errors.UserError(f"unexpected {argv[1]!r}; tltf export --workdir=DIR")
    if not _WORKDIR.value:
        raise errors.UserError("--workdir is missing; tltf export --workdir=runs/quick")
    from tltf.export import run as runs

    workdir = pathlib.Path(_WORKDIR.value)
    runs.read(workdir)  # a wrong folder is told before TensorFlow is imported
    _main.tensorflow()
    from tltf.export import saved_model

    done = saved_model.export(workdir, pathlib.Path(_SAVED_MODELS.value), _NAME.value)
    if _JSON.value:
        _main.out(json.dumps(done))
        return
    proof = done["proof"]
    _main.say(
        f"{done['name']} version {done['version']}: the reloaded model answered "
        f"{proof['records']} records as the run did, largest difference "
        f"{proof['largest_difference']:.1e}"
    )
    _main.out(done["path"])


def run() -> None:
    """Runs the command."""
    _main.run(main)


if __name__ == "__main__":
    run()
