"""Counts and sizes of a data set, for a person to read."""

import os
from typing import Any

import numpy as np
import PIL.Image

from tltf.data import _order, splits
from tltf.sources import _base


def facts(table: _base.Table) -> dict[str, Any]:
    """Returns what `tltf data info` prints of the records.

    Returns:
      `kind`, `records`, `skipped`, `multi_label`, `form`; `classes`: class to
      split to count, of tags the tokens that have them; `numbers`, of numbers:
      split to least, mean, median and largest; `splits`: split to count; of
      images also `bytes`, and `sides`, the least, median and largest width and
      height of those whose header is sound; of texts `bytes` in UTF-8, and
      `lengths`, the same three of characters and of words parted by spaces.
    """
    names = splits.published(table) or ["all"]
    rows = {
        split: np.flatnonzero((table.splits == split) | (split == "all"))
        for split in names
    }
    each = {split: _counts(table, rows[split]) for split in names}
    found = {
        "kind": table.kind,
        "records": len(table),
        "skipped": len(table.skipped),
        "multi_label": table.multi_label,
        "form": table.form,
        "classes": {
            name: {split: int(each[split][place]) for split in names}
            for place, name in enumerate(table.classes)
        },
        "splits": {split: len(rows[split]) for split in names},
    }
    if table.form == "number":
        found["numbers"] = {split: _four(table.labels[rows[split]]) for split in names}
    measure = _files if table.kind == "image" else _texts
    return found | measure(list(table.values))


def _counts(table: _base.Table, rows: np.ndarray) -> np.ndarray:
    if table.form != "tokens":
        return _order.flags(table)[rows].sum(0)
    tags = np.concatenate([np.zeros(0, np.int32), *table.labels[rows]])
    return np.bincount(tags, minlength=len(table.classes))


def _four(column: np.ndarray) -> list[float]:
    if not len(column):
        return []
    return [float(f(column)) for f in (np.min, np.mean, np.median, np.max)]


def _texts(texts: list[str]) -> dict[str, Any]:
    counts = {
        "characters": [len(text) for text in texts] or [0],
        "words": [len(text.split()) for text in texts] or [0],
    }
    return {
        "bytes": sum(len(text.encode()) for text in texts),
        "lengths": {name: _three(column) for name, column in counts.items()},
    }


def _files(paths: list[str]) -> dict[str, Any]:
    sizes = [size for path in paths if (size := _header(path))]
    sides = {}
    for place, name in enumerate(("width", "height")):
        column = [size[place] for size in sizes] or [0]
        sides[name] = _three(column)
    return {"bytes": sum(os.path.getsize(path) for path in paths), "sides": sides}


def _three(column: list[int]) -> list[int]:
    return [int(f(column)) for f in (np.min, np.median, np.max)]


def _header(path: str) -> tuple[int, int] | None:
    try:
        with PIL.Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError):
        return None  # `tltf data check` says why
