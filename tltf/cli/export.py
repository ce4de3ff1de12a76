"""Publishes a trained run as a SavedModel that proved itself in a fresh process.

Usage: tltf export --workdir=runs/quick
       tltf export --rollback --name=NAME

Makes saved_models/NAME/VERSION with the signatures serving_default (image file
bytes to scores and classes), features and predict_examples; TensorFlow alone
loads it. Before it is published it is loaded in a new process without tltf and
must answer as the run did; else exit code 1, and nothing is left. The last line
is the path. Settings of TensorFlow Serving stand beside the versions; in
models.config the labels stable and canary name the new version, or with --canary
only canary does. --promote and --rollback move stable and publish nothing.
--trunk=DIR keeps the encoder alone, without heads, to begin other runs with.
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
_CANARY = flags.DEFINE_bool("canary", False, "Leave the label stable where it is.")
_PROMOTE = flags.DEFINE_bool("promote", False, "Move stable to the canary.")
_ROLLBACK = flags.DEFINE_bool(
    "rollback", False, "Move stable to the version before; nothing is deleted."
)
_TRUNK = flags.DEFINE_string(
    "trunk", None, "Keep the encoder there instead: `weights: DIR` of other recipes."
)
_JSON = flags.DEFINE_bool("json", False, "Print one JSON object.")


def main(argv: list[str]) -> None:
    """Exports one run and prints where it went."""
    if len(argv) > 1:
        raise errors.UserError(f"unexpected {argv[1]!r}; tltf export --workdir=DIR")
    if _PROMOTE.value or _ROLLBACK.value:
        _move()
        return
    if not _WORKDIR.value:
        raise errors.UserError("--workdir is missing; tltf export --workdir=runs/quick")
    from tltf.export import run as runs

    workdir = pathlib.Path(_WORKDIR.value)
    runs.read(workdir)  # a wrong folder is told before TensorFlow is imported
    _main.tensorflow()
    if _TRUNK.value:
        from tltf.runs import trunk

        _main.out(str(trunk.save(workdir, pathlib.Path(_TRUNK.value))))
        return
    from tltf.export import saved_model

    done = saved_model.export(
        workdir,
        pathlib.Path(_SAVED_MODELS.value),
        _NAME.value,
        canary=_CANARY.value,
    )
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


def _move() -> None:
    if _PROMOTE.value == _ROLLBACK.value or _CANARY.value:
        raise errors.UserError("give one of --canary, --promote and --rollback")
    from tltf.export import configs, publish

    root = pathlib.Path(_SAVED_MODELS.value)
    model = publish.folder(root, _NAME.value or _only(root))
    if not publish.versions(model):
        raise errors.UserError(f"--name: no version in {str(model)!r}")
    found = (configs.promote if _PROMOTE.value else configs.rollback)(model)
    if _JSON.value:
        _main.out(json.dumps({"name": model.name, "labels": found}))
    else:
        _main.out(" ".join(f"{label}={number}" for label, number in found.items()))


def _only(root: pathlib.Path) -> str:
    """The model that the run would be published as, else the one that there is."""
    if _WORKDIR.value:
        _main.tensorflow()
        from tltf.export import run as runs
        from tltf.export import saved_model

        return saved_model.default_name(runs.read(pathlib.Path(_WORKDIR.value)))
    from tltf.export import publish

    folders = root.iterdir() if root.is_dir() else []
    names = sorted(path.name for path in folders if publish.versions(path))
    if len(names) != 1:
        there = ", ".join(names) or "none"
        raise errors.UserError(f"--name is missing; models in {root}: {there}")
    return names[0]


def run() -> None:
    """Runs the command."""
    _main.run(main)


if __name__ == "__main__":
    run()
