"""Sentences as two streams of words, one read forwards and one backwards."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tltf import registry
from tltf.ops import characters

MARKS = ("<S>", "</S>", "<UNK>")  # first words of every vocabulary
BEGIN, END, UNKNOWN = range(3)
_AT_ONCE = 1024  # texts of one call of the tokenizer


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """Tokens of all texts; a line of a text is a sentence.

    Attributes:
      tokens: Number of each token's type, int32 `[tokens]`.
      sizes: Tokens of each sentence, int64 `[sentences]`, none 0.
      starts: Which sentence each text begins with, int64 `[texts]`.
    """

    tokens: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Streams:
    """What is read and what is to be predicted, in both directions.

    Attributes:
      ids: Int32 `[4, steps]`: types read forwards and backwards, then the words
        to predict from them.
      starts: Where each text begins, int64 `[texts]`.
    """

    ids: np.ndarray
    starts: np.ndarray

    def shuffled(self, *key: int) -> np.ndarray:
        """Returns the ids with the texts in an order drawn from `key`."""
        parts = np.split(self.ids, self.starts[1:], axis=1)
        order = np.random.default_rng(key).permutation(len(parts))
        return np.concatenate([parts[k] for k in order], 1)


def read(texts: Sequence[str | bytes], types: dict[bytes, int], *, split: str) -> Lines:
    """Returns the sentences of texts, new types added to `types`.

    Args:
      texts: Any bytes; empty lines are left out.
      types: Number of each different token, those of begin and end first.
      split: As of the codec `chars`.
    """
    tokens, sizes, lines = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], [0]
    for first in range(0, len(texts), _AT_ONCE):
        part = tf.constant(list(texts[first : first + _AT_ONCE]), tf.string)
        plain = tf.strings.unicode_transcode(part, "UTF-8", "UTF-8")
        rows = tf.strings.split(plain, "\n")
        found = _split(tf.strings.strip(rows.flat_values), split)
        numbers = [types.setdefault(t, len(types)) for t in found.flat_values.numpy()]
        tokens.append(np.array(numbers, np.int32))
        size = found.row_lengths().numpy()
        sizes.append(size[size > 0])
        text = rows.value_rowids().numpy()[size > 0]
        lines += np.bincount(text, minlength=part.shape[0]).tolist()
    return Lines(
        tokens=np.concatenate(tokens),
        sizes=np.concatenate(sizes),
        starts=np.cumsum(lines)[:-1],
    )


def first_types() -> dict[bytes, int]:
    """Returns the types of begin and end, to be given to `read`."""
    return {MARKS[mark].encode(): mark for mark in (BEGIN, END)}


def vocabulary(
    lines: Lines, types: dict[bytes, int], *, words: int, least: int
) -> list[str]:
    """Returns the marks and then the most frequent types, as a sampler wants them.

    Args:
      lines: Of the texts to learn from.
      types: Their types.
      words: Most words returned.
      least: Occurrences below which a type is left out.
    """
    counts = np.bincount(lines.tokens, minlength=len(types))
    marks = {mark.encode() for mark in MARKS}
    found = [
        (-int(counts[number]), token)
        for token, number in types.items()
        if counts[number] >= least and token not in marks
    ]
    ranked = sorted(found)[: max(words - len(MARKS), 0)]
    return [*MARKS, *(token.decode() for _, token in ranked)]


def word_of(types: dict[bytes, int], words: Sequence[str]) -> np.ndarray:
    """Returns the id in `words` of each type, int32 `[types]`."""
    ids = {word.encode(): number for number, word in enumerate(words)}
    return np.array([ids.get(token, UNKNOWN) for token in types], np.int32)


def chars_of(types: dict[bytes, int]) -> np.ndarray:
    """Returns the character ids of each type, uint16 `[types, 50]`."""
    every = list(types)
    parts = [
        characters.encode(tf.constant(every[k : k + 2**16])).numpy().astype(np.uint16)
        for k in range(0, len(every), 2**16)
    ]
    return np.concatenate(parts)


def streams(lines: Lines, words: np.ndarray) -> Streams:
    """Returns both directions; a step reads a mark or word and predicts the next.

    A sentence of n words has n + 1 steps: forwards the mark of its begin is read
    first and that of its end predicted last, backwards the other way round.

    Args:
      lines: Sentences.
      words: Of `word_of`.
    """
    size = np.repeat(lines.sizes, lines.sizes + 1)
    first = np.repeat(np.cumsum(lines.sizes) - lines.sizes, lines.sizes + 1)
    begin = np.concatenate([[0], np.cumsum(lines.sizes + 1)])
    place = np.arange(begin[-1]) - np.repeat(begin[:-1], lines.sizes + 1)
    padded = np.append(lines.tokens, 0)  # the last step of all looks behind the end

    def token(offset, inside, mark):
        return np.where(inside, padded[np.where(inside, first + offset, 0)], mark)

    started, ended = place == 0, place == size
    ids = [
        token(place - 1, ~started, BEGIN),
        token(size - place, ~started, END),
        words[token(place, ~ended, END)],
        words[token(size - 1 - place, ~ended, BEGIN)],
    ]
    return Streams(ids=np.stack(ids).astype(np.int32), starts=begin[lines.starts])


def sample(count: int, words: int, *key: int) -> tuple[np.ndarray, float]:
    """Returns different words drawn by rank, and how many draws it took.

    Word k is drawn with chance log((k + 2) / (k + 1)) / log(words + 1), Zipf's
    law for words in order of frequency.

    Args:
      count: Words wanted, fewer than `words`.
      words: Words there are.
      key: Of the random numbers.
    """
    random, seen, tries = np.random.default_rng(key), np.zeros(0, np.int64), 0
    while len(seen) < count:
        drawn = (
            np.exp(random.random(2 * count) * np.log(words + 1)).astype(np.int64) - 1
        )
        every = np.concatenate([seen, np.minimum(drawn, words - 1)])
        found, place = np.unique(every, return_index=True)
        order = np.argsort(place)
        if len(found) > count:  # the draw that found the last one was the last
            tries += int(place[order[count - 1]]) + 1 - len(seen)
        else:
            tries += len(drawn)
        seen = found[order][:count]
    return seen, float(tries)


def _split(lines: tf.Tensor, split: str) -> tf.RaggedTensor:
    if split == "spaces":
        return characters.split(lines)
    return registry.find("codecs", "chars").pieces(lines)
