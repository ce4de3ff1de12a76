"""What a stage learns from: records through the network, or cached features."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tltf import specs
from tltf.data import pipeline, texts
from tltf.ops import mixing
from tltf.training import devices, workers

# (seed, stage, epoch), batch size and perhaps a last change to the rows of an epoch
Order = Callable[..., np.ndarray]

# decoded valid images up to this many bytes stay in memory between epochs
_IN_MEMORY = 2**30


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """Images decoded, augmented and passed through the whole network each epoch.

    Attributes:
      learner: The network that learns.
      train: Records to learn from.
      valid: Batches {"image"} of the valid split, in order.
      augment: Random changes.
      order: Which rows an epoch reads; see `shuffled` and `mixed`.
    """

    learner: keras.Model
    train: pipeline.Pictures
    valid: tf.data.Dataset
    augment: specs.Augment
    order: Order
    whole_epoch = False

    def __len__(self) -> int:
        return len(self.train)

    def epoch(self, *, seed: int, stage: int, epoch: int, batch: int):
        """Returns the batches of one epoch; equal arguments, equal batches."""
        rows = self.order((seed, stage, epoch), batch)
        random = np.random.default_rng([seed, stage, epoch, 2])
        seeds = random.integers(2**31, size=(len(rows), 2), dtype=np.int32)
        share = _share(rows, batch)
        batches = pipeline.training(
            self.train,
            self._example,
            rows[share.places],
            seeds=seeds[share.places],
            batch=share.batch,
            augment=self.augment,
        )
        return share.ended(batches)

    @functools.cached_property
    def _example(self):
        return pipeline.example(self.train, self.augment)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Texts:
    """Texts passed through the whole network each epoch, of like length together.

    Attributes:
      learner: The network that learns.
      train: Records to learn from.
      valid: Batches of inputs of the valid split, in order.
      order: As in `Images`.
    """

    learner: keras.Model
    train: texts.Texts
    valid: tf.data.Dataset
    order: Order
    whole_epoch = False

    def __len__(self) -> int:
        return len(self.train)

    def epoch(self, *, seed: int, stage: int, epoch: int, batch: int):
        """Returns the batches of one epoch; equal arguments, equal batches."""

        def alike(rows):
            place = [seed, stage, epoch, 3]
            return texts.order(self.train, rows, batch=batch, seed=place)

        arrange = None if self.train.codec.fixed else alike
        rows = self.order((seed, stage, epoch), batch, arrange)
        share = _share(rows, batch)
        batches = texts.training(self.train, rows[share.places], batch=share.batch)
        return share.ended(batches)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Vectors of a frozen encoder, one view an epoch.

    Attributes:
      learner: The head.
      views: One float32 `[n, features]` for each augmented view.
      targets, weights: As in `pipeline.Pictures`.
      valid: Batches of vectors of the valid split, in order.
      order: As in `Images`.
    """

    learner: keras.Model
    views: Sequence[np.ndarray]
    targets: Any
    weights: Any
    valid: tf.data.Dataset
    order: Order
    whole_epoch = True

    def __len__(self) -> int:
        return len(self.views[0])

    def epoch(self, *, seed: int, stage: int, epoch: int, batch: int):
        """Returns the batches of one epoch; equal arguments, equal batches."""
        rows = self.order((seed, stage, epoch), batch)
        share = _share(rows, batch)
        batches = pipeline.features(
            self.views[epoch % len(self.views)],
            self.targets,
            self.weights,
            rows=rows[share.places],
            batch=share.batch,
        )
        return share.ended(batches)


def _share(rows: np.ndarray, batch: int) -> workers.Share:
    return devices.current().worker.share(len(rows), batch)


def shuffled(count: int, odds: np.ndarray | None = None) -> Order:
    """Returns the order of one source: every record once, or drawn by `odds`."""

    def rows(place, batch, arrange=None):
        seed, stage, epoch = place
        found = pipeline.order(count, seed=seed, stage=stage, epoch=epoch, odds=odds)
        return arrange(found) if arrange else found

    return rows


def mixed(pools: Sequence[np.ndarray], settings: specs.Joint) -> Order:
    """Returns the order of several sources; see `ops.mixing.order`.

    Args:
      pools: Row numbers of each source.
      settings: How they are mixed.
    """

    def rows(place, batch, arrange=None):
        return mixing.order(
            pools,
            mixing=settings.mixing,
            temperature=settings.temperature,
            batch=batch,
            place=place,
            arrange=arrange or (lambda found: found),
        )

    return rows


def held(pictures: pipeline.Pictures, batch: int) -> tf.data.Dataset:
    """Returns evaluation batches, kept in memory after the first pass if small."""
    batches = pipeline.evaluation(pictures, batch=batch)
    size = len(pictures) * pictures.side**2 * 3 * 4
    return batches.cache() if size <= _IN_MEMORY else batches
