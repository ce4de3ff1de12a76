"""Image files to the batches an encoder takes."""

import collections
import concurrent.futures
import dataclasses
import functools
import hashlib
import inspect
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tltf import specs
from tltf.ops import exif, headers, images

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
      images: float32 `[k, side, side, 3]` in 0..255.
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
        said["pixels"] = _sources(images, exif, headers, _augments())
    return said


def batches(
    files: Sequence[tuple[str, str]], preprocess: Preprocess, *, batch: int
) -> Iterator[Batch]:
    """Yields the images of `files` in order; threads decode the next meanwhile.

    Args:
      files: Pairs of path and digest.
      preprocess: How files become images.
      batch: Files a batch; the last one may be short.
    """
    load = _traced(preprocess).get_concrete_function()
    made: collections.deque[concurrent.futures.Future] = collections.deque()
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)
    todo = iter(files)
    try:
        for start in range(0, len(files), batch):
            room = (1 + _AHEAD) * batch - len(made)
            for path, digest in itertools.islice(todo, room):
                made.append(pool.submit(_loaded, load, preprocess, path, digest))
            ready = [made.popleft().result() for _ in range(min(batch, len(made)))]
            yield _gathered(ready, start, preprocess.side)
    finally:
        pool.shutdown(cancel_futures=True)


@functools.lru_cache(maxsize=8)
def _traced(preprocess: Preprocess):
    # kept, for tracing takes longer than the decoding of a small data set
    signature = [tf.TensorSpec([], tf.string), tf.TensorSpec([2], tf.int32)]
    return tf.function(functools.partial(_image, preprocess), signature)


def _loaded(load, preprocess: Preprocess, path: str, digest: str):
    """Image float32 `[side, side, 3]`, or the cause why there is none."""
    arguments = tf.constant(path), tf.constant(_seed(preprocess, digest))
    try:
        return load(*arguments).numpy()
    except tf.errors.OpError:  # its message is about the graph; ask again without
        try:
            return _image(preprocess, *arguments).numpy()
        except tf.errors.OpError as error:
            text = re.sub(r"\{\{.*?\}\}|\[Op:.*|assertion failed:", "", error.message)
            return " ".join(text.split())[:200]


def _gathered(made: list, start: int, side: int) -> Batch:
    bad = {start + i: it for i, it in enumerate(made) if isinstance(it, str)}
    rows = [start + i for i in range(len(made)) if start + i not in bad]
    images = [it for it in made if not isinstance(it, str)]
    stacked = np.stack(images) if images else np.zeros((0, side, side, 3), np.float32)
    return Batch(np.array(rows, np.int64), stacked, bad)


def _image(preprocess: Preprocess, path, seed):
    contents = tf.io.read_file(path)
    size, color = {"side": preprocess.side}, {"gray": preprocess.gray}
    if preprocess.random:
        image = images.decode(contents, **color)
        return _augments().image(image, seed, **size, augment=preprocess.augment)
    placing = {"fit": preprocess.fit, "margin": preprocess.margin}
    return images.load(contents, **size, **placing, **color)


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


def _augments():
    from tltf.ops import augment

    return augment
