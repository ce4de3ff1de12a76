"""The parts of a multi-task run: their records, cut alike, and what they share."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from absl import logging

from tltf import errors, registry, specs
from tltf.data import merge, pipeline, texts
from tltf.training import codecs, fits, guards, job
from tltf.training import records as record_sets

ROLES = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """What method multitask gets.

    Attributes:
      recipe: Resolved.
      folder: Run folder; exists.
      jobs: Part to a job of its own: its records, its task, its folder.
      codec: What turns texts into the encoder's input; None for images.
      resume: Go on from a checkpoint.
      stages_by: As of `job.Job`.
    """

    recipe: specs.Recipe
    folder: pathlib.Path
    jobs: Mapping[str, job.Job]
    codec: Any = None
    resume: bool = False
    stages_by: Callable[[Any], float] | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Word of each id of the codec; empty where it has none."""
        return self.codec.words if self.codec else ()

    @functools.cached_property
    def counts(self) -> dict[str, int]:
        """Different records by role, and those of each part."""
        found = {role: len(self.merged(role)) for role in self.roles}
        for name, one in self.jobs.items():
            found |= {f"{name}.{role}": n for role, n in one.records.counts.items()}
        return found

    @property
    def roles(self) -> list[str]:
        """Roles that some part has."""
        have = [one.records.rows for one in self.jobs.values()]
        return [role for role in ROLES if any(role in rows for rows in have)]

    @functools.cache  # noqa: B019  a run has one of these, and it lives as long
    def merged(self, role: str) -> merge.Merged:
        """Returns the records of all parts in one role."""
        return merge.merge(
            {
                name: (one.records.part(role), one.records.part_digests(role))
                for name, one in self.jobs.items()
                if role in one.records.rows
            }
        )

    def examples(self, role: str) -> pipeline.Pictures | texts.Texts:
        """Returns the records of one role with the targets of every part; the weight
        of a record in a part whose label it does not carry is 0."""
        merged = self.merged(role)
        targets, weights = {}, {}
        for name, rows in merged.rows.items():
            one = self.jobs[name]
            table = one.records.part(role)
            known = one.task.targets(table.labels, len(table.classes))
            targets[name] = np.zeros((len(merged), *known.shape[1:]), known.dtype)
            targets[name][rows] = known
            weights[name] = np.zeros(len(merged), np.float32)
            weights[name][rows] = table.weights
        return job.shown(
            merged.values, self.recipe, self.codec, targets=targets, weights=weights
        )

    def pools(self) -> list[np.ndarray]:
        """Returns the rows of train that each source brought."""
        merged = self.merged("train")
        sources = [_source(part.data) for part in self.recipe.parts]
        number = np.array([sources.index(source) for source in sources])[merged.owners]
        return [np.flatnonzero(number == n) for n in sorted(set(number.tolist()))]


def start(recipe: specs.Recipe, folder: pathlib.Path, *, resume: bool = False) -> Joint:
    """Loads and checks the records of every part.

    Parts of one source and the same slices are cut together, so a record is on the
    same side for all of them.

    Raises:
      UserError: As `job.start`, with the part's name; or a record that one part
        learns from and another is judged by.
    """
    settings = {part.name: alone(recipe, part) for part in recipe.parts}
    found = _apart(_prepared(settings), settings)
    backbone = job.backbone_of(recipe)
    for name, one in found.items():
        with _named(name):
            guards.chooses_on_valid(one.cuts)
            fits.backbone(one.table, backbone, name=recipe.backbone)
            fits.tokens(one.table, settings[name], backbone)
    texts_ = [value for one in found.values() for value in one.part("train").values]
    codec = codecs.find(recipe, backbone, folder, list(dict.fromkeys(texts_)))
    jobs = {
        name: job.Job(
            recipe=settings[name],
            folder=folder / "parts" / name,
            records=one,
            task=registry.find("tasks", settings[name].task),
            codec=codec,
        )
        for name, one in found.items()
    }
    return Joint(recipe=recipe, folder=folder, jobs=jobs, codec=codec, resume=resume)


def alone(recipe: specs.Recipe, part: specs.Part) -> specs.Recipe:
    """Returns the recipe of a part as a plain one: its task, data and head."""
    data = part.data
    if part.label:
        columns = {**data.options.get("columns", {}), "label": part.label}
        # a cell without label is no record of this part
        options = {"empty": "skip", **data.options, "columns": columns}
        data = data.model_copy(update={"options": options})
    change = {"task": part.task, "data": data, "head": part.head, "parts": ()}
    return recipe.model_copy(update={**change, "imbalance": part.imbalance})


class _named:
    """Puts the part's name before a message."""

    def __init__(self, name: str):
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind, error, trace) -> None:
        if isinstance(error, errors.UserError):
            raise errors.UserError(f"part {self._name}: {error}") from None


def _source(data: specs.Data) -> tuple:
    return data.source, data.train, data.valid, data.test


def _prepared(settings: Mapping[str, specs.Recipe]) -> dict[str, record_sets.Records]:
    loaded = {}
    for name, one in settings.items():
        with _named(name):
            loaded[name] = record_sets.load(one.data, registry.find("tasks", one.task))
    shared: dict[tuple, list[str]] = {}
    for name, one in settings.items():
        shared.setdefault(_source(one.data), []).append(name)
    made = {}
    for names in shared.values():
        with _named(", ".join(names)):
            cuts, rows = _cut({name: loaded[name] for name in names}, settings)
        for name in names:
            one = settings[name]
            with _named(name):
                made[name] = record_sets.settle(
                    loaded[name], one.data, cuts, rows[name], seed=one.seed
                )
    return {name: made[name] for name in settings}


def _cut(loaded: Mapping[str, record_sets.Loaded], settings) -> tuple[dict, dict]:
    """Cuts that hold for all parts of a source, and each part's rows by role."""
    tables = {name: (one.table, one.digests) for name, one in loaded.items()}
    first = next(iter(loaded))
    data = settings[first].data
    if len(tables) == 1:
        cuts, rows = record_sets.cut(*tables[first], data)
        return cuts, {first: rows}
    merged = merge.merge(tables)
    whole = merge.strata(tables, merged)
    cuts, rows = record_sets.cut(whole, merged.digests, data)
    return cuts, {
        name: {
            role: np.flatnonzero(np.isin(merged.rows[name], chosen))
            for role, chosen in rows.items()
        }
        for name in tables
    }


def _apart(found: dict, settings: Mapping[str, specs.Recipe]) -> dict:
    """The records without those that another part is judged by in a later role."""
    made = {}
    for name, one in found.items():
        rows = dict(one.rows)
        for low, highs in (("train", ("valid", "test")), ("valid", ("test",))):
            later = {
                digest: other
                for other, records in found.items()
                for high in highs
                if other != name and high in records.rows
                for digest in records.part_digests(high)
            }
            if low in rows:
                rows[low] = _without(one, rows[low], later, name, low, settings[name])
        with _named(name):
            guards.not_empty(rows, cuts=one.cuts)
            guards.every_class(one.table, rows["train"], cut=one.cuts["train"])
        counts = {**one.counts, **{role: len(kept) for role, kept in rows.items()}}
        made[name] = dataclasses.replace(one, rows=rows, counts=counts)
    return made


def _without(one, rows, later, name, role, recipe: specs.Recipe) -> np.ndarray:
    twins = [row for row in rows if one.digests[row] in later]
    if not twins or recipe.data.leaks == "allow":
        return rows
    other, first = later[one.digests[twins[0]]], one.table.ids[twins[0]]
    if recipe.data.leaks == "stop":
        raise errors.UserError(
            f"part {name}: {len(twins)} records of {role} are records that part "
            f"{other} is judged by ({first}); cut both alike, or set data.leaks: drop "
            "to learn without them"
        )
    logging.warning(
        "part %s: dropped %d records of %s that part %s is judged by: %s",
        name, len(twins), role, other, first,
    )  # fmt: skip
    return np.setdiff1d(rows, twins, assume_unique=True)
