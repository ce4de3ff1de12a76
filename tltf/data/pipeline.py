"""Batches from files: order fixed in one place, randomness passed in."""

import dataclasses
import functools
from typing import Any

import numpy as np
import tensorflow as tf

from tltf.ops import augment as augments
from tltf.ops import images


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """Image records ready to be batched.

    Attributes:
      paths: Files, str `[n]`.
      targets: float32 `[n, classes]`, or a mapping of such by part.
      weights: Sample weights, float32 `[n]`, or a mapping.
      side, fit, margin, gray: As in `specs.Image`.
    """

    paths: np.ndarray
    targets: Any
    weights: Any
    side: int
    fit: str
    margin: float
    gray: bool

    def __len__(self) -> int:
        return len(self.paths)


def order(count: int, *, seed: int, stage: int, epoch: int, odds=None) -> np.ndarray:
    """Returns the rows of one epoch, int64 `[count]`, shuffled.

    Args:
      count: Number of records.
      seed, stage, epoch: Together they fix the order, so a resumed run sees
        the order of the uninterrupted one.
      odds: Draw with replacement by these probabilities, float `[count]`.
    """
    random = np.random.default_rng([seed, stage, epoch, 1])
    if odds is None:
        return random.permutation(count)
    return random.choice(count, count, p=odds)


def example(pictures: Pictures, augment):
    """Returns a graph function of (row, seed) to one training image.

    Made once and used by every epoch: tracing the augmentation again for each
    would take longer than a step.

    Args:
      pictures: The records.
      augment: A `specs.Augment`.
    """
    paths = tf.constant(pictures.paths.astype(str))

    @tf.function(
        input_signature=[tf.TensorSpec([], tf.int64), tf.TensorSpec([2], tf.int32)],
        autograph=False,
    )
    def image(row, seed):
        return _augmented(tf.io.read_file(paths[row]), seed, pictures, augment)

    return image


def training(pictures: Pictures, image, rows: np.ndarray, *, seeds, batch, augment):
    """Returns batches ({"image"}, targets, weights) of one epoch.

    Args:
      pictures: The records.
      image: What `example` returned for them.
      rows: Order of the epoch, int64 `[n]`.
      seeds: Seed of each position, int32 `[n, 2]`: each record gets its own,
        so results do not depend on thread timing.
      batch: Records a batch; the last one may be short.
      augment: A `specs.Augment`.
    """
    rows_and_seeds = tf.data.Dataset.from_tensor_slices((rows, seeds))
    made = rows_and_seeds.map(
        lambda row, seed: (image(row, seed), row, seed),
        tf.data.AUTOTUNE,
        deterministic=True,
    )

    def finish(images, row, seed):
        targets = picked(pictures.targets, row)
        if augment.mixes:
            images, targets = augments.mix(
                images, targets, seed[0], mixup=augment.mixup, cutmix=augment.cutmix
            )
        return {"image": images}, targets, picked(pictures.weights, row)

    return made.batch(batch).map(finish, tf.data.AUTOTUNE).prefetch(2)


def evaluation(pictures: Pictures, *, batch: int, view: int = 0):
    """Returns batches {"image"} of every record once, in order.

    Args:
      pictures: The records.
      batch: Records a batch; the last one may be short.
      view: 0 is the image itself, 1 its mirror image, higher ones are random
        crops and mirrors fixed by the number of the view.
    """
    rows = tf.data.Dataset.range(len(pictures))
    paths = tf.constant(pictures.paths.astype(str))

    def example(row):
        return _view(tf.io.read_file(paths[row]), row, pictures, view)

    made = rows.map(example, tf.data.AUTOTUNE, deterministic=True)
    return made.batch(batch).map(lambda image: {"image": image}).prefetch(2)


def features(vectors: np.ndarray, targets, weights, *, rows, batch):
    """Returns batches (vector, targets, weights) of one epoch over cached features."""
    columns = tf.nest.map_structure(
        lambda column: np.asarray(column)[rows], (vectors, targets, weights)
    )
    return tf.data.Dataset.from_tensor_slices(columns).batch(batch).prefetch(2)


def picked(columns, rows):
    """Returns the rows of an array, or of each array in a mapping."""
    return tf.nest.map_structure(lambda column: tf.gather(column, rows), columns)


def _loaded(contents, pictures):
    load = _loader(pictures.side, pictures.fit, pictures.margin, pictures.gray)
    return load(contents)


@functools.lru_cache(maxsize=16)
def _loader(side, fit, margin, gray):
    # kept, for tracing takes longer than the decoding of a small data set
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def load(contents):
        return images.load(contents, side=side, fit=fit, margin=margin, gray=gray)

    return load


def _augmented(contents, seed, pictures, augment):
    if not augment.random:
        return _loaded(contents, pictures)
    image = images.decode(contents, gray=pictures.gray)
    return _changed(image, seed, pictures, augment)


def _changed(image, seed, pictures, augment):
    return augments.image(
        image,
        seed,
        side=pictures.side,
        augment=augment,
        fit=pictures.fit,
        margin=pictures.margin,
    )


def _view(contents, row, pictures, view):
    if view < 2:
        image = _loaded(contents, pictures)
        return tf.image.flip_left_right(image) if view else image
    seed = tf.stack([tf.cast(view, tf.int32), tf.cast(row, tf.int32)])
    image = images.decode(contents, gray=pictures.gray)
    return _changed(image, seed, pictures, _TTA)


@dataclasses.dataclass(frozen=True)
class _Crops:
    crop: float = 0.6
    flip: bool = True
    color: float = 0.0
    rotate: float = 0.0
    randaugment: int = 0
    magnitude: float = 0.0


# random crops of at least 60 % of the area, mirrored half the time
_TTA = _Crops()
