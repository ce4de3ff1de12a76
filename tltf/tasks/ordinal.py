"""One of several levels in order for each image or text."""

import numpy as np
import tensorflow as tf

from tltf.ops import calibrate, levels, losses

KINDS = ("image", "text")
LABELS = "one"
METRIC = "quadratic_kappa"
ORDERED = True
USE = "Tells which one of {count} levels in order {one} has."
ANSWERS = {
    "scores": "float32 [b, levels], in the order of labels",
    "classes": "string [b], the median level",
}


def outputs(classes: int) -> int:
    """Returns the width of the last layer: one question between neighbours each."""
    return classes - 1


def targets(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns labels, int `[n]`, as one-hot float32 `[n, classes]`."""
    return np.eye(classes, dtype=np.float32)[labels]


def loss(targets: tf.Tensor, logits: tf.Tensor, *, smoothing: float, gamma: float):
    """Minus the log probability of each record's level, float32 `[batch]`.

    This is the sum of the binary cross-entropies of CORN: of question k over the
    records that reach level k.

    Args:
      targets: Probabilities of levels, float `[batch, levels]`.
      logits: float `[batch, levels - 1]`; see `ops.levels.logs`.
      smoothing: As of `ops.losses.softmax`.
      gamma: As of `ops.losses.softmax`.

    Source:
      Shi, Cao, Raschka 2021 (arXiv:2111.08851), its loss over conditional subsets.
    """
    logs = losses.levels(logits)
    return losses.softmax(targets, logs, smoothing=smoothing, gamma=gamma)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Returns the probability of each level, float `[n, levels]`."""
    return np.exp(levels.logs(logits / temperature))


def choices(logits: np.ndarray, labels: np.ndarray, *, fit: bool) -> dict:
    """Returns what is chosen on the valid split: the temperature."""
    return {"temperature": calibrate.of_levels(logits, labels) if fit else 1.0}


def answer(row: np.ndarray, classes: list[str], chosen: dict) -> str:
    """Returns the median level; `row` is float `[levels]`."""
    return classes[int(levels.median(row))]


def truth(label: np.ndarray, classes: list[str]) -> str:
    """Returns the name of a level."""
    return classes[int(label)]


def score(
    labels: np.ndarray, probabilities: np.ndarray, chosen: dict, *, classes=()
) -> dict:
    """Returns metrics by name; see `ops.levels.ordered`."""
    return levels.ordered(labels, probabilities)


def glance(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Returns scores that cost next to nothing, for history.csv."""
    given = levels.median(probabilities(logits, 1.0))
    return {
        "accuracy": float(np.mean(given == labels)),
        "mean_absolute_error": float(np.mean(np.abs(given - labels))),
    }


def serve(logits: tf.Tensor, labels: list[str], chosen: dict) -> dict[str, tf.Tensor]:
    """Returns `scores`, float32 `[b, levels]`, and the median `classes`, `[b]`."""
    scaled = tf.cast(logits, tf.float32) / chosen.get("temperature", 1.0)
    scores = tf.exp(losses.levels(scaled))
    above = 1 - tf.cumsum(scores, axis=-1)[:, :-1]
    place = tf.reduce_sum(tf.cast(above > 0.5, tf.int32), -1)
    return {"scores": scores, "classes": tf.gather(labels, place)}
