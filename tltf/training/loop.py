"""One epoch: gradients, clipping, averages, in the graph."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tltf.training import balance as balances
from tltf.training import devices


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Learner:
    """What one step needs and changes.

    Attributes:
      model: The network.
      optimizer: Built for `weights`.
      weights: Trainable weights, in the optimizer's order.
      loss: (targets, logits, sample weights) to the mean loss of each part and
        the number of records that it is the mean of: two lists of float32.
      balance: Makes one loss of those of the parts.
      averages: Moving averages of `weights`, or empty.
      momentum: Of the averages.
      steps: Steps so far, for the averages' warm-up; int64 variable.
      across: The devices that share a step.
    """

    model: keras.Model
    optimizer: keras.Optimizer
    weights: list
    loss: Callable[..., tuple[list[tf.Tensor], list[tf.Tensor]]]
    balance: balances.Balance
    averages: list[tf.Variable]
    momentum: float
    steps: tf.Variable
    across: devices.One = devices.ONE


def step(learner: Learner) -> Callable[[tf.TypeSpec], Callable]:
    """Returns a function of a data set's element to one of a batch, which learns and
    gives (loss sums, counts) of each part."""

    @tf.function
    def traced(inputs, targets, weights):
        return learner.across.run(_step, learner, (inputs, targets, weights))

    return _of_spec(traced, learner.across)


def whole(learner: Learner) -> Callable[[tf.data.Dataset], tf.Tensor]:
    """Returns a function of one epoch's batches: one graph call for all steps.

    On several devices it is a call for each: their collectives fail in a loop.
    """
    if learner.across.replicas > 1:
        return _one_by_one(step(learner))

    @tf.function(reduce_retracing=True)
    def run(batches):
        total = tf.zeros([learner.balance.parts])
        count = tf.zeros([learner.balance.parts])
        for inputs, targets, weights in batches:
            part, number = _step(learner, inputs, targets, weights)
            total += part
            count += number
        return total, count

    return run


def _one_by_one(graph: Callable) -> Callable:
    def run(batches):
        learn = graph(batches.element_spec)
        found = [learn(*batch) for batch in batches]
        return tuple(tf.add_n(column) for column in zip(*found, strict=True))

    return run


def logits(model: keras.Model) -> Callable[[Any], Any]:
    """Returns a function of evaluation batches to logits `[n, ...]`, in order.

    A network of several parts gives a mapping; logits of tokens are padded with
    zeros to the longest text.
    """

    @tf.function
    def traced(inputs):
        return _float32(model(inputs, training=False))

    graph = _of_spec(traced)

    def whole_split(batches):
        run = graph((batches.element_spec,))
        found = [run(inputs) for inputs in batches]
        return tf.nest.map_structure(lambda *parts: _joined(parts), *found)

    return whole_split


def _of_spec(traced, across=devices.ONE) -> Callable:
    """A function of the spec of a batch to the graph that takes such batches.

    The graph is made from the spec, in which numbers of records and tokens are
    open, not from the first batch: with fixed ones it would round otherwise, and a
    resumed run meets other batches first.
    """
    made: dict[str, Callable] = {}

    def graph(spec):
        key = str(spec)
        if key not in made:
            with across.scope():
                made[key] = traced.get_concrete_function(*spec)
        return made[key]

    return graph


def _joined(parts) -> np.ndarray:
    arrays = [part.numpy() for part in parts]
    if arrays[0].ndim == 3:
        longest = max(array.shape[1] for array in arrays)
        arrays = [
            np.pad(array, ((0, 0), (0, longest - array.shape[1]), (0, 0)))
            for array in arrays
        ]
    return np.concatenate(arrays)


def _float32(outputs):
    return tf.nest.map_structure(lambda one: tf.cast(one, tf.float32), outputs)


def _step(learner, inputs, targets, weights):
    balance, across = learner.balance, learner.across
    values = [weight.value for weight in learner.weights]
    with tf.GradientTape(
        watch_accessed_variables=False, persistent=balance.persistent
    ) as tape:
        tape.watch([*values, *balance.watched])
        outputs = _float32(learner.model(inputs, training=True))
        # before replicas meet: the next one's call replaces them
        terms = list(learner.model.losses)
        means, counts = across.losses(learner.loss, (targets, outputs, weights))
        extra = across.once(tf.add_n(terms)) if terms else 0.0
        total = balance.total(means, counts)
        scaled = learner.optimizer.scale_loss(total + extra)
    gradients = across.summed(tape.gradient(scaled, values))
    balance.update(tape, total, means, counts, summed=across.summed)
    learner.optimizer.apply(gradients, learner.weights)
    learner.steps.assign_add(1)
    _average(learner)
    counts = tf.stack(counts)
    return tf.stack(means) * counts, counts


def _average(learner: Learner) -> None:
    # The warm-up (1 + t) / (10 + t), as TensorFlow's ExponentialMovingAverage,
    # keeps the random start out of the averages of a short run.
    done = tf.cast(learner.steps, tf.float32)
    momentum = tf.minimum(learner.momentum, (1.0 + done) / (10.0 + done))
    for average, weight in zip(learner.averages, learner.weights, strict=False):
        average.assign(momentum * average + (1.0 - momentum) * weight)
