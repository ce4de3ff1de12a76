"""One pass of a pre-trained encoder, then a separate classifier."""

import numpy as np

from tltf import errors
from tltf.training import gradient, job, solve
from tltf.training import network as networks

restore = gradient.restore


def run(task_job: job.Job) -> job.Outcome:
    """Solves a linear classifier on frozen features and puts it into the network.

    Source:
      Deck, "Headless DNN"; the texture tutorials: features of unit length,
      a linear classifier, here with C from cross-validation on train.
    """
    network = networks.build(task_job.recipe, len(task_job.classes), unit=True)
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
    if recipe.imbalance == "focal":
        raise errors.UserError(
            "imbalance: focal needs a method that learns by gradients; "
            "take weights or logit_adjust, or method: freeze"
        )
    found, labels = gradient.timed(
        seconds, "features", lambda: _train(task_job, network)
    )
    solved = gradient.timed(
        seconds,
        "solve",
        lambda: solve.fit(
            found,
            labels,
            head=recipe.head,
            balanced=recipe.imbalance in ("weights", "oversample"),
            seed=recipe.seed,
        ),
    )
    if recipe.imbalance == "logit_adjust":
        priors = gradient.frequencies(labels, len(task_job.classes))
        solved.bias[:] -= np.log(priors)
    return solved


def _train(task_job, network) -> tuple[np.ndarray, np.ndarray]:
    labels = task_job.records.part("train").labels
    augment = task_job.recipe.augment
    views = range(augment.views + 1) if augment.random else [0]
    found = [gradient.vectors(task_job, network, "train", view=n) for n in views]
    return unit(np.concatenate(found)), np.concatenate([labels] * len(found))


def unit(rows: np.ndarray) -> np.ndarray:
    """Returns rows scaled to unit length, as the network's UnitNormalization does."""
    lengths = np.sqrt(np.sum(np.square(rows, dtype=np.float64), -1, keepdims=True))
    return rows / np.maximum(lengths, 1e-12)
