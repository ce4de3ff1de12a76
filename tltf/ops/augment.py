"""Random changes of training images, fixed by seeds, in the TensorFlow graph."""

import math
from typing import Protocol

import tensorflow as tf

from tltf.ops import images as pictures
from tltf.ops import randaugment, warps

_TRIES = 10  # then the centre crop, as torchvision's RandomResizedCrop
_ASPECT = math.log(4 / 3)


class Augment(Protocol):
    """What `image` reads; `specs.Augment` is one.

    Attributes:
      crop: Least share of the area that a random crop keeps; None for no crop.
      flip: Whether to mirror left and right, half the time.
      color: Radius of brightness, contrast and saturation, 0..1.
      rotate: Largest angle, degrees.
      randaugment: Number of RandAugment operations.
      magnitude: Their strength, 0..10.
    """

    crop: float | None
    flip: bool
    color: float
    rotate: float
    randaugment: int
    magnitude: float


@tf.autograph.experimental.do_not_convert
def image(
    image: tf.Tensor,
    seed: tf.Tensor,
    *,
    side: int,
    augment: Augment,
    fit: pictures.Fit = "crop",
    margin: float = 0.875,
) -> tf.Tensor:
    """Returns one image changed at random, float32 `[side, side, 3]` in 0..255.

    Crop, mirror, rotation, colours, RandAugment, in this order.

    Args:
      image: Pixels 0..255, uint8 or float `[h, w, 3]`.
      seed: Of this record, int32 `[2]`; the same seed gives the same result.
      side: Pixels of the result.
      augment: What to do, and how much.
      fit: How to make it square where `augment.crop` is None; see
        `images.resize`.
      margin: See `images.resize`.
    """
    seeds = tf.random.experimental.stateless_split(seed, 5)
    if augment.crop:
        image = _cropped(image, seeds[0], augment.crop)
        fit, margin = "stretch", 1.0
    image = pictures.resize(image, side=side, fit=fit, margin=margin)
    if augment.flip:
        coin = tf.random.stateless_uniform([], seeds[1]) < 0.5
        image = tf.cond(coin, lambda: tf.reverse(image, [1]), lambda: image)
    if augment.rotate:
        radius = math.radians(augment.rotate)
        angle = tf.random.stateless_uniform([], seeds[2], -radius, radius)
        image = warps.rotated(image, angle)
    if augment.color:
        image = _jittered(image, seeds[3], augment.color)
    if augment.randaugment:
        image = randaugment.image(
            image, seeds[4], count=augment.randaugment, magnitude=augment.magnitude
        )
    return tf.ensure_shape(tf.clip_by_value(image, 0.0, 255.0), [side, side, 3])


def window(size: tf.Tensor, seed: tf.Tensor, *, least: float) -> tf.Tensor:
    """Returns a random crop as top, left, height, width, int32 `[4]`.

    The area is uniform between `least` and 1 of the whole, the aspect
    log-uniform in 3/4..4/3. Of ten draws the first that fits is taken; if none
    does, the largest centre crop with such an aspect.

    Args:
      size: Height and width of the image, int32 `[2]`.
      seed: int32 `[2]`.
      least: Least share of the area, in (0, 1].

    Source:
      Szegedy et al. 2015 (arXiv:1409.4842), section 6; the fallback is
      torchvision's.
    """
    whole = tf.cast(size, tf.float32)
    draws = tf.random.stateless_uniform([4, _TRIES], seed)
    area = (least + (1 - least) * draws[0]) * tf.reduce_prod(whole)
    aspect = tf.exp(_ASPECT * (2 * draws[1] - 1))
    sizes = tf.stack([tf.sqrt(area / aspect), tf.sqrt(area * aspect)], -1)
    sizes = tf.maximum(tf.round(sizes), 1.0)  # [try, height and width]
    places = tf.floor(tf.transpose(draws[2:]) * (whole - sizes + 1))
    fits = tf.reduce_all(sizes <= whole, -1)
    tried = tf.concat([places, sizes], -1)
    every = tf.concat([tried, _central(whole)[None]], 0)
    first = tf.argmax(tf.concat([fits, [True]], 0))
    return tf.cast(every[first], tf.int32)


@tf.autograph.experimental.do_not_convert
def mix(
    images: tf.Tensor,
    targets: tf.Tensor,
    seed: tf.Tensor,
    *,
    mixup: float,
    cutmix: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a batch mixed with itself in another order, with mixed targets.

    Where both are on, a coin decides for the batch. Each record has a partner
    and a share of its own.

    Args:
      images: float32 `[batch, side, side, 3]`.
      targets: One-hot or several-hot, float `[batch, classes]`.
      seed: int32 `[2]`.
      mixup: Alpha of the Beta distribution of shares (Zhang et al. 2018,
        arXiv:1710.09412, section 2); 0 is off.
      cutmix: Alpha of the Beta distribution of areas (Yun et al. 2019,
        arXiv:1905.04899, section 3.1); 0 is off. Targets are weighed by the
        area that the box really covers.
    """
    seeds = tf.random.experimental.stateless_split(seed, 4)
    count = tf.shape(images)[0]
    order = tf.argsort(tf.random.stateless_uniform([count], seeds[0]))
    pairs = (images, tf.gather(images, order))
    if mixup and cutmix:
        coin = tf.random.stateless_uniform([], seeds[3]) < 0.5
        mixed, share = tf.cond(
            coin,
            lambda: _blended(pairs, seeds[1], mixup),
            lambda: _pasted(pairs, seeds[1:3], cutmix),
        )
    elif mixup:
        mixed, share = _blended(pairs, seeds[1], mixup)
    elif cutmix:
        mixed, share = _pasted(pairs, seeds[1:3], cutmix)
    else:
        return images, targets
    weight = tf.cast(share, targets.dtype)[:, None]
    return mixed, weight * targets + (1 - weight) * tf.gather(targets, order)


def _blended(pairs, seed, alpha):
    share = _beta(tf.shape(pairs[0])[:1], seed, alpha)
    weight = share[:, None, None, None]
    return weight * pairs[0] + (1 - weight) * pairs[1], share


def _pasted(pairs, seeds, alpha):
    shape = tf.shape(pairs[0])
    size = tf.cast(shape[1:3], tf.float32)[:, None]  # [axis, 1]
    share = _beta(shape[:1], seeds[0], alpha)
    half = size * tf.sqrt(1 - share) / 2  # [axis, batch]
    center = tf.random.stateless_uniform([2, shape[0]], seeds[1]) * size
    inside = [
        _between(shape[axis + 1], center[axis] - half[axis], center[axis] + half[axis])
        for axis in range(2)
    ]
    box = inside[0][:, :, None] & inside[1][:, None, :]  # [batch, h, w]
    kept = 1 - tf.reduce_mean(tf.cast(box, tf.float32), [1, 2])
    return tf.where(box[..., None], pairs[1], pairs[0]), kept


def _between(length, low, high):
    place = tf.range(length)[None]
    ends = (tf.cast(tf.round(end), tf.int32)[:, None] for end in (low, high))
    start, stop = ends
    return (place >= start) & (place < stop)  # [batch, length]


def _beta(shape, seed, alpha):
    # Gamma draws of a small alpha can both be 0 in float32; the share is 0 then
    draws = tf.random.stateless_gamma(tf.concat([[2], shape], 0), seed, alpha)
    return tf.math.divide_no_nan(draws[0], draws[0] + draws[1])


def _cropped(image, seed, least):
    top, left, height, width = tf.unstack(
        window(tf.shape(image)[:2], seed, least=least)
    )
    return image[top : top + height, left : left + width]


def _central(whole):
    height, width = tf.unstack(whole)
    widest, highest = height * math.exp(_ASPECT), width * math.exp(_ASPECT)
    size = tf.round(tf.stack([tf.minimum(height, highest), tf.minimum(width, widest)]))
    return tf.concat([tf.floor((whole - size) / 2), size], 0)


def _jittered(image, seed, radius):
    factors = 1 + tf.random.stateless_uniform([3], seed, -radius, radius)
    image = randaugment.brightness(image, factors[0])
    image = randaugment.contrast(image, factors[1])
    return randaugment.saturation(image, factors[2])
