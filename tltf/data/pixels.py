"""Image files to the batches an encoder takes."""

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
from tltf.ops import exif, headers, images

# of specs.Augment, what changes batches or counts, not single images
_NOT_OF_IMAGES = {"mixup", "cutmix", "views"}


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
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields row numbers `[k]` and images float32 `[k, side, side, 3]`, in order.

    Decoding goes on in other threads meanwhile. The rows of files that do not
    decode never come.

    Args:
      files: Pairs of path and digest.
      preprocess: How files become images.
      batch: k of all batches but the last.
    """
    paths = [path for path, _ in files]
    seeds = np.array([_seed(preprocess, digest) for _, digest in files])

    def example(row, path, seed):
        return row, _image(path, seed, preprocess)

    records = tf.data.Dataset.from_tensor_slices((np.arange(len(files)), paths, seeds))
    decoded = records.map(example, os.cpu_count(), deterministic=True)
    whole = decoded.ignore_errors().batch(batch).prefetch(2)
    return whole.as_numpy_iterator()


def cause(path: str, preprocess: Preprocess) -> str:
    """Returns why a file does not decode, in TensorFlow's words."""
    try:
        _image(path, _seed(preprocess, ""), preprocess)
    except tf.errors.OpError as error:
        text = re.sub(r"\{\{.*?\}\}|\[Op:.*|assertion failed:", "", error.message)
        return " ".join(text.split())[:200]
    return "it was unreadable a moment ago"


def _image(path, seed, preprocess: Preprocess):
    contents = tf.io.read_file(path)
    if preprocess.random:
        image = images.decode(contents, gray=preprocess.gray)
        return _augments().image(
            image, seed, side=preprocess.side, augment=preprocess.augment
        )
    return images.load(
        contents,
        side=preprocess.side,
        fit=preprocess.fit,
        margin=preprocess.margin,
        gray=preprocess.gray,
    )


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
