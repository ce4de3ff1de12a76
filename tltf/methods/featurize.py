"""One pass of a pre-trained encoder, then a separate classifier."""

import numpy as np
from absl import logging

from tltf import errors
from tltf.training import gradient, job, objective, solve
from tltf.training import network as networks

restore = gradient.restore
SOLVES = True  # classes, by a linear solver


def run(task_job: job.Job) -> job.Outcome:
    """Solves a linear classifier on frozen features and puts it into the network.

    Source:
      Deck, "Headless DNN"; the texture tutorials: features of unit length,
      a linear classifier, here with C from cross-validation on train.
    """
    # nothing is trained here: half precision is for the engine of the features
    whole = task_job.recipe.model_copy(update={"precision": "float32"})
    network = networks.build(whole, task_job.top(unit=True), words=task_job.words)
    seconds: dict[str, float] = {}
    solved = head(task_job, network, seconds)
    networks.graft(network, solved.weight, solved.bias)
    return gradient.outcome(task_job, network, seconds, solved.chosen)


def head(task_job: job.Job, network, seconds: dict[str, float]) -> solve.Solved:
    """Returns the classifier solved on the train records' features.

    Args:
      task_job: The run.
      network: Its encoder makes the features.
      seconds: Gets the time of `features` and `solve`.
    """
    recipe = task_job.recipe
    _check(recipe)
    sample = gradient.timed(seconds, "features", lambda: _train(task_job, network))
    solved = gradient.timed(
        seconds,
        "solve",
        lambda: solve.fit(
            sample,
            head=recipe.head,
            balanced=recipe.imbalance in ("weights", "oversample"),
            seed=recipe.seed,
        ),
    )
    if recipe.imbalance == "logit_adjust":
        several = sample.labels.ndim == 2
        priors = objective.frequencies(sample.labels, len(task_job.classes))
        solved.bias[:] -= objective.adjustment(priors, several=several)
    return solved


def _check(recipe) -> None:
    if recipe.imbalance == "focal":
        raise errors.UserError(
            "imbalance: focal needs a method that learns by gradients; "
            "take weights or logit_adjust, or method: freeze"
        )
    if recipe.imbalance == "logit_adjust" and recipe.head.classifier != "logistic":
        raise errors.UserError(
            f"imbalance: logit_adjust needs probabilities, {recipe.head.classifier} "
            "has none; take head.classifier: logistic"
        )
    if recipe.augment.mixes or (recipe.augment.random and not recipe.augment.views):
        logging.warning(
            "featurize solves on whole images, without augment: set augment.views to "
            "solve on so many changed views of each as well; it never mixes images"
        )


def _train(task_job, network) -> solve.Sample:
    table = task_job.records.part("train")
    augment = task_job.recipe.augment
    views = range(augment.views + 1) if augment.random else [0]
    found = [gradient.vectors(task_job, network, "train", view=n) for n in views]
    count = len(views)
    return solve.Sample(
        features=unit(np.concatenate(found)),
        labels=np.concatenate([table.labels] * count),
        weights=np.tile(table.weights, count),
        groups=np.tile(solve.folded(table.groups), count),
    )


def unit(rows: np.ndarray) -> np.ndarray:
    """Returns rows scaled to unit length, as the network's UnitNormalization does."""
    lengths = np.sqrt(np.sum(np.square(rows, dtype=np.float64), -1, keepdims=True))
    return rows / np.maximum(lengths, 1e-12)
