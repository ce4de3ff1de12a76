"""One step of a language model, and its score on held-out text."""

from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from tltf.text import awd_lstm

_SCORED = 70  # tokens a step while scoring


def learner(plan) -> Callable:
    """Returns a function of (ids `[b, t + 1]`, states) to (loss, new states)."""
    network, optimizer, weights = plan.network, plan.optimizer, plan.weights
    alpha, beta = plan.settings.alpha, plan.settings.beta

    # One graph for all lengths: one of a fixed length rounds differently, and a
    # resumed run would meet it at another step than one that never stopped.
    rows = plan.settings.batch

    @tf.function(input_signature=[tf.TensorSpec([rows, None], tf.int32), _states(plan)])
    def run(tokens, carried):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in weights])
            outputs = network({"tokens": tokens[:, :-1], **carried}, training=True)
            loss = tf.reduce_mean(_losses(outputs["logits"], tokens[:, 1:]))
            total = loss + _regularisation(outputs, alpha, beta)
        found = tape.gradient(total, [weight.value for weight in weights])
        # dense, as the norm of repeated rows is not that of their sum
        dense = [tf.convert_to_tensor(gradient) for gradient in found]
        optimizer.apply(dense, weights)
        return loss, {name: outputs[name] for name in carried}

    return run


def _states(plan) -> dict[str, tf.TensorSpec]:
    states = awd_lstm.states(plan.settings.batch, plan.shape)
    return {name: tf.TensorSpec(s.shape, s.dtype) for name, s in states.items()}


def _losses(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)


def _regularisation(outputs: Mapping, alpha: float, beta: float) -> tf.Tensor:
    """AR on the dropped output, TAR on the change of the output over time.

    Source:
      Merity et al. 2018 (arXiv:1708.02182), section 3.6.
    """
    raw, dropped = outputs["raw"], outputs["dropped"]
    change = raw[:, 1:] - raw[:, :-1]
    # a step of one token has no change, and its mean would be no number
    moved = tf.math.divide_no_nan(
        tf.reduce_sum(change**2), tf.cast(tf.size(change), raw.dtype)
    )
    return alpha * tf.reduce_mean(dropped**2) + beta * moved


def scorer(network: keras.Model) -> Callable[[np.ndarray, int, Mapping], float]:
    """Returns a function of (ids, rows, shape) to the mean loss of every token.

    The text is cut into rows that are read side by side, and every token but
    the very first is predicted once, from the text before it in its row.
    """

    @tf.function
    def run(tokens, counted, carried):
        outputs = network({"tokens": tokens[:, :-1], **carried}, training=False)
        losses = _losses(outputs["logits"], tokens[:, 1:])
        return tf.reduce_sum(losses * counted), {k: outputs[k] for k in carried}

    def score(ids: np.ndarray, rows: int, shape: Mapping) -> float:
        rows = min(rows, len(ids) - 1)
        width = -(-(len(ids) - 1) // rows)
        places = np.arange(rows)[:, None] * width + np.arange(width + 1)
        inside = places[:, 1:] < len(ids)
        tokens = ids[np.minimum(places, len(ids) - 1)]
        carried, total = awd_lstm.states(rows, shape), 0.0
        # all steps but the last of one length, for a graph each
        for start in range(0, width, _SCORED):
            part = tokens[:, start : start + _SCORED + 1]
            counted = inside[:, start : start + _SCORED].astype(np.float32)
            loss, carried = run(tf.constant(part), tf.constant(counted), carried)
            total += float(loss)
        return total / (len(ids) - 1)

    return score
