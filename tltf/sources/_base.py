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
      labels: By `form`: class of each record, int32 `[n]`; 0 and 1, float32
        `[n, classes]`; a number, float32 `[n]`; or the class of each token,
        object `[n]` of int32 `[tokens]`.
      classes: Class names in output order, which is sorted order unless the
        data set publishes another one; none where labels are numbers.
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
    def form(self) -> str:
        """What a label is: `one` class, `several`, a `number`, or one class for
        each of the text's `tokens`."""
        if self.labels.dtype == object:
            return "tokens"
        if self.labels.ndim == 2:
            return "several"
        return "number" if self.labels.dtype.kind == "f" else "one"

    def label(self, row: int) -> str | list[str] | float:
        """Returns a record's label by name: a class, classes, a number, or tags."""
        label = self.labels[row]
        if self.form == "number":
            # the shortest text that reads back as this float32
            return float(str(label))
        if self.form == "one":
            return self.classes[label]
        held = label.nonzero()[0] if self.form == "several" else label
        return [self.classes[place] for place in held]

    @property
    def multi_label(self) -> bool:
        """Whether a record may carry several classes."""
        return self.form == "several"


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
