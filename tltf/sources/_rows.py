"""Turns plain rows into the table that every source returns."""

import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tltf import errors
from tltf.sources import _base


class Row(NamedTuple):
    """One record before the table is made.

    `label` is the number of a class, 0/1 flags, a float, or classes of tokens.
    """

    id: str
    value: str
    label: int | tuple[int, ...] | float | np.ndarray
    split: str = "all"
    group: str = ""
    weight: float = 1.0


def table(
    rows: Sequence[Row],
    classes: Sequence[str],
    *,
    kind: str = "image",
    skipped: Sequence[tuple[str, str]] = (),
) -> _base.Table:
    """Returns the table of `rows`, in their order.

    Args:
      rows: Records; all labels are of one kind; see `Row`.
      classes: Class names in output order.
      kind: `"image"` (values are absolute paths) or `"text"`.
      skipped: (id, cause) of what stands in the data set but is no record.
    """
    return _base.Table(
        kind=kind,
        ids=np.array([row.id for row in rows], str),
        values=np.array([row.value for row in rows], object),
        labels=_column([row.label for row in rows]),
        classes=tuple(classes),
        splits=np.array([row.split for row in rows], str),
        groups=np.array([row.group for row in rows], str),
        weights=np.array([row.weight for row in rows], np.float32),
        skipped=tuple(skipped),
    )


def _column(labels: list) -> np.ndarray:
    first = labels[0] if labels else 0
    if isinstance(first, np.ndarray):
        column = np.empty(len(labels), object)
        for place, tags in enumerate(labels):
            column[place] = tags
        return column
    return np.array(
        labels, np.float32 if isinstance(first, tuple | float) else np.int32
    )


def existing(path: str | os.PathLike[str], *, source: str) -> pathlib.Path:
    """Returns the absolute path of a folder that is there.

    Raises:
      UserError: No path was given, nothing is there, or it is a file.
    """
    if not os.fspath(path):
        raise errors.UserError(f"{source}: no folder given; write {source}:PATH")
    full = pathlib.Path(os.path.abspath(os.path.expanduser(path)))
    if full.is_dir():
        return full
    if full.exists():
        raise errors.UserError(
            f"{source}: {full} is a file, not a folder; csv:PATH and jsonl:PATH "
            "read manifests"
        )
    raise errors.UserError(f"{source}: no folder {full}; check data.source")
