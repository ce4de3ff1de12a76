"""Reads blocks of text lines: a word, then its numbers."""

import collections
import math
from typing import NamedTuple

import numpy as np

from tltf.text import _decimals, _word_index

BROKEN = "broken"  # no word, or something that is no finite number
UNEVEN = "uneven"  # more or fewer numbers than the other lines
DUPLICATE = "duplicate"
NOT_UTF8 = "not_utf8"

_LINE, _SPACE = ord("\n"), ord(" ")
_BLANKS = np.zeros(256, bool)
_BLANKS[[ord(c) for c in " \t\r\n"]] = True
_LAST_BLANK = 32
# for `bytes.split`: other control characters are part of words
_SPACES = bytes(c if c > _LAST_BLANK or _BLANKS[c] else ord("x") for c in range(256))
_BEFORE, _BEHIND = b"x" * _decimals.FRONT, b"x" * _decimals.BACK
_SAMPLE = 100  # lines that vote on the dimension


class Fault(NamedTuple):
    """What is wrong with one line; `cause` is a sentence's end, in words."""

    line: int
    kind: str
    cause: str


class Block(NamedTuple):
    """The sound lines of a stretch of the file, in order.

    Attributes:
      words: The word of each.
      hashes: uint64 [n], of the words.
      matrix: float32 [n, d].
      lines: int64 [n], the line each came from, counted from the block's 0.
      faults: The other lines, blank ones left out.
      count: Lines of the block, all of them.
    """

    words: _word_index.Packed
    hashes: np.ndarray
    matrix: np.ndarray
    lines: np.ndarray
    faults: list[Fault]
    count: int


class _Fields(NamedTuple):
    starts: np.ndarray  # of every field
    ends: np.ndarray
    first: np.ndarray  # a line's first field, and behind its last
    behind: np.ndarray


def dimension(text: bytes) -> int:
    """Returns the count of numbers that most of the first lines end in, or 0."""
    lines = text.translate(_SPACES).split(b"\n")
    sizes = collections.Counter(
        _numbers(line.split()) for line in lines[:_SAMPLE] if line.strip()
    )
    return sizes.most_common(1)[0][0] if sizes else 0


def _numbers(fields: list[bytes]) -> int:
    """Returns how many fields behind the first are numbers, from the end."""
    for count, field in enumerate(reversed(fields[1:])):
        if math.isnan(_decimals.number(field)):
            return count
    return len(fields) - 1


def framed(*parts: bytes | memoryview) -> bytes:
    """Returns whole lines, given in parts, as `parse` takes them."""
    return b"".join((_BEFORE, *parts, _BEHIND))


def parse(text: bytes, d: int) -> Block:
    """Returns the words and vectors of whole lines.

    The last `d` fields of a line are its numbers and all before is the word,
    spaces included, unless what stands between the word's first field and the
    numbers is numbers too.

    Args:
      text: Lines that all end in a line feed, `framed`.
      d: Numbers on a line.
    """
    codes = np.frombuffer(text, np.uint8)[: -_decimals.BACK]
    places = np.flatnonzero(codes <= _LAST_BLANK)
    table = _table(codes, places, d)
    if table is not None:
        return _even(text, table)
    fields = _fields(codes, places)
    sizes = fields.behind - fields.first
    faults = _uneven(text, fields, d)
    right = sizes > d
    right[[fault.line for fault in faults]] = False
    rows = np.flatnonzero(right)
    matrix = _matrix(text, fields, rows, d)
    block = checked(_words(text, fields, rows, d), rows, matrix)
    return block._replace(faults=sorted(faults + block.faults), count=len(sizes))


def checked(
    words: _word_index.Packed,
    lines: np.ndarray,
    matrix: np.ndarray,
    named: np.ndarray | None = None,
) -> Block:
    """Returns the block of those lines that are sound, and faults for the others.

    Args:
      words: The word of each.
      lines: int64 [n], counted from the block's 0.
      matrix: float32 [n, d].
      named: bool [n], false where a word is none.
    """
    finite = np.isfinite(matrix)
    # rows one by one cost more than all at once
    fine = np.ones(len(lines), bool) if finite.all() else finite.all(axis=1)
    causes = [(BROKEN, "not all its numbers are finite numbers", ~fine)]
    if named is not None:
        causes.append((BROKEN, "it has no word", fine & ~named))
        fine &= named
    told = _utf8(words)
    causes.append((NOT_UTF8, "its word is not UTF-8", fine & ~told))
    fine &= told
    faults = [
        Fault(line, kind, cause)
        for kind, cause, where in causes
        for line in lines[where].tolist()
    ]
    count = len(lines)
    if faults:
        words, lines, matrix = words.keep(fine), lines[fine], matrix[fine]
    hashes = _word_index.hashes(words)
    return Block(words, hashes, matrix, lines, sorted(faults), count)


def _table(codes: np.ndarray, places: np.ndarray, d: int) -> np.ndarray | None:
    """Returns the ends of all fields, `[lines, d + 1]`, if single spaces part them.

    Most blocks of most files are such, and parsed in fewer steps. None if not.
    """
    rows, rest = divmod(len(places), d + 1)
    if rest or not rows or np.count_nonzero(codes < _SPACE) != rows:
        return None
    table = places.reshape(rows, d + 1)
    doubled = places[0] == _decimals.FRONT or (places[1:] - places[:-1] == 1).any()
    lines = (codes[table[:, -1]] == _LINE).all()
    return table if lines and not doubled else None


def _even(text: bytes, table: np.ndarray) -> Block:
    rows, d = len(table), table.shape[1] - 1
    starts, ends = table[:, :-1] + 1, table[:, 1:]
    values = _decimals.parse(text, starts.ravel(), ends.ravel())
    begins = np.concatenate([[_decimals.FRONT], table[:-1, -1] + 1])
    words = _word_index.cut(text, begins, table[:, 0])
    block = checked(words, np.arange(rows), values.reshape(rows, d))
    return block._replace(count=rows)


def _fields(codes: np.ndarray, places: np.ndarray) -> _Fields:
    kinds = codes[places]
    if not ((kinds == _SPACE) | (kinds == _LINE)).all():
        blank = _BLANKS[kinds]  # other control characters are part of words
        places, kinds = places[blank], kinds[blank]
    before = np.empty_like(places)
    before[:1], before[1:] = _decimals.FRONT, places[:-1] + 1
    full = places > before
    lines = np.flatnonzero(kinds == _LINE)
    if full.all():
        behind = lines + 1
    else:
        behind = np.cumsum(full)[lines]
        before, places = before[full], places[full]
    first = np.concatenate([[0], behind[:-1]]) if len(behind) else behind
    return _Fields(before, places, first, behind)


def _uneven(text: bytes, fields: _Fields, d: int) -> list[Fault]:
    sizes = fields.behind - fields.first
    odd = np.flatnonzero((sizes != d + 1) & (sizes > 0))
    faults = []
    for row, size in zip(odd.tolist(), sizes[odd].tolist(), strict=True):
        last = fields.behind[row] - d
        between = range(fields.first[row] + 1, last)
        spans = [text[fields.starts[k] : fields.ends[k]] for k in between]
        # 840B has words such as ". . ." and "at name@domain.com"
        worded = size > d and any(math.isnan(_decimals.number(s)) for s in spans)
        if not worded:
            faults.append(Fault(row, UNEVEN, f"{size - 1} numbers, the others {d}"))
    return faults


def _matrix(text: bytes, fields: _Fields, rows: np.ndarray, d: int) -> np.ndarray:
    if len(rows) == len(fields.first) and len(fields.starts) == len(rows) * (d + 1):
        starts = fields.starts.reshape(-1, d + 1)[:, 1:]
        ends = fields.ends.reshape(-1, d + 1)[:, 1:]
    else:
        places = fields.behind[rows][:, None] + np.arange(-d, 0)
        starts, ends = fields.starts[places], fields.ends[places]
    values = _decimals.parse(text, starts.ravel(), ends.ravel())
    return values.reshape(-1, d)


def _words(
    text: bytes, fields: _Fields, rows: np.ndarray, d: int
) -> _word_index.Packed:
    starts = fields.starts[fields.first[rows]]
    ends = fields.ends[fields.behind[rows] - d - 1]
    return _word_index.cut(text, starts, ends)


def _utf8(words: _word_index.Packed) -> np.ndarray:
    if _is_utf8(words.text.tobytes()):
        return np.ones(len(words.sizes), bool)
    parts = np.split(words.text, np.cumsum(words.sizes)[:-1])
    return np.array([_is_utf8(part.tobytes()) for part in parts])


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
