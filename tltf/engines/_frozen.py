"""The encoder as one TensorFlow function without variables."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf
from absl import logging
from tensorflow.python.framework import convert_to_constants


def traced(encoder, *, batch: int):
    """Returns float32 `[batch, side, side, 3]` to vector, as a ConcreteFunction.

    Args:
      encoder: Model {"image"} -> {"vector", ...}.
      batch: Fixed number of images a call.
    """
    _, *rest = encoder.inputs[0].shape
    spec = tf.TensorSpec((batch, *rest), tf.float32, name="image")

    def vector(image):
        return encoder({"image": image}, training=False)["vector"]

    return tf.function(vector, jit_compile=False).get_concrete_function(spec)


def constant(encoder, *, batch: int):
    """Returns `traced` with the weights as constants; it gives a tuple of one."""
    with hushed():
        return convert_to_constants.convert_variables_to_constants_v2(
            traced(encoder, batch=batch)
        )


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Keeps the converters' own reports, of level info, out of the log."""
    level = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(level)
