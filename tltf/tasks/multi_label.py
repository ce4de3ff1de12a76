"""Any number of labels for each image or text."""

import numpy as np
import tensorflow as tf

from tltf.ops import calibrate, losses, scores

KINDS = ("image", "text")
LABELS = "several"
METRIC = "accuracy"
USE = "Tells which of {count} labels {one} carries."
ANSWERS = {
    "scores": "float32 [b, classes], in the order of labels",
    "classes": "string [b], the best label",
    "accepted": "bool [b, classes], scores at or over their threshold",
}


def outputs(classes: int) -> int:
    """Returns the width of the last layer."""
    return classes


def targets(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns labels, 0 or 1 `[n, classes]`, as float32."""
    return labels.astype(np.float32)


def loss(targets: tf.Tensor, logits: tf.Tensor, *, smoothing: float, gamma: float):
    """Sigmoid cross-entropy of each record, float32 `[batch]`; see `ops.losses`."""
    return losses.sigmoid(targets, logits, smoothing=smoothing, gamma=gamma)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Returns the sigmoid of logits over temperature, float `[n, classes]`."""
    return calibrate.sigmoid(logits / temperature)


def choices(logits: np.ndarray, labels: np.ndarray, *, fit: bool) -> dict:
    """Returns what is chosen on the valid split: temperature and thresholds."""
    temperature = calibrate.temperature(logits, labels) if fit else 1.0
    found = calibrate.thresholds(labels, probabilities(logits, temperature))
    return {"temperature": temperature, "thresholds": [float(t) for t in found]}


def answer(row: np.ndarray, classes: list[str], chosen: dict) -> list[str]:
    """Returns the labels whose probability reaches their threshold."""
    hits = row >= np.asarray(chosen["thresholds"])
    return [name for name, hit in zip(classes, hits, strict=True) if hit]


def truth(label: np.ndarray, classes: list[str]) -> list[str]:
    """Returns the names of a record's labels."""
    return [name for name, hit in zip(classes, label, strict=True) if hit]


def score(
    labels: np.ndarray, probabilities: np.ndarray, chosen: dict, *, classes=()
) -> dict:
    """Returns metrics by name; see `ops.scores.several`.

    `accuracy` is `exact_match`: all labels of a record right.
    """
    found = scores.several(labels, probabilities, np.asarray(chosen["thresholds"]))
    ends = ("", "_low", "_high")
    return found | {f"accuracy{end}": found[f"exact_match{end}"] for end in ends}


def hits(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Returns whether each label is answered right at one half, bool `[n, classes]`."""
    return (logits > 0) == (labels > 0)


def glance(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Returns scores that cost next to nothing, for history.csv: the share of
    decisions that are right at one half."""
    return {"accuracy": float(np.mean((logits > 0) == (labels > 0)))}


def serve(logits: tf.Tensor, labels: list[str], chosen: dict) -> dict[str, tf.Tensor]:
    """Returns `scores`, float32 `[b, classes]`, the best `classes`, string `[b]`, and
    which labels are `accepted`, bool `[b, classes]`."""
    scaled = tf.cast(logits, tf.float32) / chosen.get("temperature", 1.0)
    scores = tf.sigmoid(scaled)
    cuts = tf.constant(chosen["thresholds"], tf.float32)
    best = tf.gather(labels, tf.argmax(scores, axis=-1))
    return {"scores": scores, "classes": best, "accepted": scores >= cuts}
