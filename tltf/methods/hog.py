"""Histograms of oriented gradients and a linear SVM: before deep learning."""

import pathlib
from collections.abc import Callable

import numpy as np

from tltf import errors, specs
from tltf.ops import hog
from tltf.training import gradient, job, solve, state

READS = "image"
SOLVES = True  # classes, by a linear solver
_FILE = "checkpoints/hog.npz"


def run(task_job: job.Job) -> job.Outcome:
    """Fits a linear SVM on histograms of oriented gradients.

    Source:
      Dalal & Triggs 2005, as a whole-image baseline: fixed square, C by
      cross-validation on train.
    """
    recipe, table = task_job.recipe, task_job.records.part("train")
    if recipe.imbalance in ("focal", "logit_adjust"):
        raise errors.UserError(
            f"imbalance: hog cannot do {recipe.imbalance}; take weights"
        )
    seconds: dict[str, float] = {}
    gray = recipe.image.gray
    rows = gradient.timed(seconds, "features", lambda: _vectors(table, gray))
    svm = recipe.head.model_copy(update={"classifier": "svm"})
    mean, spread = rows.mean(0), rows.std(0) + 1e-6
    sample = solve.Sample(
        features=_unit((rows - mean) / spread),
        labels=table.labels,
        weights=table.weights,
        groups=solve.folded(table.groups),
    )
    balanced = recipe.imbalance != "none"
    solved = gradient.timed(
        seconds,
        "solve",
        lambda: solve.fit(sample, head=svm, balanced=balanced, seed=recipe.seed),
    )
    arrays = {"hog": [mean, spread, solved.weight, solved.bias]}
    state.save(task_job.folder / _FILE, arrays, {})
    return job.Outcome(
        logits=restore(task_job.folder, recipe, task_job.task),
        model=None,
        chosen=solved.chosen,
        weights={"choice": "none", "file": None, "sha256": None},
        seconds=seconds,
        parameters={"all": solved.weight.size + solved.bias.size},
    )


def restore(folder: pathlib.Path, recipe: specs.Recipe, task) -> Callable:
    """Returns the scores function of a finished run."""
    path = folder / _FILE
    if not path.exists():
        raise errors.UserError(f"{path}: no such file; the run is not finished")
    mean, spread, weight, bias = state.load(path)[0]["hog"]
    gray = recipe.image.gray

    def score(table) -> np.ndarray:
        return _unit((_vectors(table, gray) - mean) / spread) @ weight + bias

    return score


def _vectors(table, gray: bool) -> np.ndarray:
    return hog.vectors(list(table.values), gray=gray)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
