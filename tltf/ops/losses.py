"""Losses of single records."""

import tensorflow as tf


def softmax(targets: tf.Tensor, logits: tf.Tensor, *, smoothing=0.0, gamma=0.0):
    """Returns the cross-entropy of each record, float32 `[batch]`.

    Args:
      targets: Class probabilities, float `[batch, classes]`, rows sum to 1.
      logits: float `[batch, classes]`.
      smoothing: Share of each target spread over all classes, 0..1.
      gamma: Focusing exponent; each class's term is scaled by
        `(1 - probability) ** gamma`. 0 is plain cross-entropy.

    Source:
      Smoothing: Szegedy et al. 2016 (arXiv:1512.00567), section 7. Focusing:
      Lin et al. 2017 (arXiv:1708.02002), equation 4, over softmax.
    """
    classes = tf.cast(tf.shape(logits)[-1], logits.dtype)
    spread = targets * (1.0 - smoothing) + smoothing / classes
    logs = tf.nn.log_softmax(logits)
    focus = (1.0 - tf.exp(logs)) ** gamma if gamma else 1.0
    return -tf.reduce_sum(spread * focus * logs, -1)


def sigmoid(targets: tf.Tensor, logits: tf.Tensor, *, smoothing=0.0, gamma=0.0):
    """Returns the binary cross-entropy of each record, mean over its labels.

    Args and source as `softmax`; `targets` are 0..1 for each label by itself,
    and smoothing pulls them towards one half.
    """
    spread = targets * (1.0 - smoothing) + smoothing / 2
    terms = tf.nn.sigmoid_cross_entropy_with_logits(spread, logits)
    if gamma:
        right = targets * tf.sigmoid(logits) + (1.0 - targets) * tf.sigmoid(-logits)
        terms *= (1.0 - right) ** gamma
    return tf.reduce_mean(terms, -1)


def levels(logits: tf.Tensor) -> tf.Tensor:
    """Returns the log of each level's probability, float32 `[..., levels]`.

    The same in the graph as `ops.levels.logs`; of rows that sum to 1, so `softmax`
    takes them for logits.

    Args:
      logits: float32 `[..., levels - 1]`.
    """
    none = tf.zeros_like(logits[..., :1])
    passed = tf.cumsum(tf.math.log_sigmoid(logits), -1)
    stopped = tf.concat([tf.math.log_sigmoid(-logits), none], -1)
    return tf.concat([none, passed], -1) + stopped
