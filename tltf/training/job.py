"""One run: its recipe, folder, records and task, and what it leaves."""

import dataclasses
import pathlib
import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tltf import errors, registry, specs
from tltf.backbones import _base as backbones
from tltf.data import pipeline, texts
from tltf.sources import _base
from tltf.training import codecs, fits, guards, loop, objective
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
      stages_by: What runs the stages in place of `stages.run`, as a range test does.
    """

    recipe: specs.Recipe
    folder: pathlib.Path
    records: record_sets.Records
    task: types.ModuleType
    codec: Any = None
    resume: bool = False
    stages_by: Callable[[Any], float] | None = None

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
        targets = self.task.targets(table.labels, len(table.classes))
        labelled = {"targets": targets, "weights": table.weights}
        return shown(table.values, self.recipe, self.codec, **labelled)


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
        fits.solver(found.table, task, method=recipe.method)
    reads = getattr(method, "READS", None)
    codec = None
    if reads is None:
        backbone = backbone_of(recipe)
        fits.backbone(found.table, backbone, name=recipe.backbone)
        fits.tokens(found.table, recipe, backbone)
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


def shown(
    values: np.ndarray, recipe: specs.Recipe, codec, *, targets=(), weights=()
) -> pipeline.Pictures | texts.Texts:
    """Returns records ready to be batched.

    Args:
      values: Paths or texts, object `[n]`.
      recipe: How images become pixels.
      codec: How texts become ids; None for images.
      targets, weights: What is learnt, `[n, ...]` and `[n]`; empty where
        nothing is.
    """
    labelled = {"targets": targets, "weights": weights}
    if codec:
        return texts.Texts(values=values, codec=codec, **labelled)
    image = recipe.image
    return pipeline.Pictures(
        paths=values,
        side=image.side,
        fit=image.fit,
        margin=image.margin,
        gray=image.gray,
        **labelled,
    )


def scorer(model: keras.Model, recipe: specs.Recipe, codec=None) -> Callable:
    """Returns a function of a table to logits; see `runner`."""
    run = runner(model, recipe, codec)
    return lambda table: run(table.values)


def runner(model: keras.Model, recipe: specs.Recipe, codec=None) -> Callable:
    """Returns a function of paths or texts to logits, averaged over `tta` views."""
    run = loop.logits(model)

    def logits(values: np.ndarray):
        records = shown(values, recipe, codec)
        if codec:
            return run(texts.evaluation(records, batch=recipe.batch))
        views = [
            run(pipeline.evaluation(records, batch=recipe.batch, view=view))
            for view in range(recipe.tta)
        ]
        return tf.nest.map_structure(lambda *found: np.mean(found, 0), *views)

    return logits
