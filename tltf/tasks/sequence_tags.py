"""One tag for each token of a text."""

import numpy as np
import tensorflow as tf

from tltf.ops import calibrate, losses, tags

KINDS = ("text",)
LABELS = "tokens"
METRIC = "accuracy"
USE = "Gives each token of {one} one of {count} tags."
ANSWERS = {
    "tags": "string [b, t], empty in padding",
    "scores": "float32 [b, t, tags], in the order of labels; 0 in padding",
}

_NONE = -1  # target where there is no token


def outputs(classes: int) -> int:
    """Returns the width of the last layer."""
    return classes


def targets(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns labels, object `[n]` of int `[tokens]`, as int32 `[n, t]`, -1 behind
    each record's last token."""
    found = np.full((len(labels), max(map(len, labels), default=0)), _NONE, np.int32)
    for row, one in zip(found, labels, strict=True):
        row[: len(one)] = one
    return found


def loss(targets: tf.Tensor, logits: tf.Tensor, *, smoothing: float, gamma: float):
    """Cross-entropy averaged over each record's tokens, float32 `[batch]`.

    Tokens that one side does not have, past the network's length or in padding, do
    not count; a record without any has a loss of 0.

    Args:
      targets: int32 `[batch, t]`, -1 where there is no token.
      logits: float `[batch, t', tags]`.
      smoothing: As of `ops.losses.softmax`.
      gamma: As of `ops.losses.softmax`.
    """
    shared = tf.minimum(tf.shape(targets)[1], tf.shape(logits)[1])
    targets, logits = targets[:, :shared], logits[:, :shared]
    there = targets >= 0
    hot = tf.one_hot(targets, tf.shape(logits)[2], dtype=logits.dtype)
    terms = losses.softmax(hot, logits, smoothing=smoothing, gamma=gamma)
    total = tf.reduce_sum(tf.where(there, terms, 0.0), -1)
    return total / tf.maximum(tf.reduce_sum(tf.cast(there, terms.dtype), -1), 1.0)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Returns softmax of logits over temperature, float `[n, t, tags]`."""
    return calibrate.softmax(logits / temperature)


def choices(logits: np.ndarray, labels: np.ndarray, *, fit: bool) -> dict:
    """Returns what is chosen on the valid split: the temperature, over tokens."""
    if not fit:
        return {"temperature": 1.0}
    wanted = targets(labels, 0)[:, : logits.shape[1]]
    there = wanted >= 0
    shown = logits[:, : wanted.shape[1]][there]
    return {"temperature": calibrate.temperature(shown, wanted[there])}


def answer(row: np.ndarray, classes: list[str], chosen: dict) -> list[str]:
    """Returns the most probable tag of each token; `row` is float `[tokens, tags]`."""
    return [classes[place] for place in np.argmax(row, -1)]


def truth(label: np.ndarray, classes: list[str]) -> list[str]:
    """Returns the names of a record's tags."""
    return [classes[place] for place in label]


def score(
    labels: np.ndarray, probabilities: np.ndarray, chosen: dict, *, classes=()
) -> dict:
    """Returns metrics by name; see `ops.tags.tokens`."""
    return tags.tokens(labels, probabilities, classes=classes)


def glance(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Returns scores that cost next to nothing, for history.csv."""
    wanted = targets(labels, 0)
    given = np.argmax(logits[:, : wanted.shape[1]], -1)
    right = (wanted[:, : given.shape[1]] == given).sum()
    return {"accuracy": float(right / max((wanted >= 0).sum(), 1))}


def serve(
    logits: tf.Tensor,
    labels: list[str],
    chosen: dict,
    *,
    there: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Returns `tags`, string `[b, t]`, and `scores`, float32 `[b, t, tags]`.

    Args:
      logits: `[b, t, tags]`.
      labels: Names of the tags.
      chosen: `temperature`.
      there: Where there is a token, bool `[b, t]`; elsewhere the tag is empty and
        the scores are 0.
    """
    scaled = tf.cast(logits, tf.float32) / chosen.get("temperature", 1.0)
    scores = tf.nn.softmax(scaled)
    found = tf.gather(labels, tf.argmax(scaled, axis=-1))
    if there is not None:
        found = tf.where(there, found, "")
        scores = tf.where(there[:, :, None], scores, 0.0)
    return {"tags": found, "scores": scores}
