"""Finds the row of a word in arrays that may be memory-mapped."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Index(NamedTuple):
    """Words in row order, and their rows in the order of a hash.

    Attributes:
      text: uint8 [bytes], the words as UTF-8, a line feed behind each.
      starts: int64 [n + 1], where in `text` each begins.
      hashes: uint32 [n], `zlib.crc32` of the words, sorted.
      rows: uint32 [n], the word that each hash is of.
    """

    text: np.ndarray
    starts: np.ndarray
    hashes: np.ndarray
    rows: np.ndarray


def build(words: Sequence[bytes], hashes: np.ndarray | None = None) -> Index:
    """Returns the index of distinct words without line feeds.

    Args:
      words: UTF-8 bytes.
      hashes: uint32 [n], their `zlib.crc32` where known already.
    """
    if hashes is None:
        hashes = np.fromiter(map(zlib.crc32, words), np.uint32, len(words))
    starts = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, words), np.int64, len(words)) + 1, out=starts[1:])
    text = np.frombuffer(b"\n".join([*words, b""]), np.uint8)
    order = np.argsort(hashes)
    return Index(text, starts, hashes[order], order.astype(np.uint32))


def find(index: Index, words: Sequence[bytes]) -> np.ndarray:
    """Returns the row of each word, -1 for those not there; int64 [n]."""
    hashes = np.fromiter(map(zlib.crc32, words), np.uint32, len(words))
    places = np.searchsorted(index.hashes, hashes)
    found = np.full(len(words), -1, np.int64)
    for k, (wanted, place) in enumerate(zip(words, places.tolist(), strict=True)):
        while place < len(index.hashes) and index.hashes[place] == hashes[k]:
            row = int(index.rows[place])
            if word(index, row) == wanted:
                found[k] = row
                break
            place += 1  # two words of one hash
    return found


def words(index: Index) -> list[str]:
    """Returns all words in row order."""
    return index.text.tobytes().decode().split("\n")[:-1]


def word(index: Index, row: int) -> bytes:
    """Returns the word of a row, UTF-8."""
    return index.text[index.starts[row] : index.starts[row + 1] - 1].tobytes()
