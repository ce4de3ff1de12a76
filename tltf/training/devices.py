"""Devices of a run: what its steps split between replicas and bring together."""

import contextlib
import contextvars
import functools
import weakref
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf
from absl import logging

from tltf import errors
from tltf.training import replicas, workers

KINDS = ("auto", "none", "mirrored", "multi_worker")

# another process has left, or no longer answers
_GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


class One:
    """One device: nothing is split.

    Attributes:
      replicas: Devices of all processes.
      worker: Which process this is.
    """

    replicas = 1
    worker = workers.Worker()

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

    def told(self, row: dict[str, float]) -> dict[str, float]:
        """Returns the numbers as the first replica has them, on every one: what is
        decided by them is decided alike."""
        return row

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
      worker: Which of the strategy's processes this is.
    """

    def __init__(self, strategy: tf.distribute.Strategy, worker=One.worker):
        self._strategy = strategy
        self.worker = worker
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
        def mine():
            context = tf.distribute.get_replica_context()
            place = context.replica_id_in_sync_group % self._here
            with tf.device("CPU:0"):
                part = replicas.part(batch, place, self._here)
            return step(learner, *part)

        return tf.nest.map_structure(self._first, self._strategy.run(mine))

    def losses(self, loss, shown):
        targets, outputs, weights = shown
        rows = replicas.rows(weights)
        # a replica without records was given an input that counts nowhere
        real = tf.nest.map_structure(lambda one: one[:rows], outputs)
        means, counts = loss(targets, real, weights)
        number = replicas.everywhere(tf.stack(counts))
        shares = [
            tf.where(count > 0, mean * count, 0.0) / tf.maximum(all_, 1.0)
            for mean, count, all_ in zip(means, counts, tf.unstack(number), strict=True)
        ]
        return tf.unstack(replicas.added(tf.stack(shares))), tf.unstack(number)

    def once(self, loss):
        return loss / self.replicas

    def summed(self, gradients):
        found = iter(replicas.everywhere([one for one in gradients if one is not None]))
        return [None if one is None else next(found) for one in gradients]

    def takes_sums(self, optimizer):
        whole = getattr(optimizer, "inner_optimizer", optimizer)
        for one in getattr(whole, "optimizers", [whole]):
            # Keras would add up what is the same sum on each replica
            one._all_reduce_sum_gradients = lambda pairs: pairs

    def told(self, row):
        if self.worker.count == 1:
            return row
        numbers = tf.constant([float(value) for value in row.values()], tf.float64)
        found = self._of_first(numbers).numpy()
        return dict(zip(row, map(float, found), strict=True))

    @functools.cached_property
    def _of_first(self) -> Callable:
        run = self._strategy.run
        return tf.function(lambda numbers: self._first(run(replicas.first, (numbers,))))

    def alike(self, model):
        self._changed(replicas.alike, model)

    def apart(self, model):
        self._changed(replicas.apart, model)

    def _changed(self, change: Callable, model) -> None:
        made = self._graphs.setdefault(model, {})
        if change not in made:
            variables = list(model.variables)
            run = tf.function(lambda: self._strategy.run(change, (variables,)))
            made[change] = run.get_concrete_function()
        made[change]()

    def _first(self, found):
        return self._strategy.experimental_local_results(found)[0]


_CURRENT: contextvars.ContextVar[One] = contextvars.ContextVar("devices")


def current() -> One:
    """Returns the devices of the run that is going on; one where none were named."""
    return _CURRENT.get(ONE)


@contextlib.contextmanager
def use(kind: str) -> Iterator[One]:
    """Names the devices of what is run in the block.

    Args:
      kind: `none`; `mirrored`, all GPUs, or all logical CPUs where there is none;
        `auto`, mirrored where there is more than one GPU; `multi_worker`, those of
        the hosts of TF_CONFIG.

    Raises:
      UserError: TF_CONFIG is wrong, or TensorFlow has begun before.
      WorkError: Another worker is gone.
    """
    if kind not in KINDS:
        raise errors.UserError(f"distribution: {kind!r}; take {', '.join(KINDS)}")
    token = _CURRENT.set(ONE)
    try:
        across = _found(kind)
        _CURRENT.set(across)
        yield across
        # a worker that leaves early takes the others down
        across.told({"done": 1.0})
    except _GONE as error:
        if kind != "multi_worker":
            raise
        raise errors.WorkError(
            "distribution: another worker is gone, or does not answer; start all of "
            "them again with --resume"
        ) from error
    finally:
        _CURRENT.reset(token)


def _found(kind: str) -> One:
    if kind == "auto":
        several = len(tf.config.list_physical_devices("GPU")) > 1
        kind = "mirrored" if several else "none"
    made = {"mirrored": _mirrored, "multi_worker": _multi_worker}
    return made[kind]() if kind in made else ONE


# a second strategy in one process meets the collectives of the first
@functools.cache
def _mirrored() -> One:
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(names) == 1:
        logging.warning("distribution: one device only, %s", names[0])
        return ONE
    logging.info("distribution: %d replicas on %s", len(names), ", ".join(names))
    return Several(tf.distribute.MirroredStrategy(names))


@functools.cache
def _multi_worker() -> One:
    worker = workers.mine()
    logging.info("distribution: worker %d of %d", worker.number, worker.count)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise errors.UserError(
            f"distribution: multi_worker has to come before all else ({error})"
        ) from None
    if worker.count == 1 and strategy.num_replicas_in_sync == 1:
        return ONE
    return Several(strategy, worker)
