"""Batches from texts: encoded once, cut to the longest of each batch."""

import dataclasses
import functools
from typing import Any

import numpy as np
import tensorflow as tf

from tltf.data import pipeline

# characters of all texts together up to which their ids stay in memory
_IN_MEMORY = 2**28
_AT_ONCE = 512  # texts encoded in one call
_POOL = 50  # batches sorted by length together


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Texts:
    """Text records ready to be batched.

    Attributes:
      values: The texts, object `[n]`.
      targets: float32 `[n, classes]`, or a mapping of such by part.
      weights: Sample weights, float32 `[n]`, or a mapping.
      codec: What turns them into the encoder's input; see tltf/codecs.
    """

    values: np.ndarray
    targets: Any
    weights: Any
    codec: Any

    def __len__(self) -> int:
        return len(self.values)

    @functools.cached_property
    def encoded(self) -> dict[str, np.ndarray]:
        """The encoder's inputs of all texts, `[n, t, ...]`, padded to the longest."""
        return encode(self.codec, self.values)

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, int `[n]`; of long data sets, a guess by characters."""
        if not self.small:
            return np.array([len(text) for text in self.values])
        return lengths(next(iter(self.encoded.values())))

    @functools.cached_property
    def small(self) -> bool:
        """Whether the encoded texts are kept in memory."""
        return sum(map(len, self.values)) <= _IN_MEMORY


def encode(codec, values) -> dict[str, np.ndarray]:
    """Returns the codec's columns for all texts, padded with zeros to the longest."""
    graph = tf.function(
        codec.encode,
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )
    parts = [
        {name: column.numpy() for name, column in graph(_strings(chunk)).items()}
        for chunk in _chunks(values)
    ]
    return {name: _stacked([part[name] for part in parts]) for name in parts[0]}


def lengths(column: np.ndarray) -> np.ndarray:
    """Returns the tokens of each row of `[n, t, ...]`, int `[n]`: all up to the last
    that is not padding."""
    if column.ndim == 1:
        return np.ones(len(column), np.int64)
    there = column.reshape(*column.shape[:2], -1).any(-1)
    return there.shape[1] - np.argmax(there[:, ::-1], 1) * there.any(1)


def order(texts: Texts, rows: np.ndarray, *, batch: int, seed: list[int]) -> np.ndarray:
    """Returns `rows` with texts of like length in one batch.

    Rows are sorted within pools of 50 batches, then the batches are shuffled; a
    batch is padded to its longest text, so this saves most of the padding
    (Merity et al. 2017, fastai and torchtext sort so).

    Args:
      texts: The records.
      rows: A shuffled order, int `[n]`.
      batch: Records a batch; a short one stays last.
      seed: Of the shuffle.
    """
    sizes = texts.lengths[rows]
    pools = range(0, len(rows), batch * _POOL)
    sorted_rows = np.concatenate(
        [
            rows[start : start + batch * _POOL][
                np.argsort(-sizes[start : start + batch * _POOL], kind="stable")
            ]
            for start in pools
        ]
    )
    whole = len(rows) // batch
    shuffled = np.random.default_rng(seed).permutation(whole)
    batches = sorted_rows[: whole * batch].reshape(whole, batch)[shuffled]
    return np.concatenate([batches.reshape(-1), sorted_rows[whole * batch :]])


def training(texts: Texts, rows: np.ndarray, *, batch: int) -> tf.data.Dataset:
    """Returns batches (inputs, targets, weights) of one epoch in the order `rows`."""
    gather = _gather(texts)
    made = tf.data.Dataset.from_tensor_slices(np.asarray(rows, np.int64)).batch(batch)

    def finish(picked):
        targets = pipeline.picked(texts.targets, picked)
        return gather(picked), targets, pipeline.picked(texts.weights, picked)

    return made.map(finish, tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def evaluation(texts: Texts, *, batch: int) -> tf.data.Dataset:
    """Returns batches of inputs of every record once, in order."""
    made = tf.data.Dataset.range(len(texts)).batch(batch)
    found = made.map(_gather(texts), tf.data.AUTOTUNE, deterministic=True)
    return found.prefetch(2)


def _gather(texts: Texts):
    if not texts.small:
        values = _strings(texts.values)
        return lambda rows: texts.codec.encode(tf.gather(values, rows))
    columns = {name: tf.constant(value) for name, value in texts.encoded.items()}
    sizes = tf.constant(texts.lengths)

    def gather(rows):
        most = tf.maximum(tf.reduce_max(tf.gather(sizes, rows)), 1)
        return {name: part(column, rows, most) for name, column in columns.items()}

    def part(column, rows, most):
        picked = tf.gather(column, rows)
        if column.shape.rank > 1 and not texts.codec.fixed:
            picked = picked[:, :most]
        return tf.cast(picked, tf.int32) if column.dtype.is_integer else picked

    return gather


def _chunks(values):
    for start in range(0, max(len(values), 1), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _strings(values) -> tf.Tensor:
    # surrogates, which JSON may carry, have no UTF-8 form
    encoded = [str(value).encode("utf-8", "replace") for value in values]
    return tf.constant(encoded, tf.string, shape=[len(encoded)])


def _stacked(parts: list[np.ndarray]) -> np.ndarray:
    if parts[0].ndim == 1:
        return np.concatenate(parts)
    most = max(part.shape[1] for part in parts)
    shape = (sum(map(len, parts)), most, *parts[0].shape[2:])
    # ids of characters are below 2**16: a half of the memory
    narrow = parts[0].ndim > 2
    out = np.zeros(shape, np.uint16 if narrow else parts[0].dtype)
    start = 0
    for part in parts:
        out[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    return out
