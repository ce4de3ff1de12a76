"""The records of a run: loaded, checked, cut into train, valid and test."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from absl import logging

from tltf import errors, specs
from tltf.data import check, digests, splits, tables
from tltf.sources import _base
from tltf.training import fits, guards


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """A table and the rows of it that each role may read.

    Attributes:
      table: Every good record.
      digests: sha256 of each record's bytes, aligned with the table.
      rows: Role (train, valid, test) to row numbers, int64; roles are disjoint.
      cuts: Role to the slice it came from.
      counts: Records by role, and `skipped`.
      bad: Pairs (id, cause) of files left out.
    """

    table: _base.Table
    digests: tuple[str, ...]
    rows: Mapping[str, np.ndarray]
    cuts: Mapping[str, str]
    counts: Mapping[str, int]
    bad: tuple[tuple[str, str], ...]

    def part(self, role: str) -> _base.Table:
        """Returns the table of one role."""
        return self.table.rows(self.rows[role])

    def part_digests(self, role: str) -> list[str]:
        """Returns the digests of one role."""
        return [self.digests[row] for row in self.rows[role]]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """The good records of a source, not yet cut.

    Attributes:
      table, digests: As of `Records`.
      bad: Pairs (id, cause) of files that do not decode.
    """

    table: _base.Table
    digests: tuple[str, ...]
    bad: tuple[tuple[str, str], ...]


def prepare(data: specs.Data, *, seed: int, task) -> Records:
    """Loads the records and fails before time is spent on bad ones.

    Args:
      data: What the recipe says of its data.
      seed: Draws the few-shot subset.
      task: Module of the task.

    Raises:
      UserError: As `load`, `cut` and `settle`.
    """
    loaded = load(data, task)
    cuts, rows = cut(loaded.table, loaded.digests, data)
    return settle(loaded, data, cuts, rows, seed=seed)


def load(data: specs.Data, task) -> Loaded:
    """Returns a source's records, without files that do not decode.

    Raises:
      UserError: No data, records of another kind than the task's, or a bad file
        under `bad: stop`.
    """
    table = tables.load(data.source, {**_form(data, task), **data.options})
    fits.task(table, task)
    found, bad = digests.records(table), []
    if table.kind == "image":
        table, found, bad = _without_bad(table, found, data.bad)
    return Loaded(table=table, digests=tuple(found), bad=tuple(bad))


def cut(table: _base.Table, found: Sequence[str], data: specs.Data):
    """Returns role to slice, and role to row numbers.

    Raises:
      UserError: A wrong slice.
    """
    cuts = splits.roles(table, train=data.train, valid=data.valid, test=data.test)
    rows = {r: splits.rows(table, found, text) for r, text in cuts.items() if text}
    return cuts, rows


def settle(loaded: Loaded, data: specs.Data, cuts, rows, *, seed: int) -> Records:
    """Returns the records of each role once the guards have passed.

    Args:
      loaded: From `load`.
      data: What the recipe says of its data.
      cuts, rows: From `cut`.
      seed: Draws the few-shot subset.

    Raises:
      UserError: A leak, labels in conflict, a class missing from train.
    """
    table, found, bad = loaded.table, loaded.digests, loaded.bad
    rows = guards.disjoint(table, found, rows, cuts=cuts, leaks=data.leaks)
    if data.leaks != "allow":
        splits.overlap(table, rows)
    guards.not_empty(rows, cuts=cuts)
    if data.examples_per_class:
        rows["train"] = splits.few(
            table, rows["train"], per_class=data.examples_per_class, seed=seed
        )
    rows["train"] = guards.one_label(
        table, found, rows["train"], conflicts=data.conflicts
    )
    guards.every_class(table, rows["train"], cut=cuts["train"])
    counts = {role: len(r) for role, r in rows.items()}
    counts["skipped"] = len(bad) + len(table.skipped)
    return Records(
        table=table,
        digests=found,
        rows=rows,
        cuts={role: cut for role, cut in cuts.items() if cut},
        counts=counts,
        bad=tuple(bad) + table.skipped,
    )


def _form(data: specs.Data, task) -> dict[str, str]:
    """What a manifest's labels are, where the task says it."""
    forms = {"number": "numbers", "tokens": "tokens"}
    name = data.source.partition(":")[0]
    if name in ("csv", "jsonl") and task.LABELS in forms:
        return {"form": forms[task.LABELS]}
    return {}


def _without_bad(table, found, policy):
    causes = check.undecodable(list(table.values), found)
    bad = [(str(table.ids[row]), cause) for row, cause in sorted(causes.items())]
    if bad and policy == "stop":
        name, cause = bad[0]
        raise errors.UserError(
            f"{name}: {cause} ({len(bad)} such files); mend it, "
            "or set data.bad: skip to go on without such files"
        )
    for name, cause in bad:
        logging.warning("skipped %s: %s", name, cause)
    good = np.array([row for row in range(len(table)) if row not in causes], int)
    return table.rows(good), [found[row] for row in good], bad
