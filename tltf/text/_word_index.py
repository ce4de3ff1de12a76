"""Finds the row of a word in arrays that may be memory-mapped."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_LINE = ord("\n")
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
# odd numbers of the splitmix64 generator's finaliser
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_WINDOWS = 4  # of 8 bytes; of longer words the first and, as the last one, the end


class Packed(NamedTuple):
    """Words one behind the other.

    Attributes:
      text: uint8 [bytes], UTF-8, a line feed behind each word.
      sizes: int64 [n], bytes of each word, its line feed included.
    """

    text: np.ndarray
    sizes: np.ndarray

    def keep(self, where: np.ndarray) -> "Packed":
        """Returns the words that a bool [n] is true for."""
        return Packed(self.text[np.repeat(where, self.sizes)], self.sizes[where])


class Index(NamedTuple):
    """Words in row order, and their rows in the order of a hash.

    Attributes:
      text: uint8 [bytes], as in `Packed`.
      starts: int64 [n + 1], where in `text` each begins.
      hashes: uint64 [n], sorted.
      rows: uint32 [n], the word that each hash is of.
    """

    text: np.ndarray
    starts: np.ndarray
    hashes: np.ndarray
    rows: np.ndarray


def pack(words: Sequence[bytes]) -> Packed:
    """Returns words without line feeds, packed."""
    sizes = np.fromiter(map(len, words), np.int64, len(words)) + 1
    return Packed(np.frombuffer(b"\n".join([*words, b""]), np.uint8), sizes)


def cut(text: bytes, starts: np.ndarray, ends: np.ndarray) -> Packed:
    """Returns stretches of a text, packed; a byte to spare follows each.

    Args:
      text: Any bytes.
      starts: int64 [n].
      ends: int64 [n], exclusive.
    """
    sizes = ends - starts + 1
    behind = np.cumsum(sizes)
    shift = np.repeat(starts - (behind - sizes), sizes)
    packed = np.frombuffer(text, np.uint8)[shift + np.arange(len(shift))]
    packed[behind - 1] = _LINE
    return Packed(packed, sizes)


def hashes(packed: Packed) -> np.ndarray:
    """Returns a number for each word that hardly any other has, uint64 [n].

    Eight bytes at a time go through the mixing steps of splitmix64 (Steele et
    al., Fast splittable pseudorandom number generators, OOPSLA 2014).
    """
    text = np.concatenate([packed.text, np.zeros(8, np.uint8)])
    windows = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))
    left = packed.sizes - 1
    places = np.cumsum(packed.sizes) - packed.sizes
    found = left.astype(np.uint64) * _SECOND
    rows = np.arange(len(left))
    for step in range(_WINDOWS):
        rows, left, places = (x[left > 0] for x in (rows, left, places))
        if not len(rows):
            break
        if step == _WINDOWS - 1:
            places = places + np.maximum(left - 8, 0)
        empty = ((8 - np.minimum(left, 8)) << 3).astype(np.uint64)
        found[rows] = _mixed(found[rows] ^ (windows[places] & (_ALL >> empty)))
        left, places = left - 8, places + 8
    return found


def build(packed: Packed, hashes: np.ndarray, order: np.ndarray) -> Index:
    """Returns the index of distinct words, given their hashes and what sorts them."""
    starts = np.zeros(len(packed.sizes) + 1, np.int64)
    np.cumsum(packed.sizes, out=starts[1:])
    return Index(packed.text, starts, hashes[order], order.astype(np.uint32))


def repeated(packed: Packed, hashes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Returns the rows whose word stands in an earlier row too, int64, sorted."""
    ordered = hashes[order]
    alike = np.flatnonzero(ordered[1:] == ordered[:-1])
    rows = np.unique(order[np.concatenate([alike, alike + 1])])
    ends = np.cumsum(packed.sizes)[rows] if len(rows) else rows
    seen: set[bytes] = set()
    again = []
    for row, end in zip(rows.tolist(), ends.tolist(), strict=True):
        word = packed.text[end - packed.sizes[row] : end].tobytes()
        if word in seen:
            again.append(row)
        seen.add(word)
    return np.array(again, np.int64)


def find(index: Index, words: Sequence[bytes]) -> np.ndarray:
    """Returns the row of each word, -1 for those not there; int64 [n]."""
    wanted = hashes(pack(words))
    places = np.searchsorted(index.hashes, wanted)
    found = np.full(len(words), -1, np.int64)
    for k, (asked, place) in enumerate(zip(words, places.tolist(), strict=True)):
        while place < len(index.hashes) and index.hashes[place] == wanted[k]:
            row = int(index.rows[place])
            if word(index, row) == asked:
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


def _mixed(values: np.ndarray) -> np.ndarray:
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))
