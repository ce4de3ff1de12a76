"""Answers for images or texts: id, label and probabilities, in the order given.

Usage: tltf predict --model=saved_models/NAME photo.jpg folder '*.png' -
       tltf predict --model=saved_models/NAME --text='How far is the moon?'

The model is a published one (its newest version, or the version named), a run
folder, or one that is served: http://HOST:PORT/NAME or grpc://HOST:PORT/NAME, with
/versions/N or /labels/L behind it, by `tltf serve` or TensorFlow Serving.
What it answers is `label`: a class, a list of labels, a number, or a list of tags,
one for each token; of a model of several parts they stand under `parts`. An input
is a file, a folder with all below it, a quoted pattern, or `-` for stdin: a path a
line, or for a model of texts a text a line. An input that cannot be answered gets a
row with "error"; the others go on, and the exit code is 1.
"""

import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from absl import flags

from tltf import errors
from tltf.cli import _main

if TYPE_CHECKING:
    from tltf.export import local

_MODEL = flags.DEFINE_string(
    "model", None, "Folder of a model, one of its versions, or a run; or an address."
)
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Keep a copy there as predictions.jsonl or .csv; a run folder there is asked "
    "where no --model is given.",
)
_FORMAT = flags.DEFINE_enum("format", "jsonl", ["jsonl", "csv"], "Of the rows.")
_BATCH = flags.DEFINE_integer("batch", 32, "Files a step.", lower_bound=1)
_TOP = flags.DEFINE_integer(
    "top", None, "Give the K most probable labels only, best first.", lower_bound=1
)
_TEXT = flags.DEFINE_multi_string("text", [], "A text to answer; may be repeated.")
_LABELS = flags.DEFINE_string(
    "labels", None, "Of an address: a labels.txt, where the server does not tell them."
)
_SECONDS = flags.DEFINE_float(
    "timeout_s", 60.0, "Of an address: seconds that a try may take.", lower_bound=0.01
)
_EXAMPLE = "tltf predict --model=saved_models/NAME photo.jpg"


def main(argv: list[str]) -> None:
    """Writes one row a record."""
    where = _where()
    if len(argv) < 2 and not _TEXT.value:
        raise errors.UserError(f"no input; name files or folders, as in {_EXAMPLE}")
    from tltf.export import inputs

    inputs.check(argv[1:])
    _main.tensorflow()
    from tltf.export import local, rows

    model = _served() if where is None else local.load(where)
    records = _records(argv[1:], model.reads)
    tabular = _FORMAT.value == "csv"
    top = _TOP.value
    row = rows.as_csv if tabular else rows.as_json
    failed = 0
    with _copy() as kept:
        if tabular:
            _put(rows.header(model, top=top), kept)
        for answer in local.answers(model, records, batch=_BATCH.value):
            failed += answer.error is not None
            _put(row(model, answer, top=top), kept)
    if failed:
        raise errors.WorkError(
            f"{failed} of {len(records)} inputs have no answer; their rows say why"
        )


def run() -> None:
    """Runs the command."""
    _main.run(main)


def _records(names: list[str], reads: str) -> list:
    from tltf.export import inputs

    if _TEXT.value and reads != "text":
        raise errors.UserError("--text: this model answers images, not texts")
    given = [
        (f"text {number}", text.encode("utf-8", "replace"))
        for number, text in enumerate(_TEXT.value, 1)
    ]
    return [*given, *inputs.records(names, sys.stdin, reads=reads)]


def _served() -> "local.Model":
    from tltf.serving import client

    labels = pathlib.Path(_LABELS.value) if _LABELS.value else None
    return client.load(_MODEL.value, labels=labels, seconds=_SECONDS.value)


def _where() -> pathlib.Path | None:
    """The folder that is asked; None for a server."""
    name = _MODEL.value or _WORKDIR.value
    if not name:
        raise errors.UserError(f"--model is missing; {_EXAMPLE}")
    if _MODEL.value and "://" in name:
        from tltf.serving import addresses

        addresses.parse(name)
        return None
    if not os.path.isdir(name):
        raise errors.UserError(f"--model: no folder {name!r}; {_EXAMPLE}")
    return pathlib.Path(name)


@contextlib.contextmanager
def _copy() -> Iterator[TextIO | None]:
    if not _WORKDIR.value:
        yield None
        return
    path = pathlib.Path(_WORKDIR.value, f"predictions.{_FORMAT.value}")
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with half.open("w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def _put(line: str, kept: TextIO | None) -> None:
    _main.out(line)
    if kept:
        kept.write(line + "\n")


if __name__ == "__main__":
    run()
