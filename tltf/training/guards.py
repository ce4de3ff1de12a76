"""Checks that fail before time is spent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from absl import logging

from tltf import errors
from tltf.data import _order
from tltf.sources import _base


def disjoint(table, found: Sequence[str], rows: Mapping, *, cuts, leaks: str) -> dict:
    """Returns the rows with no record, and no equal file, under two roles.

    Args:
      table: The records.
      found: sha256 of each record.
      rows: Role to row numbers.
      cuts: Role to slice, for the message.
      leaks: `stop`, `drop` (equal files leave the earlier role: train gives
        way to valid, valid to test), or `allow`.

    Raises:
      UserError: Two slices share records; or equal files under `stop`.
    """
    kept = dict(rows)
    roles = [role for role in ("train", "valid", "test") if role in rows]
    for place, low in enumerate(roles):
        for high in roles[place + 1 :]:
            both = np.intersect1d(kept[low], kept[high])
            if len(both):
                raise errors.UserError(
                    f"data: {low} {cuts[low]!r} and {high} {cuts[high]!r} share "
                    f"{len(both)} records, such as {table.ids[both[0]]}"
                )
            kept[low] = _without_equal(table, found, kept, (low, high), leaks)
    return kept


def _without_equal(table, found, rows, pair, leaks):
    low, high = pair
    there = {found[row]: row for row in rows[high]}
    twins = [row for row in rows[low] if found[row] in there]
    if not twins or leaks == "allow":
        return rows[low]
    first = f"{table.ids[twins[0]]} = {table.ids[there[found[twins[0]]]]}"
    if leaks == "stop":
        raise errors.UserError(
            f"data: {len(twins)} records of {low} are equal to records of {high} "
            f"({first}); remove them, or set data.leaks: drop to learn without them"
        )
    logging.warning(
        "dropped %d records of %s equal to %s: %s", len(twins), low, high, first
    )
    return np.setdiff1d(rows[low], twins, assume_unique=True)


def not_empty(rows: Mapping, *, cuts: Mapping[str, str]) -> None:
    """Checks that every role has records.

    Raises:
      UserError: A role is empty, as when all its records were dropped.
    """
    for role, found in rows.items():
        if not len(found):
            raise errors.UserError(
                f"data.{role}: {cuts[role]!r} is empty once bad and equal files are "
                "left out"
            )


def every_class(table: _base.Table, train: np.ndarray, *, cut: str) -> None:
    """Checks that train has a record of each class; of tags it only warns, for no
    cut can spread those over sentences.

    Raises:
      UserError: A class is missing.
    """
    seen = _order.flags(table.rows(train)).any(0)
    missing = [
        name for name, there in zip(table.classes, seen, strict=True) if not there
    ]
    if missing and table.form == "tokens":
        logging.warning("data.train: %r has no token of %s", cut, ", ".join(missing))
    elif missing:
        raise errors.UserError(
            f"data.train: {cut!r} has no record of {', '.join(missing)}; "
            "widen the slice or take the class out of the data"
        )


def one_label(
    table: _base.Table, found: Sequence[str], train: np.ndarray, *, conflicts: str
) -> np.ndarray:
    """Returns the rows of train whose equal records carry equal labels.

    Numbers and tags may differ, as two measurements of one thing do: of those it
    warns.

    Args:
      table: The records.
      found: sha256 of each record.
      train: Row numbers.
      conflicts: `stop`, or `drop` (records that disagree are not learnt from).

    Raises:
      UserError: The same bytes stand under two classes, under `stop`.
    """
    first: dict[str, int] = {}
    torn: dict[str, tuple[int, int]] = {}
    for row in train:
        other = first.setdefault(found[row], row)
        if not np.array_equal(table.labels[row], table.labels[other]):
            torn.setdefault(found[row], (other, row))
    if not torn:
        return train
    other, row = next(iter(torn.values()))
    pair = f"{table.ids[other]} and {table.ids[row]}"
    if table.form not in ("one", "several"):
        logging.warning("data: equal records of train have two labels: %s", pair)
        return train
    if conflicts == "stop":
        raise errors.UserError(
            f"data: {pair} are the same record under two labels; keep the right one, "
            "or set data.conflicts: drop to learn from neither"
        )
    kept = np.array([row for row in train if found[row] not in torn], np.int64)
    logging.warning(
        "dropped %d records of train under two labels: %s", len(train) - len(kept), pair
    )
    return kept


def scaled_once(network, *, side: int) -> None:
    """Checks that the encoder does not expect pixels outside 0..255.

    A second rescaling would shrink the input's range by a factor of 100 and
    more; the first convolution then sees nearly a constant.

    Raises:
      WorkError: Two rescaling layers follow one another in the network.
    """
    scaling = defaultdict(int)
    for layer in network.layers:
        if type(layer).__name__ == "Rescaling" and np.max(np.abs(layer.scale)) < 0.1:
            scaling[type(layer).__name__] += 1
    if sum(scaling.values()) > 1:
        raise errors.WorkError(
            f"the network rescales its {side}-pixel input {sum(scaling.values())} "
            "times; pixels must be scaled from 0..255 once"
        )


def still_chosen(chosen: Sequence[str], network) -> None:
    """Checks that the weights that may learn are those the stage chose.

    Raises:
      WorkError: A trainable flag changed after the stage began: without this
        check the change has no effect, or an unwanted one, in silence.
    """
    now = {weight.path for weight in network.trainable_weights}
    if now != set(chosen):
        odd = sorted(now ^ set(chosen))
        raise errors.WorkError(
            f"trainable flags changed after the stage began: {', '.join(odd[:3])}"
            f" ({len(odd)} weights); set them in stages[].train instead"
        )


def chooses_on_valid(cuts: Mapping[str, str]) -> None:
    """Checks that there is a split to choose on that is not the test split.

    Raises:
      UserError: No valid split, or valid and test are one slice.
    """
    if not cuts.get("valid"):
        raise errors.UserError(
            "data.valid: nothing to choose on; give a slice of train"
        )
    if cuts.get("test") == cuts["valid"]:
        raise errors.UserError(
            f"data.valid: {cuts['valid']!r} is also data.test; choosing on the "
            "test split makes its score too high"
        )
