"""Devices of a run: what its steps split between replicas and bring together."""

import contextlib
import contextvars
import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from absl import logging

KINDS = ("auto", "none", "mirrored", "multi_worker")


class One:
    """One device: nothing is split."""

    replicas = 1

    def scope(self):
        """Returns the context in which variables and graphs are made."""
        return contextlib.nullcontext()

    def run(self, step: Callable, learner, batch: tuple):
        """Returns what `step(learner, inputs, targets, weights)` gives.

        Args:
          step: Of one replica; what it gives is equal on all.
          learner: As of `training.loop`.
          batch: (inputs, targets, weights) of the whole batch.
        """
        return step(learner, *batch)

    def losses(self, loss: Callable, shown: tuple) -> tuple[list, list]:
        """Returns mean losses and counts of the whole batch.

        Args:
          loss: As of `loop.Learner`.
          shown: (targets, outputs, weights) of this replica.
        """
        return loss(*shown)

    def once(self, loss):
        """Returns the share of one replica in a loss that all of them have alike."""
        return loss

    def summed(self, gradients: list) -> list:
        """Returns the gradients of the whole batch, on every replica."""
        return gradients

    def takes_sums(self, optimizer: keras.Optimizer) -> None:
        """Tells a Keras optimizer that its gradients are of the whole batch."""

    def alike(self, model: keras.Model) -> None:
        """Makes the copies of a network equal: statistics become their mean."""

    def apart(self, model: keras.Model) -> None:
        """Gives the random layers of each replica a seed of their own."""


ONE = One()


class Several(One):
    """Replicas under a strategy, which together take the step of one device.

    Each learns from its part of the batch, with losses divided by the counts of the
    whole; gradients are summed once, before their norm is clipped, and all replicas
    then change their copies alike.

    Args:
      strategy: A `tf.distribute.Strategy` whose replicas are in step.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        self._graphs = weakref.WeakKeyDictionary()

    @property
    def replicas(self) -> int:
        """Replicas of all processes."""
        return self._strategy.num_replicas_in_sync

    @functools.cached_property
    def _here(self) -> int:
        """Replicas of this process."""
        return len(self._strategy.extended.worker_devices)

    def scope(self):
        return self._strategy.scope()

    def run(self, step, learner, batch):
        found = self._strategy.run(lambda: step(learner, *self._part(batch)))
        return tf.nest.map_structure(self._first, found)

    def losses(self, loss, shown):
        targets, outputs, weights = shown
        rows = _rows(weights)
        # a replica without records has been given one that counts nowhere
        real = tf.nest.map_structure(lambda one: one[:rows], outputs)
        means, counts = loss(targets, real, weights)
        number = _everywhere(tf.stack(counts))
        shares = [
            tf.where(count > 0, mean * count, 0.0) / tf.maximum(all_, 1.0)
            for mean, count, all_ in zip(means, counts, tf.unstack(number), strict=True)
        ]
        return tf.unstack(_added(tf.stack(shares))), tf.unstack(number)

    def once(self, loss):
        return loss / self.replicas

    def summed(self, gradients):
        found = iter(_everywhere([one for one in gradients if one is not None]))
        return [None if one is None else next(found) for one in gradients]

    def takes_sums(self, optimizer):
        whole = getattr(optimizer, "inner_optimizer", optimizer)
        for one in getattr(whole, "optimizers", [whole]):
            # Keras would add up what is the same sum on each replica
            one._all_reduce_sum_gradients = lambda pairs: pairs

    def alike(self, model):
        self._changed(_alike, model)

    def apart(self, model):
        self._changed(_apart, model)

    def _changed(self, change: Callable, model) -> None:
        made = self._graphs.setdefault(model, {})
        if change not in made:
            variables = list(model.variables)
            run = tf.function(lambda: self._strategy.run(change, (variables,)))
            made[change] = run.get_concrete_function()
        made[change]()

    def _first(self, found):
        return self._strategy.experimental_local_results(found)[0]

    def _part(self, batch: tuple) -> tuple:
        """What this replica takes of a batch: the first ones one record more."""
        context = tf.distribute.get_replica_context()
        place = context.replica_id_in_sync_group % self._here
        with tf.device("CPU:0"):
            rows = _rows(batch[2])
            each, more = rows // self._here, rows % self._here
            start = place * each + tf.minimum(place, more)
            end = start + each + tf.cast(place < more, tf.int32)
            part = tf.nest.map_structure(lambda one: one[start:end], batch)
            return tf.nest.map_structure(_filled, part[0]), *part[1:]


_CURRENT: contextvars.ContextVar[One] = contextvars.ContextVar("devices")


def current() -> One:
    """Returns the devices of the run that is going on; one where none were named."""
    return _CURRENT.get(ONE)


@contextlib.contextmanager
def use(kind: str) -> Iterator[One]:
    """Names the devices of what is run in the block.

    Args:
      kind: `none`, `mirrored`, or `auto`: mirrored where there is more than one GPU.
    """
    token = _CURRENT.set(_found(kind))
    try:
        yield _CURRENT.get()
    finally:
        _CURRENT.reset(token)


def _found(kind: str) -> One:
    if kind == "auto":
        several = len(tf.config.list_physical_devices("GPU")) > 1
        kind = "mirrored" if several else "none"
    return _mirrored() if kind == "mirrored" else ONE


# a second MirroredStrategy in one process meets the collectives of the first
@functools.cache
def _mirrored() -> One:
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(names) == 1:
        logging.warning("distribution: one device only, %s", names[0])
        return ONE
    logging.info("distribution: %d replicas on %s", len(names), ", ".join(names))
    return Several(tf.distribute.MirroredStrategy(names))


def _rows(weights) -> tf.Tensor:
    return tf.shape(tf.nest.flatten(weights)[0])[0]


def _filled(column: tf.Tensor) -> tf.Tensor:
    """A row of zeros where there is none: kernels of the CPU fail on no rows."""
    shape = tf.concat([[1], tf.shape(column)[1:]], 0)
    rows = tf.shape(column)[0]
    return tf.cond(rows > 0, lambda: column, lambda: tf.zeros(shape, column.dtype))


def _everywhere(values: Any) -> Any:
    if not tf.nest.flatten(values):
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


@tf.custom_gradient
def _added(share: tf.Tensor):
    # the gradients of the replicas are summed later, each is that of its own share
    return _everywhere(share), lambda upstream: upstream


def _alike(variables: list) -> None:
    context = tf.distribute.get_replica_context()
    first = tf.equal(context.replica_id_in_sync_group, 0)
    for variable in variables:
        value = _plain(variable)
        base = _everywhere(tf.where(first, value, tf.zeros_like(value)))
        if value.dtype.is_floating:
            # a mean of differences leaves what is equal as it is, to the bit
            more = _everywhere(value - base) / context.num_replicas_in_sync
            base += tf.cast(more, base.dtype)
        variable.assign(tf.cast(base, variable.dtype))


def _apart(variables: list) -> None:
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    for variable in variables:
        if variable.path.endswith("seed_generator_state"):
            seed = _plain(variable) + tf.cast([number, 0], tf.int64)
            variable.assign(tf.cast(seed, variable.dtype))


def _plain(variable) -> tf.Tensor:
    value = tf.convert_to_tensor(variable)
    # collectives do not take the unsigned numbers of seeds
    return value if value.dtype.is_floating else tf.cast(value, tf.int64)
