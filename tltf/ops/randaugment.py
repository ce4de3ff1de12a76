"""RandAugment (Cubuk et al., 2020, arXiv:1909.13719), stateless, in the graph."""

import math

import tensorflow as tf

from tltf.ops import warps

# Strength at magnitude 10: AutoAugment (arXiv:1805.09501), table 6; its
# translation of 150 pixels is a share of the 331-pixel images there.
_ANGLE, _SHEAR, _MOVE, _FACTOR = math.radians(30), 0.3, 150 / 331, 0.9
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R 601


def image(
    image: tf.Tensor, seed: tf.Tensor, *, count: int, magnitude: float
) -> tf.Tensor:
    """Returns `image` after `count` operations drawn from `OPERATIONS`.

    Args:
      image: float32 `[h, w, 3]` in 0..255.
      seed: int32 `[2]`.
      count: Operations, one after the other; one may come twice.
      magnitude: Strength 0..10. Each direction is drawn as well.
    """
    kinds, signs = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    chosen = tf.random.stateless_uniform(
        [count], kinds, 0, len(OPERATIONS), dtype=tf.int32
    )
    signs = tf.sign(tf.random.stateless_uniform([count], signs, -1.0, 1.0))
    for place in range(count):
        level = magnitude / 10 * signs[place]
        branches = [_bound(change, image, level) for change in OPERATIONS.values()]
        image = tf.switch_case(chosen[place], branches)
    return image


def brightness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Returns `image` times `factor`, clipped to 0..255."""
    return tf.clip_by_value(image * factor, 0.0, 255.0)


def contrast(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Returns `image` drawn away from its mean luminance, clipped to 0..255."""
    return _away(image, tf.reduce_mean(_gray(image)), factor)


def saturation(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Returns `image` drawn away from its gray version, clipped to 0..255."""
    return _away(image, _gray(image), factor)


def sharpness(image: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Returns `image` drawn away from its smoothed version, as Pillow does."""
    kernel = tf.constant([[1, 1, 1], [1, 5, 1], [1, 1, 1]], tf.float32) / 13
    kernel = tf.tile(kernel[:, :, None, None], [1, 1, 3, 1])
    smooth = tf.nn.depthwise_conv2d(image[None], kernel, [1, 1, 1, 1], "VALID")[0]
    size = tf.shape(image)
    y, x = tf.range(size[0])[:, None], tf.range(size[1])[None]
    inner = (y > 0) & (y < size[0] - 1) & (x > 0) & (x < size[1] - 1)
    padded = tf.pad(smooth, [[1, 1], [1, 1], [0, 0]])
    return _away(image, tf.where(inner[..., None], padded, image), factor)


def autocontrast(image: tf.Tensor) -> tf.Tensor:
    """Returns each channel stretched to 0..255; a flat one stays."""
    low, high = tf.reduce_min(image, [0, 1]), tf.reduce_max(image, [0, 1])
    stretched = (image - low) * tf.math.divide_no_nan(255.0, high - low)
    return tf.where(high > low, stretched, image)


def equalize(image: tf.Tensor) -> tf.Tensor:
    """Returns each channel with a level histogram, by Pillow's integer tables."""
    values = tf.cast(tf.round(image), tf.int32)
    return tf.stack([_equalized(values[..., k]) for k in range(3)], -1)


def posterize(image: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Returns `image` with the highest `bits` (int32, 1..8) of each value."""
    drop = 8 - bits
    values = tf.cast(tf.round(image), tf.int32)
    kept = tf.bitwise.left_shift(tf.bitwise.right_shift(values, drop), drop)
    return tf.cast(kept, tf.float32)


def solarize(image: tf.Tensor, threshold: tf.Tensor) -> tf.Tensor:
    """Returns `image` with values from `threshold` on inverted."""
    return tf.where(image < threshold, image, 255.0 - image)


def _bound(change, image, level):
    return lambda: tf.ensure_shape(change(image, level), image.shape)


def _away(image, base, factor):
    return tf.clip_by_value(base + factor * (image - base), 0.0, 255.0)


def _gray(image):
    return tf.reduce_sum(image * _LUMINANCE, -1, keepdims=True)


def _equalized(values):
    counts = tf.math.bincount(tf.reshape(values, [-1]), minlength=256, maxlength=256)
    last = tf.reduce_max(tf.where(counts > 0, tf.range(256), 0))
    step = (tf.reduce_sum(counts) - counts[last]) // 255
    table = (step // 2 + tf.cumsum(counts, exclusive=True)) // tf.maximum(step, 1)
    table = tf.where(step > 0, tf.minimum(table, 255), tf.range(256))
    return tf.cast(tf.gather(table, values), tf.float32)


def _bits(level):
    return 8 - tf.cast(tf.round(4 * tf.abs(level)), tf.int32)


OPERATIONS = {
    "identity": lambda image, level: image,
    "autocontrast": lambda image, level: autocontrast(image),
    "equalize": lambda image, level: equalize(image),
    "rotate": lambda image, level: warps.rotated(image, _ANGLE * level),
    "shear_x": lambda image, level: warps.sheared(image, _SHEAR * level, 0.0),
    "shear_y": lambda image, level: warps.sheared(image, 0.0, _SHEAR * level),
    "move_x": lambda image, level: warps.moved(image, _MOVE * level, 0.0),
    "move_y": lambda image, level: warps.moved(image, 0.0, _MOVE * level),
    "brightness": lambda image, level: brightness(image, 1 + _FACTOR * level),
    "contrast": lambda image, level: contrast(image, 1 + _FACTOR * level),
    "saturation": lambda image, level: saturation(image, 1 + _FACTOR * level),
    "sharpness": lambda image, level: sharpness(image, 1 + _FACTOR * level),
    "posterize": lambda image, level: posterize(image, _bits(level)),
    "solarize": lambda image, level: solarize(image, 256 * (1 - tf.abs(level))),
}
