"""Image files to the batches an encoder takes."""

import collections
import concurrent.futures
import dataclasses
import functools
import hashlib
import inspect
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tltf import specs
from tltf.ops import augment, exif, headers, images

# of specs.Augment, what changes batches or counts, not single images
_NOT_OF_IMAGES = {"mixup", "cutmix", "views"}
_AHEAD = 2  # batches decoded before they are asked for


@dataclasses.dataclass(frozen=True)
class Preprocess:
    """How a file becomes the encoder's input.

    Attributes:
      side, fit, margin, gray: As in `specs.Image`.
      augment: A `specs.Augment`, or None.
      seed: Of the augmentation.
      view: Number of the augmented view; each is another draw.
    """

    side: int
    fit: str = "crop"
    margin: float = 0.875
    gray: bool = False
    augment: specs.Augment | None = None
    seed: int = 0
    view: int = 0

    @property
    def random(self) -> bool:
        """Whether images are changed at random."""
        return self.augment is not None and self.augment.random


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Images of some files that follow each other.

    Attributes:
      rows: Numbers of the files that decode, int `[k]`.
      images: float32 `[batch, side, side, 3]` in 0..255, theirs in front; what
        follows has no meaning.
      bad: Number -> cause of each file that does not decode.
    """

    rows: np.ndarray
    images: np.ndarray
    bad: dict[int, str]


def about(preprocess: Preprocess) -> dict[str, Any]:
    """Returns all that decides the pixels made of a file, as JSON values."""
    said = {
        "side": preprocess.side,
        "fit": preprocess.fit,
        "margin": preprocess.margin if preprocess.fit == "crop" else None,
        "gray": preprocess.gray,
        "pixels": _sources(images, exif, headers),
    }
    if preprocess.random:
        said["augment"] = preprocess.augment.model_dump(exclude=_NOT_OF_IMAGES)
        said["seed"], said["view"] = preprocess.seed, preprocess.view
        said["pixels"] = _sources(images, exif, headers, augment)
    return said


def batches(
    files: Sequence[tuple[str, str]], preprocess: Preprocess, *, batch: int
) -> Iterator[Batch]:
    """Yields the images of `files` in order; threads decode the next meanwhile.

    Args:
      files: Pairs of path and digest.
      preprocess: How files become images.
      batch: Images a batch, also the last one.
    """
    load = _traced(preprocess).get_concrete_function()
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)
    begun: collections.deque = collections.deque()

    def begin(start: int) -> None:
        part = files[start : start + batch]
        images = np.zeros((batch, preprocess.side, preprocess.side, 3), np.float32)
        slots = zip(part, images, strict=False)  # the last part may be short
        causes = [pool.submit(_load_into, s, f, load, preprocess) for f, s in slots]
        begun.append((start, images, causes))

    try:
        for start in range(0, len(files) + _AHEAD * batch, batch):
            if start < len(files):
                begin(start)
            if start >= _AHEAD * batch and begun:
                yield _done(*begun.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


@functools.lru_cache(maxsize=8)
def _traced(preprocess: Preprocess):
    # kept, for tracing takes longer than the decoding of a small data set
    signature = [tf.TensorSpec([], tf.string), tf.TensorSpec([2], tf.int32)]
    return tf.function(functools.partial(_image, preprocess), signature)


def _load_into(slot: np.ndarray, file, load, preprocess: Preprocess) -> str | None:
    """Fills float32 `[side, side, 3]`; returns the cause if that cannot be."""
    path, digest = file
    arguments = tf.constant(path), tf.constant(_seed(preprocess, digest))
    try:
        slot[:] = memoryview(load(*arguments))
    except tf.errors.OpError:  # its message is about the graph; ask again without
        try:
            slot[:] = memoryview(_image(preprocess, *arguments))
        except tf.errors.OpError as error:
            text = re.sub(r"\{\{.*?\}\}|\[Op:.*|assertion failed:", "", error.message)
            return " ".join(text.split())[:200]
    return None


def _done(start: int, images: np.ndarray, causes: list) -> Batch:
    found = [cause.result() for cause in causes]
    bad = {start + i: cause for i, cause in enumerate(found) if cause}
    good = [i for i, cause in enumerate(found) if not cause]
    if bad:
        images[: len(good)] = images[good]
    return Batch(start + np.array(good, np.int64), images, bad)


def _image(preprocess: Preprocess, path, seed):
    contents = tf.io.read_file(path)
    color = {"gray": preprocess.gray}
    placing = {
        "side": preprocess.side,
        "fit": preprocess.fit,
        "margin": preprocess.margin,
    }
    if preprocess.random:
        image = images.decode(contents, **color)
        return augment.image(image, seed, augment=preprocess.augment, **placing)
    return images.load(contents, **placing, **color)


def _seed(preprocess: Preprocess, digest: str) -> np.ndarray:
    # of the record, not of its row, so that order and subset change nothing
    text = f"{preprocess.seed} {preprocess.view} {digest}".encode()
    return np.frombuffer(hashlib.sha256(text).digest()[:8], "<i4")


@functools.cache
def _sources(*modules) -> str:
    # a change of how pixels are made must not find vectors of the old pixels; cached
    # for the files may change on disk while this process runs the old ones
    text = "".join(inspect.getsource(module) for module in modules)
    return hashlib.sha256(text.encode()).hexdigest()
