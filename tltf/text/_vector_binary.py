"""Reads word2vec's binary format: a word, a space, float32 numbers."""

from collections.abc import Iterator
from typing import IO

import numpy as np

from tltf import errors
from tltf.text import _vector_lines, _word_index

_ROWS = 4096  # of a block
_CHUNK = 1 << 22
_LONGEST = 1 << 16  # bytes of a word


def blocks(
    stream: IO[bytes], rest: bytes, shape: tuple[int, int], name: object
) -> Iterator[_vector_lines.Block]:
    """Yields the words and vectors behind the header.

    Lines are counted as if each word were one, the header the first.

    Args:
      stream: The file, where `rest` ends.
      rest: What was read behind the header already.
      shape: Words and numbers of a word, as the header has them.
      name: The file, for messages.

    Raises:
      UserError: The file ends before all words came, or is another format.
    """
    words, parts = [], []
    for word, vector in _records(stream, rest, shape, name):
        words.append(word)
        parts.append(vector)
        if len(words) == _ROWS:
            yield _block(words, parts, shape[1])
            words, parts = [], []
    if words:
        yield _block(words, parts, shape[1])


def _records(
    stream: IO[bytes], data: bytes, shape: tuple[int, int], name: object
) -> Iterator[tuple[bytes, bytes]]:
    size, at = 4 * shape[1], 0
    for row in range(shape[0]):
        while (space := data.find(b" ", at)) < 0 or len(data) < space + 1 + size:
            chunk = stream.read(max(_CHUNK, size))
            if not chunk or (space < 0 and len(data) - at > _LONGEST):
                raise errors.UserError(
                    f"{name} holds {row} whole vectors of the {shape[0]} that its "
                    "header promises: it is cut short or no word2vec file; get it again"
                )
            data, at = data[at:] + chunk, 0
        # the C tool ends a vector with a line feed, others do not
        word = data[at:space].lstrip(b"\n")
        at = space + 1 + size
        yield word, data[space + 1 : at]


def _block(words: list[bytes], parts: list[bytes], width: int) -> _vector_lines.Block:
    matrix = np.frombuffer(b"".join(parts), "<f4").reshape(-1, width)
    named = np.array([bool(word) and b"\n" not in word for word in words])
    packed = _word_index.pack(words)
    return _vector_lines.checked(packed, np.arange(len(words)), matrix, named)
