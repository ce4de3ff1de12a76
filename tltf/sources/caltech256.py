"""Caltech-256: photographs of 256 kinds of objects and of clutter, 257 classes."""

import dataclasses

import numpy as np

from tltf.sources import _base, _layout, _published

CARD = _base.Card(
    title="Caltech-256 object categories",
    homepage="https://data.caltech.edu/records/nyy15-4j048",
    licence="see the homepage; photographs of their owners",
    citation="G. Griffin, A. Holub, P. Perona, Caltech-256 Object Category Dataset, "
    "California Institute of Technology, 2007",
    # no SHA-256 is published
    files=(
        (
            "https://data.caltech.edu/records/nyy15-4j048/files/"
            "256_ObjectCategories.tar",
            None,
            None,
        ),
    ),
)

_STRAY = {
    "056.dog/greg": "stray folder of the archive",
    "198.spider/RENAME2": "stray file of the archive",
}


def load(
    argument: str = "", *, path: str | None = None, strict: bool = True
) -> _base.Table:
    """Returns the records of `256_ObjectCategories/NNN.name/*`, 80/20 per class.

    The first 80 % of each class by file name, rounded down, are `train`, the
    rest `val`, as in the deck's experiment. Class names keep their number.

    Args:
      argument: Not used.
      path: Folder of an own copy; by default the cache, then a download.
      strict: As of `folder`.

    Raises:
      UserError: The set is nowhere and cannot be downloaded.
    """
    root = _published.folder("caltech256", CARD, path, inner=("256_ObjectCategories",))
    table = _layout.read(root, source="caltech256", strict=strict)
    skipped = tuple((name, _STRAY.get(name, cause)) for name, cause in table.skipped)
    return dataclasses.replace(table, splits=_splits(table.labels), skipped=skipped)


def _splits(labels: np.ndarray) -> np.ndarray:
    splits = np.full(len(labels), "train")
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)  # sorted by file name
        splits[rows[len(rows) * 4 // 5 :]] = "val"
    return splits
