"""Reads many decimal numbers at once, each exactly as `float` reads it."""

import math
import re

import numpy as np

FRONT = 16  # bytes that must stand before the first token

_ONES = np.uint64(0x0101010101010101)
_ZEROS = np.uint64(0x3030303030303030)
_BYTE = np.uint64(0xFF)
_DOT = np.uint64(0x1E)  # "." xor "0"
_TOP = np.uint64(0x8080808080808080)
_OVER_NINE = np.uint64(0x7676767676767676)  # carries into the top bit from 10 on
# the last n of 8 characters, n from 0 to 8
_LAST = np.array([(2**64 - 1) ^ (2 ** (64 - 8 * n) - 1) for n in range(9)], np.uint64)
# by the dot's byte in a word: digits behind it, plus one; 0 for no dot
_LATER = np.uint64(0x0807060504030201)
_EARLIER = np.uint64(0x100F0E0D0C0B0A09)
_WHOLE = np.array([np.inf, *(10.0**n for n in range(1, 17))])
_FRACTION = np.array([1.0, *(10.0**n for n in range(16))])
# the same for words of one 8 characters, then once more for negative numbers
_SIGNED = np.concatenate([_FRACTION[:9], -_FRACTION[:9]])
_EXACT = 2.0**53
_STRANGE = re.compile(rb"[^0-9eE.+-]")


def parse(text: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Returns the numbers at some places of a text, NaN where there is none.

    Tokens of up to 16 characters without exponent are read in vector steps:
    8-byte words hold the characters, the digits become one integer below 2^53,
    and one division by a power of ten below 10^22 rounds once (Clinger, How to
    read floating point numbers accurately, PLDI 1990, section 3). The others go
    through `float`.

    Args:
      text: Bytes; `FRONT` of them or more before the first token.
      starts: int64 [n], where a token begins.
      ends: int64 [n], where it ends, exclusive; later than its start.

    Returns:
      float64 [n].
    """
    signs = np.frombuffer(text, np.uint8)[starts] == ord("-")
    sizes = ends - starts
    sizes -= signs
    values, good = _short(text, ends, sizes, signs)
    more = np.flatnonzero(~good)
    if len(more):
        values[more], good = _long(text, ends[more], sizes[more], signs[more])
        slow = more[~good]
        spans = zip(starts[slow].tolist(), ends[slow].tolist(), strict=True)
        values[slow] = [number(text[a:b]) for a, b in spans]
    return values


def number(token: bytes) -> float:
    """Returns the finite number that a token spells, or NaN."""
    if _STRANGE.search(token):
        return math.nan  # float() takes "1_0" and spaces too
    try:
        value = float(token)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _short(
    text: bytes, ends: np.ndarray, sizes: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Reads tokens of a dot and up to 7 digits; says which are such."""
    digits, points, good = _characters(text, ends - 8, sizes)
    # digits before the dot move up a byte, into its place
    digits += (digits & (points - np.uint64(1))) * _BYTE
    points *= _LATER
    points >>= np.uint64(56)
    code = points.view(np.int64)
    good &= (code > 0) & (sizes > 1) & (sizes <= 8)
    values = _joined(digits).astype(np.float64)
    values /= _SIGNED.take(code + 9 * signs, mode="clip")
    return values, good


def _long(
    text: bytes, ends: np.ndarray, sizes: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Reads tokens of up to 16 digits, with a dot or without; says which are such."""
    low, later, good = _characters(text, ends - 8, sizes)
    high, earlier, fine = _characters(text, ends - 16, sizes - 8)
    good &= fine & ((later == 0) | (earlier == 0)) & (sizes <= 16)
    values = _joined(high) * 1e8 + _joined(low)
    good &= values < _EXACT
    code = (later * _LATER) >> np.uint64(56)
    code += (earlier * _EARLIER) >> np.uint64(56)
    code = code.astype(np.int64)
    good &= sizes > (code > 0)
    fraction = _FRACTION.take(code, mode="clip")
    # the dot counted as a digit 0: take it out of what stands before it
    whole = np.floor(values / _WHOLE.take(code, mode="clip"))
    values -= 9.0 * whole * fraction
    values /= np.where(signs, -fraction, fraction)
    return values, good


def _characters(
    text: bytes, places: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads the last `sizes` (at most 8) of the 8 characters at each place.

    Returns:
      The digits, a byte each, 0 for a dot and for what is not read; the dot as a
      bit at its byte, or 0; and whether all are digits but for one dot.
    """
    words = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))[places]
    words ^= _ZEROS
    words &= _LAST.take(sizes, mode="clip")
    points = words >> np.uint64(4)
    points &= _ONES
    digits = words & ~(points * _BYTE)
    words ^= digits
    words ^= points * _DOT
    words |= ((digits + _OVER_NINE) | digits) & _TOP
    words |= points & (points - np.uint64(1))
    return digits, points, words == 0


def _joined(digits: np.ndarray) -> np.ndarray:
    """Returns the integers of 8 digits, the first in the lowest byte."""
    for shift, factor, mask in (
        (8, 10, 0x00FF00FF00FF00FF),
        (16, 100, 0x0000FFFF0000FFFF),
        (32, 10_000, 0x00000000FFFFFFFF),
    ):
        part = digits >> np.uint64(shift)
        digits = digits * np.uint64(factor)
        digits += part
        digits &= np.uint64(mask)
    return digits
