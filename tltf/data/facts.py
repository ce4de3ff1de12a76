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
      `kind`, `records`, `skipped`, `multi_label`; `classes`: class to split to
      count; `splits`: split to count; of images also `bytes`, and `sides`, the
      least, median and largest width and height of those whose header is sound.
    """
    has = _order.flags(table)
    names = splits.published(table) or ["all"]
    counts = {
        name: {split: int(has[table.splits == split, place].sum()) for split in names}
        for place, name in enumerate(table.classes)
    }
    found = {
        "kind": table.kind,
        "records": len(table),
        "skipped": len(table.skipped),
        "multi_label": table.multi_label,
        "classes": counts,
        "splits": {split: int((table.splits == split).sum()) for split in names},
    }
    return found | (_files(list(table.values)) if table.kind == "image" else {})


def _files(paths: list[str]) -> dict[str, Any]:
    sizes = [size for path in paths if (size := _header(path))]
    sides = {}
    for place, name in enumerate(("width", "height")):
        column = [size[place] for size in sizes] or [0]
        sides[name] = [int(f(column)) for f in (np.min, np.median, np.max)]
    return {"bytes": sum(os.path.getsize(path) for path in paths), "sides": sides}


def _header(path: str) -> tuple[int, int] | None:
    try:
        with PIL.Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError):
        return None  # `tltf data check` says why
