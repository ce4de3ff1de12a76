"""The records of a run: loaded, checked, cut into train, valid and test."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from absl import logging

from tltf import errors, specs
from tltf.data import check, digests, splits, tables
from tltf.sources import _base
from tltf.training import guards


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


def prepare(data: specs.Data, *, seed: int, task) -> Records:
    """Loads the records and fails before time is spent on bad ones.

    Args:
      data: What the recipe says of its data.
      seed: Draws the few-shot subset.
      task: Module of the task.

    Raises:
      UserError: No data, a wrong slice, a bad file under `bad: stop`, or one
        of the guards: a leak, labels in conflict, a class missing from train.
    """
    table = tables.load(data.source, data.options)
    guards.task_fits(table, task)
    found = digests.records(table)
    if table.kind == "image":
        table, found, bad = _without_bad(table, found, data.bad)
    else:
        bad = []
    cuts = splits.roles(table, train=data.train, valid=data.valid, test=data.test)
    rows = {r: splits.rows(table, found, cut) for r, cut in cuts.items() if cut}
    rows = guards.disjoint(table, found, rows, cuts=cuts, leaks=data.leaks)
    if data.leaks != "allow":
        splits.overlap(table, rows)
    guards.not_empty(rows, cuts=cuts)
    if data.examples_per_class:
        rows["train"] = splits.few(
            table, rows["train"], per_class=data.examples_per_class, seed=seed
        )
    guards.every_class(table, rows["train"], cut=cuts["train"])
    guards.one_label(table, found, rows["train"])
    counts = {role: len(r) for role, r in rows.items()}
    counts["skipped"] = len(bad) + len(table.skipped)
    return Records(
        table=table,
        digests=tuple(found),
        rows=rows,
        cuts={role: cut for role, cut in cuts.items() if cut},
        counts=counts,
        bad=tuple(bad) + table.skipped,
    )


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
