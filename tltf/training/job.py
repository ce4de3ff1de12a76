"""One run: its recipe, folder, records and task, and what it leaves."""

import dataclasses
import pathlib
import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tltf import errors, registry, specs
from tltf.backbones import _base as backbones
from tltf.data import pipeline, texts
from tltf.sources import _base
from tltf.training import codecs, guards, loop, objective
from tltf.training import network as networks
from tltf.training import records as record_sets


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """What a method gets.

    Attributes:
      recipe: Resolved.
      folder: Run folder; exists.
      records: Checked and cut.
      task: Module of the task.
      codec: What turns texts into the encoder's input; None for images.
      resume: Go on from a checkpoint.
    """

    recipe: specs.Recipe
    folder: pathlib.Path
    records: record_sets.Records
    task: types.ModuleType
    codec: Any = None
    resume: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in output order."""
        return self.records.table.classes

    @property
    def words(self) -> tuple[str, ...]:
        """Word of each id of the codec; empty where it has none."""
        return self.codec.words if self.codec else ()

    def top(self, *, unit: bool = False, name: str = "") -> networks.Top:
        """Returns what stands on the encoder for this task's answer.

        Args:
          unit: Scale the vector to unit length first.
          name: Of the part in a network of several.
        """
        return networks.Top(
            head=self.recipe.head,
            outputs=self.task.outputs(len(self.classes)),
            units=objective.units(self),
            unit=unit,
            name=name,
        )

    def examples(self, role: str) -> pipeline.Pictures | texts.Texts:
        """Returns the records of one role, ready to be batched."""
        table = self.records.part(role)
        return examples(table, self.recipe, self.task, self.codec)


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
    # methods without an encoder say what kind of records they read
    method = registry.find("methods", recipe.method)
    if getattr(method, "SOLVES", False):
        guards.solvable(found.table, task, method=recipe.method)
    reads = getattr(method, "READS", None)
    codec = None
    if reads is None:
        backbone = backbone_of(recipe)
        guards.backbone_fits(found.table, backbone, name=recipe.backbone)
        codec = codecs.find(recipe, backbone, folder, found.part("train").values)
    elif reads != found.table.kind:
        raise errors.UserError(
            f"method: {recipe.method} reads {reads}s, the source has "
            f"{found.table.kind}s"
        )
    return Job(
        recipe=recipe,
        folder=folder,
        records=found,
        task=task,
        codec=codec,
        resume=resume,
    )


def backbone_of(recipe: specs.Recipe) -> backbones.Backbone | backbones.TextBackbone:
    """Returns the description of the recipe's encoder."""
    module, form = registry.variant(recipe.backbone)
    return module.VARIANTS[form]


def with_recipe(task_job: Job, recipe: specs.Recipe) -> Job:
    """Returns the job under another recipe, its records kept."""
    return dataclasses.replace(task_job, recipe=recipe)


def examples(
    table: _base.Table, recipe: specs.Recipe, task, codec
) -> pipeline.Pictures | texts.Texts:
    """Returns records with targets, ready to be batched.

    Args:
      table: The records.
      recipe: How images become pixels.
      task: Module of the task.
      codec: How texts become ids; None for images.
    """
    targets = task.targets(table.labels, len(table.classes))
    labelled = {"targets": targets, "weights": table.weights}
    if table.kind == "text":
        return texts.Texts(values=table.values, codec=codec, **labelled)
    image = recipe.image
    return pipeline.Pictures(
        paths=table.values,
        side=image.side,
        fit=image.fit,
        margin=image.margin,
        gray=image.gray,
        **labelled,
    )


def scorer(model: keras.Model, recipe: specs.Recipe, task, codec=None) -> Callable:
    """Returns a function of a table to logits, averaged over `tta` views."""
    run = loop.logits(model)

    def score(table: _base.Table) -> np.ndarray:
        shown = examples(table, recipe, task, codec)
        if table.kind == "text":
            return run(texts.evaluation(shown, batch=recipe.batch))
        views = [
            run(pipeline.evaluation(shown, batch=recipe.batch, view=view))
            for view in range(recipe.tta)
        ]
        return np.mean(views, 0)

    return score
