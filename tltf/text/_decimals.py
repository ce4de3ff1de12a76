"""Reads many decimal numbers at once, each exactly as `float` reads it."""

import math
import re

import numpy as np

FRONT = 16  # bytes that must stand before the first token

_ONES = np.uint64(0x0101010101010101)
_ZEROS = np.uint64(0x3030303030303030)
_DOT = np.uint64(0x1E)  # "." xor "0"
_TOP = np.uint64(0x8080808080808080)
_OVER_NINE = np.uint64(0x7676767676767676)  # carries into the top bit from 10 on
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
# digits behind the dot, plus one, by the dot's byte in the later and earlier word
_LATER = np.uint64(0x0807060504030201)
_EARLIER = np.uint64(0x100F0E0D0C0B0A09)
_WHOLE = np.array([np.inf, *(10.0**n for n in range(1, 17))])
_FRACTION = np.array([1.0, *(10.0**n for n in range(16))])
_EXACT = 2.0**53
_STRANGE = re.compile(rb"[^0-9eE.+-]")


def parse(text: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Returns the numbers at some places of a text, NaN where there is none.

    Tokens of up to 16 characters without exponent are read in vector steps:
    two 8-byte words hold the characters, the digits become one integer below
    2^53, and one division by a power of ten below 10^22 rounds once (Clinger,
    How to read floating point numbers accurately, PLDI 1990, section 3). The
    others go through `float`.

    Args:
      text: Bytes; `FRONT` of them or more before the first token.
      starts: int64 [n], where a token begins.
      ends: int64 [n], where it ends, exclusive; later than its start.

    Returns:
      float64 [n].
    """
    values, good = _short(text, starts, ends)
    slow = np.flatnonzero(~good)
    if len(slow):
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
    text: bytes, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    signs = np.frombuffer(text, np.uint8)[starts] == ord("-")
    sizes = ends - starts - signs
    low, points, good = _digits(text, ends - 8, sizes)
    values = low.astype(np.float64)
    code = ((points * _LATER) >> np.uint64(56)).astype(np.intp)
    good &= sizes <= 16
    long = np.flatnonzero(sizes > 8)
    if len(long):
        high, points, fine = _digits(text, ends[long] - 16, sizes[long] - 8)
        values[long] += high.astype(np.float64) * 1e8
        good[long] &= fine & ((code[long] == 0) | (points == 0))
        code[long] += ((points * _EARLIER) >> np.uint64(56)).astype(np.intp)
        good &= values < _EXACT
    good &= sizes > (code > 0)
    fraction = _FRACTION.take(code, mode="clip")
    # the dot counted as a digit 0: take it out of what stands before it
    whole = np.floor(values / _WHOLE.take(code, mode="clip"))
    values -= 9.0 * whole * fraction
    values /= fraction
    values *= 1.0 - 2.0 * signs
    return values, good


def _digits(
    text: bytes, places: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads the last `sizes` (at most 8) of the 8 characters at each place.

    Returns:
      The integer they spell, a dot read as 0; the dot as a bit at its byte, or
      0; and whether all are digits but for one dot.
    """
    words = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))[places]
    words ^= _ZEROS
    words &= _ALL << ((8 - np.minimum(sizes, 8)) << 3).astype(np.uint64)
    points = (words >> np.uint64(4)) & _ONES
    digits = words & ~(points * np.uint64(0xFF))
    good = (words ^ digits) == points * _DOT
    good &= ((digits + _OVER_NINE) | digits) & _TOP == 0
    good &= points & (points - np.uint64(1)) == 0
    return _join(digits), points, good


def _join(digits: np.ndarray) -> np.ndarray:
    """Returns the integers of 8 digits, the first in the lowest byte."""
    for shift, factor, mask in (
        (8, 10, 0x00FF00FF00FF00FF),
        (16, 100, 0x0000FFFF0000FFFF),
        (32, 10_000, 0x00000000FFFFFFFF),
    ):
        digits = digits * np.uint64(factor) + (digits >> np.uint64(shift))
        digits &= np.uint64(mask)
    return digits
