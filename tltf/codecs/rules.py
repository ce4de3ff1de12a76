"""Words by ULMFiT's text rules, with fastai's special tokens."""

import collections
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tltf import errors
from tltf.fetch import files
from tltf.ops import rules, special

_FILE = "vocabulary.txt"
SPLITS = ("words",)
_AT_ONCE = 256  # texts split in one call while words are counted


def fit(texts: Sequence, *, words: int = 60_000, least: int = 2, **shape) -> "Codec":
    """Returns a codec of the most frequent words of `texts`.

    Args:
      texts: Texts to learn from, str or bytes.
      words: Largest vocabulary, special tokens included.
      least: Occurrences below which a word is unknown.
      **shape: `length`, `keep`, `fixed`; see `Codec`; and `split`, always `words`.

    Raises:
      UserError: Another `split`.

    Source:
      60,000 words that occur twice: Howard & Ruder 2018 (arXiv:1801.06146).
    """
    return Codec(vocabulary(texts, words=words, least=least), **_checked(shape))


def load(folder: pathlib.Path, **shape) -> "Codec":
    """Returns the codec that `Codec.save` wrote.

    Args:
      folder: Has vocabulary.txt.
      **shape: As of `fit`; `words` and `least` are in the file.

    Raises:
      UserError: No such file, or it does not begin with the special tokens.
    """
    shape = {key: shape[key] for key in shape if key not in ("words", "least")}
    path = folder / _FILE
    if not path.is_file():
        raise errors.UserError(f"{path} does not exist; it lists a codec's words")
    words = path.read_text(encoding="utf-8").split("\n")[:-1]
    return Codec(words, **_checked(shape))


def _checked(shape: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of `Codec` in those of `fit` and `load`."""
    if shape.get("split", "words") not in SPLITS:
        raise errors.UserError(
            f"text.split: {shape['split']}: this backbone reads words by ULMFiT's "
            "rules; take words, or a backbone of glove or elmo"
        )
    return {key: value for key, value in shape.items() if key != "split"}


def vocabulary(texts: Sequence, *, words: int, least: int) -> tuple[str, ...]:
    """Returns the special tokens, then words by falling count, ties by spelling."""
    counts: collections.Counter[bytes] = collections.Counter()
    for start in range(0, len(texts), _AT_ONCE):
        part = tf.constant(list(texts[start : start + _AT_ONCE]), tf.string)
        counts.update(rules.split(part).values.numpy().tolist())
    own = {token.encode() for token in special.TOKENS}
    kept = [w for w, n in counts.items() if n >= least and w not in own]
    kept.sort(key=lambda word: (-counts[word], word))
    room = max(words - len(special.TOKENS), 0)
    return (*special.TOKENS, *(word.decode() for word in kept[:room]))


class Codec(tf.Module):
    """Texts to ids of words: 0 is padding (`xxpad`), 1 an unknown word (`xxunk`).

    Args:
      words: Word of each id, the special tokens first.
      length: Most tokens kept of a text.
      keep: Which end of a longer text: `start` or `end`.
      fixed: Pad every batch to `length`, not to its longest text.

    Raises:
      UserError: `words` does not begin with the special tokens.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        length: int = 1400,
        keep: str = "start",
        fixed: bool = False,
    ):
        super().__init__(name="rules")
        self.words = tuple(words)
        if self.words[: len(special.TOKENS)] != special.TOKENS:
            raise errors.UserError(
                f"a vocabulary of {len(self.words)} words begins with "
                f"{' '.join(self.words[:3])!r}, not with {' '.join(special.TOKENS)!r}"
            )
        self.length, self.fixed, self._keep = length, fixed, keep
        keys = tf.constant(self.words, tf.string)
        ids = tf.range(len(self.words), dtype=tf.int64)
        table = tf.lookup.KeyValueTensorInitializer(keys, ids)
        self._table = tf.lookup.StaticHashTable(
            table, self.words.index(special.UNKNOWN)
        )

    def encode(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {"tokens": int32 `[b, t]`}, each text opened by `xxbos`.

        Args:
          texts: String `[b]`, any bytes.
        """
        ids = self.ids(texts)
        kept = ids[:, : self.length]
        if self._keep == "end":
            kept = ids[:, -self.length :]
        shape = [None, self.length] if self.fixed else None
        return {"tokens": kept.to_tensor(0, shape=shape)}

    def ids(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of whole texts, int32 `[b, None]`."""
        split = rules.split(texts)
        return split.with_values(tf.cast(self._table.lookup(split.values), tf.int32))

    def each(self, texts: Sequence) -> list[np.ndarray]:
        """Returns the ids of each whole text, int32 `[tokens]`."""
        run = tf.function(self.ids, input_signature=[tf.TensorSpec([None], tf.string)])
        found: list[np.ndarray] = []
        for start in range(0, len(texts), _AT_ONCE):
            part = run(tf.constant(list(texts[start : start + _AT_ONCE]), tf.string))
            ends = part.row_splits.numpy()[1:-1]
            found += np.split(part.values.numpy(), ends)
        return found

    def about(self) -> dict[str, Any]:
        """Returns what decides the ids, as JSON values."""
        shape = {"length": self.length, "keep": self._keep, "fixed": self.fixed}
        return {"codec": "rules", "words": list(self.words), **shape}

    def save(self, folder: pathlib.Path) -> None:
        """Writes vocabulary.txt, one word a line in the order of ids."""
        files.write_text(folder / _FILE, "".join(f"{word}\n" for word in self.words))
