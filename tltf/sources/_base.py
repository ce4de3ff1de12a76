"""The table of records that every source returns."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Labelled records of one data set, undecoded, in a fixed order.

    Attributes:
      kind: What `values` holds: `"image"` (absolute file paths) or `"text"`.
      ids: Stable name of each record, str `[n]`, unique; for files the path
        below the data set's root with `/`.
      values: One value a record, object `[n]`.
      labels: Class of each record, int32 `[n]`; or for multi-label float32
        `[n, classes]` of 0 and 1.
      classes: Class names in output order, which is sorted order unless the
        data set publishes another one.
      splits: Published split of each record, str `[n]`; `"all"` if none.
      groups: Records of one group stay on one side of every cut, str `[n]`;
        the empty string is a group of its own for each record.
      weights: Sample weight, float32 `[n]`.
      skipped: Files that stand in the data set but are no records, as pairs
        (id, cause), such as a stray text file.
    """

    kind: str
    ids: np.ndarray
    values: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    splits: np.ndarray
    groups: np.ndarray
    weights: np.ndarray
    skipped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, rows: np.ndarray) -> "Table":
        """Returns the table of `rows`, int `[k]`, in that order."""
        columns = ("ids", "values", "labels", "splits", "groups", "weights")
        picked = {name: getattr(self, name)[rows] for name in columns}
        return dataclasses.replace(self, **picked)

    @property
    def multi_label(self) -> bool:
        """Whether a record may carry several classes."""
        return self.labels.ndim == 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What a source file says of its data set; shown by `tltf data info`.

    Attributes:
      title: One line.
      homepage: Where it is described.
      licence: Terms, or who holds the rights.
      citation: Reference in plain text.
      files: Published archives as (url, sha256 or None, bytes or None);
        empty when the user brings the data.
    """

    title: str
    homepage: str = ""
    licence: str = ""
    citation: str = ""
    files: tuple[tuple[str, str | None, int | None], ...] = ()
