"""One class for each image."""

import numpy as np
import tensorflow as tf

from tltf.ops import calibrate, losses, scores

KINDS = ("image",)
LABELS = "one"
METRIC = "accuracy"
USE = "Tells which one of {count} classes {one} shows."
ANSWERS = {
    "scores": "float32 [b, classes], in the order of labels",
    "classes": "string [b], the best label",
}


def outputs(classes: int) -> int:
    """Returns the width of the last layer."""
    return classes


def targets(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns labels, int `[n]`, as one-hot float32 `[n, classes]`."""
    return np.eye(classes, dtype=np.float32)[labels]


def loss(targets: tf.Tensor, logits: tf.Tensor, *, smoothing: float, gamma: float):
    """Softmax cross-entropy of each record, float32 `[batch]`; see `ops.losses`."""
    return losses.softmax(targets, logits, smoothing=smoothing, gamma=gamma)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Returns softmax of logits over temperature, float `[n, classes]`."""
    return calibrate.softmax(logits / temperature)


def choices(logits: np.ndarray, labels: np.ndarray, *, fit: bool) -> dict:
    """Returns what is chosen on the valid split: the temperature."""
    return {"temperature": calibrate.temperature(logits, labels) if fit else 1.0}


def answer(row: np.ndarray, classes: list[str], chosen: dict) -> str:
    """Returns the most probable class; `row` is float `[classes]`."""
    return classes[int(np.argmax(row))]


def truth(label: np.ndarray, classes: list[str]) -> str:
    """Returns the name of a label."""
    return classes[int(label)]


def score(
    labels: np.ndarray, probabilities: np.ndarray, chosen: dict, *, classes=()
) -> dict:
    """Returns metrics by name; see `ops.scores.single`."""
    return scores.single(labels, probabilities)


def hits(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Returns whether each record is answered right, bool `[n]`."""
    return np.argmax(logits, -1) == labels


def glance(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Returns scores that cost next to nothing, for history.csv."""
    return {"accuracy": float(np.mean(np.argmax(logits, -1) == labels))}


def serve(logits: tf.Tensor, labels: list[str], chosen: dict) -> dict[str, tf.Tensor]:
    """Returns `scores`, float32 `[b, classes]`, and the best `classes`, `[b]`."""
    scaled = tf.cast(logits, tf.float32) / chosen.get("temperature", 1.0)
    best = tf.argmax(scaled, axis=-1)
    return {"scores": tf.nn.softmax(scaled), "classes": tf.gather(labels, best)}
