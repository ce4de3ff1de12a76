"""Lower-case words to ids; rare and unseen ones share an id."""

import collections
import pathlib
from collections.abc import Iterable, Sequence

import tensorflow as tf

from tltf import errors
from tltf.fetch import files
from tltf.ops import tokens

PADDING, UNKNOWN = "", "[UNK]"
FILE = "vocabulary.txt"
SPLITS = ("words", "spaces")
_AT_ONCE = 1024  # texts of one call while counting


class Codec(tf.Module):
    """Texts to {"tokens": int32 `[b, t]`}; 0 pads, 1 is an unknown word.

    Attributes:
      words: Word of each id.
      length: Words kept of a text.
      fixed: Whether every batch is padded to that length.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        length: int,
        keep: str,
        fixed: bool,
        split: str = "words",
    ):
        super().__init__(name="words")
        self._cut = _cutter(split)
        self._split = split
        self.words = tuple(words)
        self.length = length
        self.fixed, self._keep = fixed, keep
        known = self.words[2:]
        pairs = tf.lookup.KeyValueTensorInitializer(
            tf.constant(known, tf.string), tf.range(2, 2 + len(known), dtype=tf.int32)
        )
        self._table = tf.lookup.StaticHashTable(pairs, default_value=1)

    def encode(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns ids of the words of `texts`, string `[b]`.

        `t` is `length` where fixed, else the most words of one text, at least 1.
        """
        found = tokens.cut(self._cut(texts), self.length, keep=self._keep)
        ids = found.with_values(self._table.lookup(found.values))
        most = self.length if self.fixed else tf.maximum(found.bounding_shape()[1], 1)
        dense = ids.to_tensor(shape=tf.stack([found.nrows(), tf.cast(most, tf.int64)]))
        return {"tokens": tf.ensure_shape(dense, [None, self._shown])}

    def about(self) -> dict:
        """Returns all that decides the ids of a text, as JSON values."""
        return {
            "codec": "words",
            "words": list(self.words),
            "length": self.length,
            "keep": self._keep,
            "fixed": self.fixed,
            "split": self._split,
        }

    def save(self, folder: pathlib.Path) -> None:
        """Writes vocabulary.txt, one word a line in the order of ids."""
        files.write_text(folder / FILE, "\n".join(self.words) + "\n")

    @property
    def _shown(self) -> int | None:
        return self.length if self.fixed else None


def fit(texts: Sequence[str], *, words: int, least: int, **shape) -> Codec:
    """Returns the codec of the most frequent words of `texts`.

    Args:
      texts: Those to learn from, and no others.
      words: Most words known, padding and unknown included.
      least: Occurrences below which a word is unknown.
      **shape: `length`, words kept of a text; `keep`, `start` or `end` of longer
        ones; `fixed`, pad every batch to `length`; `split`, `words` (see
        `tokens.words`) or `spaces`, what stands between white space, lower case.

    Raises:
      UserError: An unknown `split`.
    """
    cut = _cutter(shape.get("split", "words"))
    counts: collections.Counter = collections.Counter()
    for start in range(0, len(texts), _AT_ONCE):
        part = tf.constant(list(texts[start : start + _AT_ONCE]), tf.string)
        counts.update(cut(part).flat_values.numpy().tolist())
    known = vocabulary(counts.items(), words=words - 2, least=least)
    return Codec([PADDING, UNKNOWN, *known], **shape)


def load(folder: pathlib.Path, *, words: int = 0, least: int = 0, **shape) -> Codec:
    """Returns the codec that `save` wrote to a folder; `shape` is as of `fit`, and
    `words` and `least` are in the file."""
    text = (folder / FILE).read_text(encoding="utf-8")
    return Codec(text.split("\n")[:-1], **shape)


def _cutter(split: str):
    if split not in SPLITS:
        raise errors.UserError(
            f"text.split: {split!r} is unknown; give {' or '.join(SPLITS)}"
        )
    return tokens.words if split == "words" else tokens.between_spaces


def vocabulary(counts: Iterable, *, words: int, least: int) -> list[str]:
    """Returns the most frequent words first, equal ones in alphabetical order.

    Args:
      counts: Pairs (word as bytes, occurrences).
      words: Most words returned.
      least: Occurrences below which a word is left out.
    """
    good = [(word, count) for word, count in counts if count >= least]
    ranked = sorted(good, key=lambda pair: (-pair[1], pair[0]))
    return [word.decode("utf-8") for word, _ in ranked[:words]]
