"""Writes the encoded images of a TFDS set to files, once."""

import contextlib
import json
import os
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

from tltf.fetch import home

_INDEX = "index.jsonl"
_ENDINGS = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"GIF8", ".gif"),
    (b"BM", ".bmp"),
    (b"RIFF", ".webp"),
)


def folder(builder: Any, image: str, label: str) -> pathlib.Path:
    """Returns the folder with one folder of files and an index for each split.

    Splits that are there are not written again; each appears in one step. Of
    two processes the second waits.

    Args:
      builder: Prepared TFDS builder.
      image: Name of its image feature.
      label: Name of its class feature.
    """
    name = f"{builder.info.full_name}/{image}-{label}"
    root = home.home() / "datasets" / "tfds" / re.sub(r"[^\w./-]", "_", name)
    root.mkdir(parents=True, exist_ok=True)
    for split in builder.info.splits:
        if not (root / split).is_dir():
            with _lock(root):
                if not (root / split).is_dir():
                    _write(builder, split, root / split, (image, label))
    return root


def index(split: pathlib.Path) -> Iterator[tuple[str, str, int]]:
    """Yields (id, file, label) of each record of a written split."""
    with (split / _INDEX).open(encoding="utf-8") as lines:
        for line in lines:
            yield tuple(json.loads(line))


def _write(
    builder: Any, split: str, target: pathlib.Path, features: tuple[str, str]
) -> None:
    part = target.with_name(f".{split}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    with (part / _INDEX).open("w", encoding="utf-8") as lines:
        for name, contents, label in _records(builder, split, features):
            file = re.sub(r"[^\w.-]", "_", name) + _ending(contents)
            (part / file).write_bytes(contents)
            lines.write(json.dumps([f"{split}/{name}", file, label]) + "\n")
    os.replace(part, target)


def _records(
    builder: Any, split: str, features: tuple[str, str]
) -> Iterator[tuple[str, bytes, int]]:
    import tensorflow_datasets as tfds

    image, label = features
    records = builder.as_dataset(
        split=split,
        decoders={image: tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(add_tfds_id=True, try_autocache=False),
    )
    for record in records.as_numpy_iterator():
        name = record["tfds_id"].decode()
        yield name, record[image], int(record[label])


def _ending(contents: bytes) -> str:
    return next((end for start, end in _ENDINGS if contents.startswith(start)), "")


@contextlib.contextmanager
def _lock(root: pathlib.Path) -> Iterator[None]:
    import fcntl

    with (root / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
