"""The Simpsons characters of Kaggle: cartoon frames, the 20 largest classes."""

import dataclasses

import numpy as np

from tltf import errors
from tltf.sources import _base, _layout, _published

CARD = _base.Card(
    title="The Simpsons Characters Data (Kaggle)",
    homepage="https://www.kaggle.com/datasets/alexattia/the-simpsons-characters-dataset",
    licence="see the homepage; drawings of their owners",
    citation="A. Attia, The Simpsons characters recognition and detection, 2017",
)


def load(
    argument: str = "",
    *,
    path: str | None = None,
    classes: int | None = 20,
    strict: bool = True,
) -> _base.Table:
    """Returns the records of `simpsons_dataset/<class>/*`; Kaggle needs a login.

    The deck's experiment used 20 classes with 19,548 images (15,638 + 3,910,
    80/20 per class). Its list of names was not published; the 20 largest
    classes are taken.

    Args:
      argument: Not used.
      path: Folder of an own copy; by default the cache.
      classes: How many of the largest classes; null takes all.
      strict: As of `folder`.

    Raises:
      UserError: The set is not here; `classes` is no count from 2 on.
    """
    inner = ("simpsons_dataset", "simpsons_dataset")  # Kaggle's zip holds it twice
    root = _published.folder("simpsons", CARD, path, inner=inner)
    table = _layout.read(root, source="simpsons", strict=strict)
    if classes is None:
        return table
    if not isinstance(classes, int) or classes < 2:
        raise errors.UserError(
            f"data.options.classes: {classes!r} is not a count from 2 on, or null"
        )
    return _largest(table, classes)


def _largest(table: _base.Table, count: int) -> _base.Table:
    """Returns the records of the largest classes; of equals, the first by name."""
    sizes = np.bincount(table.labels, minlength=len(table.classes))
    kept = np.sort(np.argsort(-sizes, kind="stable")[:count])
    part = table.rows(np.flatnonzero(np.isin(table.labels, kept)))
    return dataclasses.replace(
        part,
        labels=np.searchsorted(kept, part.labels).astype(np.int32),
        classes=tuple(table.classes[place] for place in kept),
    )
