"""Trains modules on one device and on two: `two_devices.py IMAGE ELMO OLD_TEXT`.

Ends with an error if the two differ, or if what is frozen moved.
"""

import contextlib
import sys

import keras
import numpy as np
import tensorflow as tf

from tltf import errors
from tltf.layers import HubLayer

TEXTS = ["the cat", "a dog sat", "mat", "on"]


def images(path, trainable):
    """Returns the weights before and after two epochs of fit."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    # statistics of a replica are never brought together, so they are held
    held = {"training": False}
    layer = HubLayer(path, trainable=trainable, arguments=held)
    model = keras.Model(inputs, keras.layers.Dense(2)(layer(inputs)))
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    before = [v.numpy() for v in model.variables]
    x = np.random.default_rng(0).random((16, 8, 8, 3), np.float32)
    y = np.random.default_rng(1).random((16, 2), np.float32)
    model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return before, [v.numpy() for v in model.variables]


def texts(path, trainable):
    """Returns the weights before and after two steps of a loop of one's own.

    Keras's fit fails on strings under a strategy.
    """
    layer = HubLayer(path, output_key="default", trainable=trainable)
    inputs = keras.Input((), dtype="string")
    keras.utils.set_random_seed(0)
    model = keras.Model(inputs, keras.layers.Dense(2)(layer(inputs)))
    before = [v.numpy() for v in model.variables]
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    strategy = tf.distribute.get_strategy()
    each = len(TEXTS) // strategy.num_replicas_in_sync

    def step(part):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((model(part, training=True) - 1.0) ** 2) / len(TEXTS)
        values = [v.value for v in model.trainable_variables]
        # the optimizer adds up what the replicas found
        optimizer.apply(tape.gradient(loss, values), model.trainable_variables)

    def part(context):
        start = context.replica_id_in_sync_group * each
        return tf.constant(TEXTS[start : start + each])

    run = tf.function(lambda parts: strategy.run(step, (parts,)))
    for _ in range(2):
        run(strategy.experimental_distribute_values_from_function(part))
    return before, [v.numpy() for v in model.variables]


def refused(path, strategy):
    """Passes if a module of TF1 format with tables is refused in one line."""
    with strategy.scope():
        try:
            HubLayer(path)
        except errors.UserError as error:
            assert "run it on one device" in str(error)
        else:
            raise AssertionError("two devices shared a table")


def main(image, elmo, old_text):
    """Compares both on one and two devices, frozen and learning."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for train, path in ((images, image), (texts, elmo)):
        for trainable in (False, True):
            ends = []
            for scope in (contextlib.nullcontext(), strategy.scope()):
                with scope:
                    before, after = train(path, trainable)
                same = map(np.array_equal, before, after)
                learnt = 3 if train is images else 4  # of a module; the Dense has 2
                assert list(same).count(False) == 2 + trainable * learnt
                ends.append(after)
            for left, right in zip(*ends, strict=True):
                np.testing.assert_allclose(left, right, rtol=0, atol=1e-6)
    refused(old_text, strategy)


if __name__ == "__main__":
    main(*sys.argv[1:])
