"""One epoch: gradients, clipping, averages, in the graph."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Learner:
    """What one step needs and changes.

    Attributes:
      model: The network.
      optimizer: Built for `weights`.
      weights: Trainable weights, in the optimizer's order.
      loss: (targets, logits) to the loss of each record, float `[batch]`.
      averages: Moving averages of `weights`, or empty.
      momentum: Of the averages.
      steps: Steps so far, for the averages' warm-up; int64 variable.
    """

    model: keras.Model
    optimizer: keras.Optimizer
    weights: list
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    averages: list[tf.Variable]
    momentum: float
    steps: tf.Variable


def step(learner: Learner) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """Returns a function of one batch that learns and gives (loss sum, count)."""

    @tf.function(reduce_retracing=True)
    def run(inputs, targets, weights):
        return _step(learner, inputs, targets, weights)

    return run


def whole(learner: Learner) -> Callable[[tf.data.Dataset], tf.Tensor]:
    """Returns a function of one epoch's batches: one graph call for all steps."""

    @tf.function(reduce_retracing=True)
    def run(batches):
        total, count = tf.constant(0.0), tf.constant(0.0)
        for inputs, targets, weights in batches:
            part, number = _step(learner, inputs, targets, weights)
            total += part
            count += number
        return total / count

    return run


def logits(model: keras.Model) -> Callable[[Any], np.ndarray]:
    """Returns a function of evaluation batches to logits `[n, classes]`, in order."""

    @tf.function(reduce_retracing=True)
    def run(inputs):
        return tf.cast(model(inputs, training=False), tf.float32)

    return lambda batches: np.concatenate([run(inputs).numpy() for inputs in batches])


def _step(learner, inputs, targets, weights):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([weight.value for weight in learner.weights])
        outputs = tf.cast(learner.model(inputs, training=True), tf.float32)
        losses = learner.loss(targets, outputs) * weights
        extra = tf.add_n(learner.model.losses) if learner.model.losses else 0.0
        scaled = learner.optimizer.scale_loss(tf.reduce_mean(losses) + extra)
    values = [weight.value for weight in learner.weights]
    gradients = tape.gradient(scaled, values)
    learner.optimizer.apply(gradients, learner.weights)
    learner.steps.assign_add(1)
    _average(learner)
    return tf.reduce_sum(losses), tf.cast(tf.shape(losses)[0], tf.float32)


def _average(learner: Learner) -> None:
    # The warm-up (1 + t) / (10 + t), as TensorFlow's ExponentialMovingAverage,
    # keeps the random start out of the averages of a short run.
    done = tf.cast(learner.steps, tf.float32)
    momentum = tf.minimum(learner.momentum, (1.0 + done) / (10.0 + done))
    for average, weight in zip(learner.averages, learner.weights, strict=False):
        average.assign(momentum * average + (1.0 - momentum) * weight)
