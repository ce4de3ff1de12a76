"""One run: its recipe, folder, records and task, and what it leaves."""

import dataclasses
import pathlib
import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tltf import registry, specs
from tltf.data import pipeline
from tltf.sources import _base
from tltf.training import guards, loop
from tltf.training import records as record_sets


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """What a method gets.

    Attributes:
      recipe: Resolved.
      folder: Run folder; exists.
      records: Checked and cut.
      task: Module of the task.
      resume: Go on from a checkpoint.
    """

    recipe: specs.Recipe
    folder: pathlib.Path
    records: record_sets.Records
    task: types.ModuleType
    resume: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in output order."""
        return self.records.table.classes

    def pictures(self, role: str) -> pipeline.Pictures:
        """Returns the image records of one role."""
        return pictures(self.records.part(role), self.recipe.image, self.task)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What a method returns.

    Attributes:
      logits: Table to scores, float `[n, classes]`.
      model: The trained network, or None for methods without one.
      chosen: What was chosen on train, for report.json.
      weights: Where the starting weights came from.
      seconds: Time by part.
      parameters: Numbers in the model, and how many of them learnt.
    """

    logits: Callable[[_base.Table], np.ndarray]
    model: keras.Model | None
    chosen: dict[str, Any]
    weights: dict[str, Any]
    seconds: dict[str, float]
    parameters: dict[str, int]


def start(recipe: specs.Recipe, folder: pathlib.Path, *, resume: bool = False) -> Job:
    """Loads and checks the records of a recipe.

    Raises:
      UserError: See `records.prepare` and `guards`.
    """
    task = registry.find("tasks", recipe.task)
    found = record_sets.prepare(recipe.data, seed=recipe.seed, task=task)
    guards.chooses_on_valid(found.cuts)
    return Job(recipe=recipe, folder=folder, records=found, task=task, resume=resume)


def with_recipe(task_job: Job, recipe: specs.Recipe) -> Job:
    """Returns the job under another recipe, its records kept."""
    return dataclasses.replace(task_job, recipe=recipe)


def pictures(table: _base.Table, image: specs.Image, task) -> pipeline.Pictures:
    """Returns image records with targets, ready to be batched."""
    return pipeline.Pictures(
        paths=table.values,
        targets=task.targets(table.labels, len(table.classes)),
        weights=table.weights,
        side=image.side,
        fit=image.fit,
        margin=image.margin,
        gray=image.gray,
    )


def scorer(model: keras.Model, recipe: specs.Recipe, task) -> Callable:
    """Returns a function of a table to logits, averaged over `tta` views."""
    run = loop.logits(model)

    def score(table: _base.Table) -> np.ndarray:
        shown = pictures(table, recipe.image, task)
        views = [
            run(pipeline.evaluation(shown, batch=recipe.batch, view=view))
            for view in range(recipe.tta)
        ]
        return np.mean(views, 0)

    return score
