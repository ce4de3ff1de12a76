"""Feature vectors of a data set by a frozen backbone, in shards with ids.

Usage: tltf featurize --backbone=efficientnet_lite0 --data=folder:PATH --out=DIR

DIR gets features-00000-of-0000N.npy (float32, one row a record), a .jsonl of the
same name with id, label and split of each row, and meta.json. The last line on
stdout is a summary as JSON. Vectors computed once are kept in the cache folder
and read from there by every later command.
"""

import json
import pathlib
import time
from typing import TYPE_CHECKING

from absl import flags

from tltf import errors, registry
from tltf.cli import _main, _progress

if TYPE_CHECKING:
    from tltf.data import features
    from tltf.sources import _base

_BACKBONE = flags.DEFINE_string("backbone", None, "FILE/VARIANT; see `tltf models`.")
_DATA = flags.DEFINE_string("data", None, "A source, such as folder:PATH.")
_OUT = flags.DEFINE_string("out", None, "Folder to make.")
_ENGINE = flags.DEFINE_enum("engine", "local", ["local", "beam"], "Where to run.")
_RUNTIME = flags.DEFINE_string(
    "runtime",
    "auto",
    "What runs the network: auto (the one expected to be done first), tensorflow, "
    "litert, onnxruntime or openvino.",
)
_PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "bfloat16"], "Of the network's computation."
)
_WEIGHTS = flags.DEFINE_string("weights", "auto", "auto, imagenet, none or a file.")
_SIDE = flags.DEFINE_integer("side", None, "Pixels; the backbone's own by default.")
_FIT = flags.DEFINE_enum("fit", "crop", ["crop", "stretch", "pad"], "Of the image.")
_MARGIN = flags.DEFINE_float(
    "margin", 0.875, "Share of the shorter side that crop keeps.", 0.01, 1.0
)
_GRAY = flags.DEFINE_bool("gray", False, "Luminance on all channels.")
_BAD = flags.DEFINE_enum(
    "bad", "skip", ["skip", "stop"], "What to do about a file that does not decode."
)
_BATCH = flags.DEFINE_integer("batch", 32, "Images a forward pass.", lower_bound=1)
_SHARD = flags.DEFINE_integer("shard_size", 10_000, "Rows a shard.", lower_bound=1)


def main(argv: list[str]) -> None:
    """Writes the shards and prints the summary."""
    out = _checked(argv)
    from tltf.data import shards, tables

    shards.check(out)
    table = tables.load(_DATA.value)
    if table.kind != "image":
        raise errors.UserError(f"--data: {_DATA.value} holds {table.kind}, not images")
    _main.tensorflow()
    began = time.perf_counter()
    frozen = _frozen()
    files, unread = _files(table)
    done = _extract(frozen, [files[row] for row in sorted(files)])
    seconds = time.perf_counter() - began
    kept = [sorted(files)[row] for row in done.rows]
    bad = unread | {sorted(files)[row]: cause for row, cause in done.bad.items()}
    about = _about(frozen, table, done, bad)
    records = [_record(table, row, files[row][1]) for row in kept]
    names = shards.write(out, done.vectors, records, about, rows=_SHARD.value)
    for row, cause in sorted(bad.items()):
        _main.say(f"skipped {table.values[row]}: {cause}")
    speed = {"seconds": round(seconds, 2), "shards": len(names)}
    speed["images_per_second"] = round(len(kept) / seconds, 1)
    _main.out(json.dumps({"out": str(out), **about["counts"], **speed, **_how(done)}))


def run() -> None:
    """Runs the command."""
    _main.run(main)


def _checked(argv: list[str]) -> pathlib.Path:
    if argv[1:]:
        raise errors.UserError(f"unexpected {argv[1]!r}; the data set goes in --data")
    for flag in (_BACKBONE, _DATA, _OUT):
        if not flag.value:
            raise errors.UserError(f"--{flag.name} is missing; see --help")
    if _RUNTIME.value != "auto":
        registry.find_name("engines", _RUNTIME.value)
    if _ENGINE.value == "beam":
        raise errors.UserError(
            "--engine=beam comes with a later release; take --engine=local"
        )
    return pathlib.Path(_OUT.value)


def _frozen() -> "features.Frozen":
    from tltf import models
    from tltf.data import features, forward

    forward.usable(_RUNTIME.value, _PRECISION.value)
    encoder = models.create_model(
        _BACKBONE.value, weights=_WEIGHTS.value, side=_SIDE.value
    )
    digest = features.weights_digest(encoder)
    name, _, form = _BACKBONE.value.partition("/")
    full = f"{name}/{form or 'full'}"
    options = {"engine": _RUNTIME.value, "precision": _PRECISION.value}
    return features.Frozen(encoder, full, digest, **options)


def _preprocess(frozen: "features.Frozen") -> "features.Preprocess":
    from tltf.data import features

    side = frozen.encoder.inputs[0].shape[1]
    return features.Preprocess(side, _FIT.value, _MARGIN.value, _GRAY.value)


def _files(table: "_base.Table") -> tuple[dict[int, tuple[str, str]], dict[int, str]]:
    """Row to path and digest, and row to cause where a file cannot be read."""
    from tltf.data import digests

    found = digests.sha256(list(table.values), unreadable=_unreadable())
    pairs = enumerate(zip(table.values, found, strict=True))
    files = {row: (str(path), digest) for row, (path, digest) in pairs if digest}
    missing = set(range(len(table))) - set(files)
    return files, dict.fromkeys(missing, "cannot be read")


def _unreadable() -> str:
    return "stop" if _BAD.value == "stop" else "blank"


def _extract(frozen, files: list[tuple[str, str]]) -> "features.Extract":
    from tltf.data import features

    with _progress.shown("featurize", len(files)) as progress:
        return features.extract(
            frozen,
            files,
            _preprocess(frozen),
            batch=_BATCH.value,
            bad=_BAD.value,
            progress=progress,
        )


def _record(table: "_base.Table", row: int, digest: str) -> dict:
    split, named = str(table.splits[row]), table.label(row)
    return {"id": str(table.ids[row]), "label": named, "split": split, "sha256": digest}


def _about(frozen, table: "_base.Table", done, bad: dict[int, str]) -> dict:
    import keras
    import tensorflow as tf

    import tltf

    versions = {"tltf": tltf.__version__, "tensorflow": tf.__version__}
    preprocess = _preprocess(frozen)
    shape = {name: getattr(preprocess, name) for name in ("side", "fit", "margin")}
    skipped = [
        {"id": str(table.ids[row]), "cause": cause}
        for row, cause in sorted(bad.items())
    ]
    return {
        "backbone": frozen.name,
        "weights": {"choice": _WEIGHTS.value, "sha256": frozen.sha256},
        "preprocess": {**shape, "gray": preprocess.gray},
        **_how(done),
        "features": frozen.features,
        "data": _DATA.value,
        "classes": list(table.classes),
        "versions": {**versions, "keras": keras.__version__},
        "counts": _counts(done, bad),
        "skipped": skipped,
    }


def _counts(done: "features.Extract", bad: dict[int, str]) -> dict[str, int]:
    return {
        "records": len(done.rows),
        "computed": done.computed,
        "skipped": len(bad),
        "damaged_segments": done.damaged,
    }


def _how(done: "features.Extract") -> dict:
    return {"runtime": done.engine or "cache", "precision": done.precision}


if __name__ == "__main__":
    run()
