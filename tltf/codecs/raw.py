"""Texts as they are, for modules that split them into words themselves."""

import pathlib
from collections.abc import Sequence

import tensorflow as tf

from tltf.fetch import files

FILE = "vocabulary.txt"
SPLITS = ("words",)


class Codec(tf.Module):
    """Texts to {"text": string `[b]`}; bytes that are no UTF-8 become U+FFFD.

    Attributes:
      words: Empty, for the module has its own.
      fixed: True: nothing is padded.
    """

    words: tuple[str, ...] = ()
    fixed = True

    def __init__(self):
        super().__init__(name="raw")

    def encode(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `texts`, string `[b]`, whole and in valid UTF-8."""
        return {"text": tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")}

    def about(self) -> dict:
        """Returns all that decides what the encoder sees of a text."""
        return {"codec": "raw"}

    def save(self, folder: pathlib.Path) -> None:
        """Writes an empty vocabulary.txt, so that all codecs leave the same files."""
        files.write_text(folder / FILE, "")


def fit(texts: Sequence[str], **_) -> Codec:
    """Returns the codec; it learns nothing from texts, and cuts nothing."""
    return Codec()


def load(folder: pathlib.Path, **_) -> Codec:
    """Returns the codec of a folder that `save` wrote to."""
    return Codec()
