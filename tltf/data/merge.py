"""Records of several parts as one list: equal records once, with the labels of all."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tltf.sources import _base


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Merged:
    """Records that some parts share.

    Attributes:
      values: Path or text of each record, object `[n]`.
      digests: SHA-256 of each, `[n]`.
      rows: Part to the place here of each of its records, int64 `[n_part]`.
      owners: Part that brought each record, as its number, int64 `[n]`.
    """

    values: np.ndarray
    digests: tuple[str, ...]
    rows: Mapping[str, np.ndarray]
    owners: np.ndarray

    def __len__(self) -> int:
        return len(self.values)


def merge(tables: Mapping[str, tuple[_base.Table, Sequence[str]]]) -> Merged:
    """Returns the records of all parts, in the order in which they come.

    Records are equal when their bytes are. What stands twice in one part stays
    twice: the k-th of equal records in one part is the k-th in another.

    Args:
      tables: Part to its table and the digests of its records.
    """
    places: dict[tuple[str, int], int] = {}
    values, owners, rows = [], [], {}
    for number, (name, (table, digests)) in enumerate(tables.items()):
        keys = _keys(digests)
        for value, key in zip(table.values, keys, strict=True):
            if key not in places:
                places[key] = len(values)
                values.append(value)
                owners.append(number)
        rows[name] = np.array([places[key] for key in keys], np.int64)
    held = np.empty(len(values), object)
    held[:] = values
    return Merged(
        values=held,
        digests=tuple(digest for digest, _ in places),
        rows=rows,
        owners=np.array(owners, np.int64),
    )


def strata(
    tables: Mapping[str, tuple[_base.Table, Sequence[str]]], merged: Merged
) -> _base.Table:
    """Returns the merged records as a table to cut, so that parts of one source fall
    on the same side.

    A record counts under its class in the first part that gives it one class;
    numbers and several labels do not stratify.

    Args:
      tables: As `merge` got them.
      merged: What it returned.
    """
    size = len(merged)
    labels = np.zeros(size, np.int32)
    ids, splits, groups = (np.full(size, "", object) for _ in range(3))
    classes = [""]
    for name, (table, _) in list(tables.items())[::-1]:
        rows = merged.rows[name]
        ids[rows], splits[rows], groups[rows] = table.ids, table.splits, table.groups
        if table.form == "one":
            labels[rows] = table.labels + len(classes)
            classes += [f"{name}: {one}" for one in table.classes]
    return _base.Table(
        kind=next(iter(tables.values()))[0].kind,
        ids=_unique(ids),
        values=merged.values,
        labels=labels,
        classes=tuple(classes),
        splits=splits.astype(str),
        groups=groups.astype(str),
        weights=np.ones(size, np.float32),
    )


def _keys(digests: Sequence[str]) -> list[tuple[str, int]]:
    seen: dict[str, int] = {}
    keys = []
    for digest in digests:
        keys.append((digest, seen.get(digest, 0)))
        seen[digest] = seen.get(digest, 0) + 1
    return keys


def _unique(ids: np.ndarray) -> np.ndarray:
    # two manifests may use one id for two records
    found = ids.astype(str)
    if len(set(found.tolist())) == len(found):
        return found
    return np.array([f"{number} {name}" for number, name in enumerate(found)])
