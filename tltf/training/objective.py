"""What a run learns from and is judged by: losses, remedies, scores of epochs."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tltf import errors

# Focusing exponent of Lin et al. 2017 (arXiv:1708.02002), section 4.1
_GAMMA = 2.0


def loss(task_job) -> Callable:
    """Returns a function of (targets, logits, sample weights) to ([mean], [count]).

    The mean is over the batch, weights included: a record of weight 0 counts.
    """
    record_loss = per_record(task_job)

    def mean(targets, logits, weights):
        losses = record_loss(targets, logits) * weights
        return [tf.reduce_mean(losses)], [tf.cast(tf.shape(losses)[0], tf.float32)]

    return mean


def per_record(task_job) -> Callable:
    """Returns a function of (targets, logits) to the loss of each record, `[batch]`,
    with the recipe's remedy for rare classes in it.

    Raises:
      UserError: A remedy for classes where the labels are none.
    """
    recipe, task = task_job.recipe, task_job.task
    table = task_job.records.part("train")
    plain = _plain(task_job)
    if recipe.imbalance == "none":
        return lambda targets, logits: plain(targets, logits, recipe.smoothing, 0.0)
    _check_remedy(task_job, table)
    if recipe.imbalance == "oversample":
        return lambda targets, logits: plain(targets, logits, recipe.smoothing, 0.0)
    gamma = _GAMMA if recipe.imbalance == "focal" else 0.0
    priors = frequencies(table.labels, len(table.classes))
    shift, weight = np.float32(0), (1 / (priors * len(priors))).astype(np.float32)
    if recipe.imbalance == "logit_adjust":
        shift = adjustment(priors, several=table.multi_label).astype(np.float32)

    def weighed(targets, logits):
        found = task.loss(
            targets, logits + shift, smoothing=recipe.smoothing, gamma=gamma
        )
        if recipe.imbalance == "weights":
            # the mean weight of its labels; a record without labels counts once
            held = tf.reduce_sum(targets, -1)
            mean = tf.math.divide_no_nan(tf.reduce_sum(targets * weight, -1), held)
            found *= tf.where(held > 0, mean, 1.0)
        return found

    return weighed


def judge(task_job) -> Callable[[np.ndarray], dict[str, float]]:
    """Returns a function of the valid split's logits to a row of history.csv."""
    table, task = task_job.records.part("valid"), task_job.task
    targets = tf.constant(task.targets(table.labels, len(table.classes)))
    plain = _plain(task_job)

    def scores(logits: np.ndarray) -> dict[str, float]:
        losses = plain(targets, tf.constant(logits), 0.0, 0.0)
        glance = task.glance(table.labels, logits)
        return {
            "valid_loss": float(np.mean(losses)),
            **{f"valid_{name}": float(value) for name, value in glance.items()},
        }

    return scores


def units(task_job) -> tuple[float, float] | None:
    """Returns mean and spread of train's numbers; None where labels are no numbers."""
    found = getattr(task_job.task, "units", None)
    return found(task_job.records.part("train").labels) if found else None


def odds(task_job) -> np.ndarray | None:
    """Returns by which odds records are drawn, `[n]`; None for each once."""
    if task_job.recipe.imbalance != "oversample":
        return None
    table = task_job.records.part("train")
    rare = 1 / frequencies(table.labels, len(table.classes))
    if table.multi_label:
        found = np.max(table.labels * rare, 1) + rare.min()
    else:
        found = rare[table.labels]
    return found / found.sum()


def frequencies(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns the share of records of each class, float `[classes]`."""
    if labels.ndim == 2:
        return np.clip(labels.mean(0, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.bincount(labels, minlength=classes) / len(labels)


def adjustment(priors: np.ndarray, *, several: bool) -> np.ndarray:
    """Returns what frequent classes get on top of their logits in training.

    Source:
      Menon et al. 2021 (arXiv:2007.07314), equation 10, tau = 1; for several
      labels the same with the log odds of each.
    """
    return np.log(priors) - (np.log1p(-priors) if several else 0.0)


def _plain(task_job) -> Callable:
    task, scale = task_job.task, units(task_job)
    mean, spread = scale or (0.0, 1.0)

    def plain(targets, logits, smoothing, gamma):
        if scale:
            # of standardised numbers: comparable with the losses of other parts
            targets, logits = (targets - mean) / spread, (logits - mean) / spread
        return task.loss(targets, logits, smoothing=smoothing, gamma=gamma)

    return plain


def _check_remedy(task_job, table) -> None:
    classes = len(table.classes)
    remedy = task_job.recipe.imbalance
    # of levels there are other logits than classes: none to put their shares on
    shifted = remedy == "logit_adjust" and task_job.task.outputs(classes) != classes
    if table.form not in ("one", "several") or shifted:
        name = task_job.task.__name__.rpartition(".")[2]
        raise errors.UserError(
            f"imbalance: {remedy} needs a logit for each class, which task {name} "
            "does not have; take none"
        )
