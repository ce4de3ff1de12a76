"""Tokens as rows of character ids, as ELMo reads them."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

LENGTH = 50  # ids of a token
COUNT = 262  # different ids, 0 for "no token here" among them
BEGIN, END = 257, 258  # of a sentence
FIRST, LAST, FILL = 259, 260, 261  # a token's first id, its last, and what follows

_BYTES = LENGTH - 2
_MARKS = {"<S>": BEGIN, "</S>": END}


def ids(tokens: Sequence[str]) -> np.ndarray:
    """Returns int32 `[tokens, 50]`: each token's UTF-8 bytes plus 1, between marks.

    Bytes after the 48th are dropped, lone surrogates too. "<S>" and "</S>" become
    the marks of a sentence's begin and end.

    Source: ELMo (Peters et al. 2018), character ids of bilm-tf.
    """
    rows = np.full((len(tokens), LENGTH), FILL, np.int32)
    rows[:, 0] = FIRST
    for row, token in zip(rows, tokens, strict=True):
        if token in _MARKS:
            inside = [_MARKS[token]]
        else:
            inside = [1 + byte for byte in token.encode("utf-8", "ignore")[:_BYTES]]
        row[1 : len(inside) + 1] = inside
        row[len(inside) + 1] = LAST
    return rows


def batch(sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """Returns int32 `[sentences, tokens of the longest, 50]`, zeros after each end."""
    longest = max(map(len, sentences), default=0)
    rows = np.zeros((len(sentences), longest, LENGTH), np.int32)
    for row, sentence in zip(rows, sentences, strict=True):
        row[: len(sentence)] = ids(sentence)
    return rows


def encode(tokens: tf.Tensor) -> tf.Tensor:
    """Returns int32 `[..., 50]`, in the graph; see `ids`.

    Args:
      tokens: String `[...]`, any bytes.
    """
    raw = tf.io.decode_raw(tokens, tf.uint8, fixed_length=_BYTES)  # 0 behind the end
    count = tf.minimum(tf.strings.length(tokens), _BYTES)[..., tf.newaxis]
    place = tf.range(_BYTES)
    inside = tf.where(place < count, tf.cast(raw, tf.int32) + 1, FILL)
    for mark, number in _MARKS.items():
        found = (tokens == mark)[..., tf.newaxis]
        first = tf.where(place == 0, number, FILL)
        inside = tf.where(found, first, inside)
        count = tf.where(found, 1, count)
    body = tf.concat([inside, tf.fill(tf.shape(count), FILL)], -1)
    body = tf.where(tf.range(_BYTES + 1) == count, LAST, body)
    return tf.concat([tf.fill(tf.shape(count), FIRST), body], -1)


def padded(tokens: tf.RaggedTensor, length: int | None = None) -> tf.Tensor:
    """Returns int32 `[batch, tokens, 50]`, zeros behind each row's last token.

    Args:
      tokens: String `[batch, (tokens)]`.
      length: Width of the result; None for that of the longest row.
    """
    rows = tokens.with_flat_values(encode(tokens.flat_values))
    return rows.to_tensor(shape=[None, length, LENGTH])


def cut(tokens: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Returns int32 `[batch, tokens, 50]`, zeros from each row's length on.

    Args:
      tokens: String `[batch, tokens]`.
      lengths: Int32 `[batch]`.
    """
    inside = tf.sequence_mask(lengths, tf.shape(tokens)[1])
    return tf.where(inside[..., tf.newaxis], encode(tokens), 0)


def split(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns the pieces between spaces, string `[batch, (tokens)]`.

    Spaces alone part tokens, and many count as one, as in the Hub module.

    Args:
      texts: String `[batch]`, any bytes.
    """
    pieces = tf.strings.split(texts, " ")
    return tf.ragged.boolean_mask(pieces, pieces != "")
