"""Cuts of a data set that depend on content alone, in the manner of TFDS slices."""

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tltf import errors, registry
from tltf.data import _order, _roles
from tltf.sources import _base

_CUT = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<low>[^:\]]*):(?P<high>[^:\]]*)\])?")
_BOUND = re.compile(r"(-?)(\d+(?:\.\d+)?)(%?)")


class Slice(NamedTuple):
    """One term of a cut: the split's name and its bounds.

    Attributes:
      name: Published split, or `all`.
      low: Lower bound, inclusive; percent in 0..100 or a record number.
      high: Upper bound, exclusive; None is the end.
      percent: Whether the bounds are percent.
    """

    name: str
    low: float
    high: float | None
    percent: bool


def rows(table: _base.Table, digests: Sequence[str], cut: str) -> np.ndarray:
    """Returns the row numbers of one cut, int64, rising.

    Records are put in an order that their bytes alone decide, stratified by
    class: any `train[:p%]` holds p percent of each class within one record, and
    `train[:p%]` with `train[p%:]` is always the whole. Adding or renaming files
    leaves the others' order as it is. Records of one group, and equal records,
    are never parted; they count where the first of them falls. Multi-label
    records are stratified by their rarest label; numbers and tags are not.

    Args:
      table: Records.
      digests: SHA-256 of each record, hex, as from `digests.records`.
      cut: Slices joined with `+`: a published split or `all`, with optional
        bounds in percent or records, such as `train[:80%]`, `val`,
        `all[70%:85%]`, `train[-50:]`.

    Raises:
      UserError: The cut cannot be read, names an unknown split, is empty, or
        its slices overlap.
    """
    parts = [_slice_rows(table, digests, term.strip(), cut) for term in cut.split("+")]
    joined = np.sort(np.concatenate(parts))
    if len(np.unique(joined)) < len(joined):
        raise errors.UserError(
            f"slice {cut!r} holds some records twice; mend its bounds"
        )
    if not len(joined):
        raise errors.UserError(f"slice {cut!r} is empty; widen it")
    return joined


def parse(term: str) -> Slice:
    """Returns the parts of one slice such as `train[10%:-20%]`.

    Negative percent are made positive; negative record numbers stay.

    Raises:
      UserError: It is no slice; bounds are out of range or of two kinds.
    """
    found = _CUT.fullmatch(term)
    if not found:
        raise errors.UserError(f"cannot read the slice {term!r}; {_EXAMPLES}")
    low, first = _bound(found["low"] or "", term)
    high, second = _bound(found["high"] or "", term)
    if first and second and first != second:
        raise errors.UserError(
            f"slice {term!r} mixes percent and records; use one of them"
        )
    return Slice(
        found["name"], low or 0.0, high, "%" in (first + second) or not (first + second)
    )


def published(table: _base.Table) -> list[str]:
    """Returns the names of the published splits, sorted; empty if there are none."""
    return sorted({str(name) for name in np.unique(table.splits)} - {"all"})


def roles(
    table: _base.Table,
    *,
    train: str | None = None,
    valid: str | None = None,
    test: str | None = None,
) -> dict[str, str | None]:
    """Returns the cut of each role; what is not given is filled in.

    - Published train, validation and test are used as they are.
    - Without validation, the published train is cut in 80 and 20 percent.
    - With train and validation only, validation becomes `test`, the set that is
      reported on, and train is cut in 80 and 20 percent to choose on.
    - With one split or none, 70, 15 and 15 percent.
    - Given `train[:p%]` alone, the rest of that split is `valid` (and `test`,
      halved, if nothing else could be).

    A role for which no records are left is None.

    Raises:
      UserError: Train is not given and the published splits have no `train`.
    """
    return _roles.filled(published(table), train=train, valid=valid, test=test)


def overlap(table: _base.Table, chosen: Mapping[str, np.ndarray]) -> None:
    """Raises where two roles share records or groups.

    Args:
      table: Records.
      chosen: Row numbers of each role.

    Raises:
      UserError: Names the two roles, the count and one record or group.
    """
    for first, second in itertools.combinations(chosen, 2):
        shared = np.intersect1d(chosen[first], chosen[second])
        if len(shared):
            raise errors.UserError(
                f"data.{first} and data.{second} share {len(shared)} records, such "
                f"as {table.ids[shared[0]]}; give slices that do not overlap"
            )
        groups = [set(table.groups[chosen[role]].tolist()) for role in (first, second)]
        parted = sorted((groups[0] & groups[1]) - {""})
        if parted:
            raise errors.UserError(
                f"data.{first} and data.{second} share {len(parted)} groups, such as "
                f"{parted[0]!r}; move each group to one side"
            )


def few(
    table: _base.Table, rows: np.ndarray, *, per_class: int, seed: int
) -> np.ndarray:
    """Returns `per_class` of `rows` for each class, int64, rising.

    The draw depends on the seed and the ids alone. Multi-label: classes are
    filled from the rarest on, and a record counts for all its labels, so common
    labels may end above `per_class`.

    Args:
      table: Records.
      rows: Row numbers to draw from, int `[k]`.
      per_class: Records of each class.
      seed: Another seed, another draw.

    Raises:
      UserError: A class has fewer records; the message names it. Or labels are no
        classes.
    """
    if table.form in ("number", "tokens"):
        what = "numbers" if table.form == "number" else "tags of tokens"
        raise errors.UserError(
            f"data.examples_per_class: counts records of classes, the labels are "
            f"{what}; narrow data.train instead, as in train[:100]"
        )
    order = np.array(
        sorted(rows.tolist(), key=lambda row: _draw(seed, str(table.ids[row]))),
        np.int64,
    )
    flags = _order.flags(table)[order]
    kept = np.zeros(len(order), bool)
    for place in np.argsort(flags.sum(0), kind="stable"):
        held, there = int(flags[kept, place].sum()), int(flags[:, place].sum())
        if there < per_class:
            raise errors.UserError(
                f"class {table.classes[place]!r} has {there} records to learn from, "
                f"fewer than data.examples_per_class={per_class}; lower it"
            )
        free = np.flatnonzero(flags[:, place] & ~kept)
        kept[free[: max(0, per_class - held)]] = True
    return np.sort(order[kept])


_EXAMPLES = "write train, train[:80%], train[100:200] or all[:10%]+all[90%:]"


def _slice_rows(
    table: _base.Table, digests: Sequence[str], term: str, cut: str
) -> np.ndarray:
    asked = parse(term)
    inside = _members(table, asked.name, cut)
    if asked.low == 0 and asked.high is None:
        return inside
    ranks, counts = _order.positions(table, digests, inside)
    scale = ranks * 100 if asked.percent else counts
    size = 100.0 if asked.percent else float(len(inside))
    if max(abs(asked.low), abs(asked.high or 0)) > size:
        raise errors.UserError(
            f"slice {term!r} goes beyond the {len(inside)} records of {asked.name!r}"
        )
    low = asked.low if asked.low >= 0 else max(0.0, size + asked.low)
    high = size if asked.high is None else asked.high
    high = high if high >= 0 else size + high
    top = np.inf if high >= size else high
    return inside[(scale >= low) & (scale < top)]


def _members(table: _base.Table, name: str, cut: str) -> np.ndarray:
    names = published(table)
    if name == "all":
        return np.arange(len(table))
    if name not in names and name in _roles.VALID:
        name = next((other for other in _roles.VALID if other in names), name)
    if name not in names:
        known = [*names, "all"]
        raise errors.UserError(
            registry.unknown(f"no split {name!r} in {cut!r}", name, known)
        )
    return np.flatnonzero(table.splits == name)


def _bound(text: str, term: str) -> tuple[float | None, str]:
    """Returns the number and its kind, `%` or `n`; (None, "") if there is none."""
    if not text.strip():
        return None, ""
    found = _BOUND.fullmatch(text.strip())
    if not found or (not found[3] and "." in found[2]):
        raise errors.UserError(
            f"cannot read {text!r} in the slice {term!r}; {_EXAMPLES}"
        )
    number = float(found[2])
    if not found[3]:
        return -number if found[1] else number, "n"
    if number > 100:
        raise errors.UserError(f"{text!r} in the slice {term!r} is above 100%")
    return 100 - number if found[1] else number, "%"


def _draw(seed: int, record: str) -> str:
    return hashlib.sha256(f"{seed}:{record}".encode("utf-8", "replace")).hexdigest()
