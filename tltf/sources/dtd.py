"""Describable Textures Dataset: 47 classes, ten published splits in thirds."""

import dataclasses
import pathlib

import numpy as np

from tltf import errors
from tltf.sources import _base, _layout, _published

CARD = _base.Card(
    title="Describable Textures Dataset (DTD), release 1.0.1",
    homepage="https://www.robots.ox.ac.uk/~vgg/data/dtd/",
    licence="photographs keep their owners' terms; for research",
    citation="M. Cimpoi, S. Maji, I. Kokkinos, S. Mohamed, A. Vedaldi, Describing "
    "Textures in the Wild, CVPR 2014",
    # sha256 and size as registered by tensorflow_datasets 4.9.10
    files=(
        (
            "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",
            "e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205",
            625239812,
        ),
    ),
)

_PARTS = 10  # published splits
_NO_SPLIT = "in none of the published split files"


def load(
    argument: str = "",
    *,
    path: str | None = None,
    split: int = 1,
    strict: bool = True,
) -> _base.Table:
    """Returns the records of `images/<class>/*` with `labels/{train,val,test}N.txt`.

    A copy without the folder `labels` is read as class folders without splits.

    Args:
      argument: Not used.
      path: Folder of an own copy; by default the cache, then a download.
      split: Which published split, 1 to 10.
      strict: As of `folder`.

    Raises:
      UserError: The set is nowhere and cannot be downloaded; no such split; or
        a split file names an image that is not there.
    """
    if split not in range(1, _PARTS + 1) or isinstance(split, bool):
        raise errors.UserError(f"data.options.split: {split!r} is not in 1 to {_PARTS}")
    root = _published.folder("dtd", CARD, path, inner=("dtd",))
    if not (root / "images").is_dir():
        return _layout.read(root, source="dtd", strict=strict)
    table = _layout.read(root / "images", source="dtd", strict=strict)
    return _with_splits(table, root / "labels", split)


def _with_splits(table: _base.Table, labels: pathlib.Path, split: int) -> _base.Table:
    where = {}
    for name in ("train", "val", "test"):
        for line in _lines(labels / f"{name}{split}.txt"):
            where[line] = name
    missing = sorted(set(where) - set(table.ids.tolist()))
    if missing:
        raise errors.UserError(
            f"dtd: {labels}/*{split}.txt name {len(missing)} images that are not "
            f"there, such as {missing[0]}; unpack the archive again"
        )
    inside = np.array([name in where for name in table.ids], bool)
    left = [(str(name), _NO_SPLIT) for name in table.ids[~inside]]
    kept = table.rows(np.flatnonzero(inside))
    splits = np.array([where[name] for name in kept.ids.tolist()], str)
    return dataclasses.replace(kept, splits=splits, skipped=table.skipped + tuple(left))


def _lines(path: pathlib.Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise errors.UserError(
            f"dtd: cannot read {path}: {error.strerror}; unpack the archive again"
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]
