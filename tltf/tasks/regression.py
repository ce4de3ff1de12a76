"""One number for each image or text."""

import numpy as np
import tensorflow as tf

from tltf.ops import numbers

KINDS = ("image", "text")
LABELS = "number"
METRIC = "r2"
USE = "Answers {one} with a number."
ANSWERS = {
    "value": "float32 [b], in the units of the labels it learnt from",
}


def outputs(classes: int) -> int:
    """Returns the width of the last layer."""
    return 1


def units(labels: np.ndarray) -> tuple[float, float]:
    """Returns mean and standard deviation of labels, float `[n]`; 1 where that is 0.

    The network answers in the labels' units; the loss is of standardised numbers,
    so that rates do not depend on whether they are metres or miles.
    """
    exact = labels.astype(np.float64)
    return float(exact.mean()), float(exact.std()) or 1.0


def targets(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns labels, float `[n]`, as float32 `[n, 1]`."""
    return labels.astype(np.float32)[:, None]


def loss(targets: tf.Tensor, logits: tf.Tensor, *, smoothing: float, gamma: float):
    """Squared error of each record, float32 `[batch]`; nothing else is read."""
    return tf.reduce_mean(tf.square(targets - logits), -1)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Returns the answered numbers, float `[n, 1]`."""
    return np.asarray(logits, np.float64)


def choices(logits: np.ndarray, labels: np.ndarray, *, fit: bool) -> dict:
    """Returns what is chosen on the valid split: nothing."""
    return {"temperature": 1.0}


def answer(row: np.ndarray, classes: list[str], chosen: dict) -> float:
    """Returns the number of `row`, float `[1]`, in the shortest form of float32."""
    return float(str(np.float32(row[0])))


def truth(label: np.ndarray, classes: list[str]) -> float:
    """Returns the number of a record, in the shortest form of its float32."""
    return float(str(np.float32(label)))


def score(
    labels: np.ndarray, probabilities: np.ndarray, chosen: dict, *, classes=()
) -> dict:
    """Returns metrics by name; see `ops.numbers.number`."""
    return numbers.number(labels, probabilities[:, 0])


def glance(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Returns scores that cost next to nothing, for history.csv."""
    return {"mean_absolute_error": float(np.mean(np.abs(labels - logits[:, 0])))}


def serve(logits: tf.Tensor, labels: list[str], chosen: dict) -> dict[str, tf.Tensor]:
    """Returns `value`, float32 `[b]`."""
    return {"value": tf.cast(logits[:, 0], tf.float32)}
