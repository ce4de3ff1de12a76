"""What one of several replicas of a network does, under a strategy."""

from typing import Any

import tensorflow as tf


def rows(weights) -> tf.Tensor:
    """Returns the number of records, int32.

    Args:
      weights: Sample weights, `[n]`, or a mapping of such by part.
    """
    return tf.shape(tf.nest.flatten(weights)[0])[0]


def part(batch: tuple, place: tf.Tensor | int, count: int) -> tuple:
    """Returns what one of several replicas takes of a batch.

    The first ones take a record more where the batch cannot be split evenly. One that
    is left without takes the first record again, without target and weight: it counts
    nowhere, but kernels of the CPU fail on no rows.

    Args:
      batch: (inputs, targets, weights); of the first there may be a row where the
        others have none.
      place: Number of the replica, from 0.
      count: Replicas.
    """
    inputs, targets, weights = batch
    each, more = rows(weights) // count, rows(weights) % count
    start = place * each + tf.minimum(place, more)
    end = start + each + tf.cast(place < more, tf.int32)
    there = end > start
    first_, last = tf.where(there, start, 0), tf.where(there, end, 1)
    return (
        tf.nest.map_structure(lambda one: one[first_:last], inputs),
        tf.nest.map_structure(lambda one: one[start:end], targets),
        tf.nest.map_structure(lambda one: one[start:end], weights),
    )


def everywhere(values: Any) -> Any:
    """Returns the sums over all replicas, on each of them.

    Args:
      values: Tensors, or slices of such, in any structure.
    """
    if not tf.nest.flatten(values):
        return values
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


@tf.custom_gradient
def added(share: tf.Tensor):
    """Returns the sum over all replicas; its gradient is that of this one's share."""
    # the gradients of all replicas are summed later
    return everywhere(share), lambda upstream: upstream


def first(value: tf.Tensor) -> tf.Tensor:
    """Returns the value of the first replica, on each of them."""
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return everywhere(tf.where(tf.equal(number, 0), value, tf.zeros_like(value)))


def alike(variables: list) -> None:
    """Makes all copies equal: the mean of numbers, the first one's counts and seeds.

    Args:
      variables: Of Keras.
    """
    context = tf.distribute.get_replica_context()
    for variable in variables:
        value = _plain(variable)
        base = first(value)
        if value.dtype.is_floating:
            # a mean of differences leaves what is equal as it is, to the bit
            more = everywhere(value - base) / context.num_replicas_in_sync
            base += tf.cast(more, base.dtype)
        variable.assign(tf.cast(base, variable.dtype))


def apart(variables: list) -> None:
    """Adds the replica's number to the seeds of random layers, which are equal.

    Args:
      variables: Of Keras; others than seeds are left.
    """
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    for variable in variables:
        if variable.path.endswith("seed_generator_state"):
            seed = _plain(variable) + tf.cast([number, 0], tf.int64)
            variable.assign(tf.cast(seed, variable.dtype))


def _plain(variable) -> tf.Tensor:
    value = tf.convert_to_tensor(variable)
    # collectives do not take the unsigned numbers of seeds
    return value if value.dtype.is_floating else tf.cast(value, tf.int64)
