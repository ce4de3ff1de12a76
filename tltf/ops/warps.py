"""Turned, sheared and moved images, in the TensorFlow graph."""

import tensorflow as tf


def rotated(image: tf.Tensor, angle: tf.Tensor) -> tf.Tensor:
    """Returns `image` turned anticlockwise about its centre by `angle` radians.

    Args:
      image: float32 `[h, w, 3]`.
      angle: float32 scalar.

    Returns:
      The same shape, bilinear; corners show the mirrored image.
    """
    c, s = tf.cos(angle), tf.sin(angle)
    return _affine(image, [c, -s, s, c])


def sheared(image: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Returns `image` sheared about its centre by factors `x` and `y`."""
    one = tf.ones([])
    return _affine(image, [one, x, y, one])


def moved(image: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Returns `image` moved right by `x` and down by `y`, shares of its side."""
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    one, zero = tf.ones([]), tf.zeros([])
    return _affine(image, [one, zero, zero, one], -x * size[1], -y * size[0])


def _affine(image, matrix, right=0.0, down=0.0):
    """Shows at (x, y) what stood at `matrix` times that, about the centre."""
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    y, x = (size[0] - 1) / 2, (size[1] - 1) / 2
    a, b, c, d = matrix
    shift_x, shift_y = x - a * x - b * y + right, y - c * x - d * y + down
    zero = tf.zeros([])
    transform = tf.stack([a, b, shift_x, c, d, shift_y, zero, zero])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=transform[None],
        output_shape=tf.shape(image)[:2],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )[0]
