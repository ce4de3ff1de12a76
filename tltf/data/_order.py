"""The order of records that content decides, stratified by class."""

import hashlib
from collections.abc import Sequence

import numpy as np

from tltf.sources import _base

_SALT = "tltf split 1"  # another salt would move every record of every user's split


def positions(
    table: _base.Table, digests: Sequence[str], inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns where each record of `inside` stands, as a share and as a number.

    A unit is one record, or all records of a group or of equal bytes. The units
    of a class are ordered by a hash of their content. Record i of n of its class
    stands at (i + u) / n, so that a bound at share p parts the class at p * n
    within one record; u is below one half and fixed by the class name, so that
    classes do not all round the same way, and a class of one record falls into
    the first half.

    Args:
      table: Records.
      digests: SHA-256 of each record of the table, hex.
      inside: Row numbers, int `[k]`.

    Returns:
      Shares in [0, 1), float64 `[k]`; and how many records stand before the
      record's unit in the order of shares, int64 `[k]`. Equal within a unit.
    """
    units = _units(table, digests, inside)
    keys = _keys(digests, inside, units)
    strata = _strata(table, inside, units)
    sizes = np.bincount(units)
    shares = np.zeros(len(sizes))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        members = members[np.argsort(keys[members], kind="stable")]
        before = np.cumsum(sizes[members]) - sizes[members]
        offset = _offset(_name(table, stratum))
        shares[members] = (before + offset) / sizes[members].sum()
    order = np.lexsort((keys, shares))
    counts = np.zeros(len(sizes), np.int64)
    counts[order] = np.cumsum(sizes[order]) - sizes[order]
    return shares[units], counts[units]


def flags(table: _base.Table) -> np.ndarray:
    """Returns which classes each record has, bool `[n, classes]`; of tags, which of
    them its tokens have; of numbers, none of none."""
    if table.form == "several":
        return table.labels > 0.5
    if table.form == "number":
        return np.zeros((len(table), 0), bool)
    if table.form == "tokens":
        found = np.zeros((len(table), len(table.classes)), bool)
        for row, tags in enumerate(table.labels):
            found[row, tags] = True
        return found
    return np.arange(len(table.classes))[None, :] == table.labels[:, None]


def _units(
    table: _base.Table, digests: Sequence[str], inside: np.ndarray
) -> np.ndarray:
    """Returns the unit number of each record, int `[k]`: groups joined with copies."""
    parent = list(range(len(inside)))

    def top(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    seen: dict[tuple[str, str], int] = {}
    for place, row in enumerate(inside):
        group = str(table.groups[row])
        for name in (("digest", digests[row]), ("group", group)):
            if name[1]:
                first = seen.setdefault(name, place)
                parent[top(place)] = top(first)
    return np.unique([top(place) for place in range(len(inside))], return_inverse=True)[
        1
    ]


def _keys(digests: Sequence[str], inside: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Returns the sort key of each unit: the least hash of its records."""
    least: dict[int, str] = {}
    for unit, row in zip(units.tolist(), inside.tolist(), strict=True):
        key = hashlib.sha256(f"{_SALT}:{digests[row]}".encode()).hexdigest()
        least[unit] = min(key, least.get(unit, key))
    return np.array([least[unit] for unit in range(len(least))], str)


def _strata(table: _base.Table, inside: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Returns the class that each unit is counted under: its most frequent one.

    Numbers and tags have one stratum: fifths of the numbers, say, would move when a
    record is added, and with them records of every cut.
    """
    if table.form in ("number", "tokens"):
        return np.zeros(units.max(initial=-1) + 1, np.int64)
    has = flags(table)[inside]
    rarity = np.argsort(np.argsort(has.sum(0), kind="stable"), kind="stable")
    ranks = np.where(has, rarity, len(rarity))  # [k, classes]
    rarest = np.where(has.any(1), ranks.argmin(1), has.shape[1])
    votes = np.zeros((units.max(initial=-1) + 1, has.shape[1] + 1), np.int64)
    np.add.at(votes, (units, rarest), 1)
    return votes.argmax(1)


def _name(table: _base.Table, stratum: int) -> str:
    if table.form == "tokens":
        return ""
    return table.classes[stratum] if stratum < len(table.classes) else ""


def _offset(name: str) -> float:
    drawn = hashlib.sha256(f"{_SALT}:{name}".encode("utf-8", "replace")).digest()
    return int.from_bytes(drawn[:4], "big") / 2**33
