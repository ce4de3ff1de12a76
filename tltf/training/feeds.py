"""What a stage learns from: records through the network, or cached features."""

import dataclasses
import functools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tltf import specs
from tltf.data import pipeline, texts

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
      odds: Probabilities of drawing each record, or None for each once.
    """

    learner: keras.Model
    train: pipeline.Pictures
    valid: tf.data.Dataset
    augment: specs.Augment
    odds: np.ndarray | None = None
    whole_epoch = False

    def __len__(self) -> int:
        return len(self.train)

    def epoch(self, *, seed: int, stage: int, epoch: int, batch: int):
        """Returns the batches of one epoch; equal arguments, equal batches."""
        rows = pipeline.order(
            len(self.train), seed=seed, stage=stage, epoch=epoch, odds=self.odds
        )
        random = np.random.default_rng([seed, stage, epoch, 2])
        seeds = random.integers(2**31, size=(len(rows), 2), dtype=np.int32)
        return pipeline.training(
            self.train,
            self._example,
            rows,
            seeds=seeds,
            batch=batch,
            augment=self.augment,
        )

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
      odds: As in `Images`.
    """

    learner: keras.Model
    train: texts.Texts
    valid: tf.data.Dataset
    odds: np.ndarray | None = None
    whole_epoch = False

    def __len__(self) -> int:
        return len(self.train)

    def epoch(self, *, seed: int, stage: int, epoch: int, batch: int):
        """Returns the batches of one epoch; equal arguments, equal batches."""
        rows = pipeline.order(
            len(self.train), seed=seed, stage=stage, epoch=epoch, odds=self.odds
        )
        if not self.train.codec.fixed:
            place = [seed, stage, epoch, 3]
            rows = texts.order(self.train, rows, batch=batch, seed=place)
        return texts.training(self.train, rows, batch=batch)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Vectors of a frozen encoder, one view an epoch.

    Attributes:
      learner: The head.
      views: One float32 `[n, features]` for each augmented view.
      targets, weights: As in `pipeline.Pictures`.
      valid: Batches of vectors of the valid split, in order.
      odds: As in `Images`.
    """

    learner: keras.Model
    views: Sequence[np.ndarray]
    targets: np.ndarray
    weights: np.ndarray
    valid: tf.data.Dataset
    odds: np.ndarray | None = None
    whole_epoch = True

    def __len__(self) -> int:
        return len(self.targets)

    def epoch(self, *, seed: int, stage: int, epoch: int, batch: int):
        """Returns the batches of one epoch; equal arguments, equal batches."""
        rows = pipeline.order(
            len(self), seed=seed, stage=stage, epoch=epoch, odds=self.odds
        )
        return pipeline.features(
            self.views[epoch % len(self.views)],
            self.targets,
            self.weights,
            rows=rows,
            batch=batch,
        )


def held(pictures: pipeline.Pictures, batch: int) -> tf.data.Dataset:
    """Returns evaluation batches, kept in memory after the first pass if small."""
    batches = pipeline.evaluation(pictures, batch=batch)
    size = len(pictures) * pictures.side**2 * 3 * 4
    return batches.cache() if size <= _IN_MEMORY else batches
