"""Reads many decimal numbers at once, each exactly as `float` reads it."""

import math
import re

import numpy as np

FRONT, BACK = 16, 8  # bytes that must stand before the first token, behind the last

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
# of "0.000000": a digit, a dot, up to six digits
_PLAIN = np.uint64(0x3030303030302E30)
_PLAIN_OVER = np.uint64(0x7676767676767F76)  # nothing but a dot at the dot's place
_MILLION = np.float32(1e6)
# the first n of 8 characters; of none all, where a blank then is no digit
_FIRST = np.array([2**64 - 1, *(2 ** (8 * n) - 1 for n in range(1, 9))], np.uint64)
_EXACT = 2.0**53
_STRANGE = re.compile(rb"[^0-9eE.+-]")


def parse(text: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Returns the numbers at some places of a text, NaN where there is none.

    8-byte words hold the characters of a token and are read in vector steps:
    those of a digit, a dot and up to six digits as one integer below 10^7, which
    float32 holds, and one division by 10^6; others of up to 16 characters
    without exponent as one below 2^53 and a division by a power of ten below
    10^22. Such a division rounds once (Clinger, How to read floating point
    numbers accurately, PLDI 1990, section 3). The others go through `float`.

    Args:
      text: Bytes; `FRONT` of them or more before the first token, and `BACK` or
        more behind the last.
      starts: int64 [n], where a token begins.
      ends: int64 [n], where it ends, exclusive; a blank stands there.

    Returns:
      float32 [n], what `float` reads, rounded; infinite where that is too large.
    """
    signs = np.frombuffer(text, np.uint8)[starts] == ord("-")
    starts = starts + signs
    sizes = ends - starts
    values, good = _short(text, starts, sizes)
    values.view(np.uint32)[...] |= signs.astype(np.uint32) << np.uint32(31)
    if not good.all():
        more = np.flatnonzero(~good)
        with np.errstate(over="ignore"):  # beyond float32
            values[more] = _others(text, ends[more], sizes[more], signs[more])
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
    text: bytes, starts: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Reads tokens of a digit, and a dot and up to 6 digits; says which are such."""
    words = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))[starts]
    words ^= _PLAIN
    words &= _FIRST.take(sizes, mode="clip")
    wrong = words + _PLAIN_OVER
    wrong |= words
    wrong &= _TOP
    good = wrong == 0
    good &= sizes <= 8
    # two digits a byte: bytes 1 and 5, then 3 and 7
    words *= np.uint64(2561)  # 10 << 8 | 1
    even = words & np.uint64(0x0000FF000000FF00)
    words >>= np.uint64(16)
    words &= np.uint64(0x0000FF000000FF00)
    # the first byte is ten times its digit, as if the dot were a digit 0
    even *= np.uint64(100_000 << 32 | 100)
    words *= np.uint64(10_000 << 32 | 1)
    even += words
    even >>= np.uint64(40)
    values = even.astype(np.uint32).view(np.int32).astype(np.float32)
    values /= _MILLION
    return values, good


def _others(
    text: bytes, ends: np.ndarray, sizes: np.ndarray, signs: np.ndarray
) -> np.ndarray:
    """Returns the numbers that end at some places, float64."""
    values, good = _long(text, ends, sizes, signs)
    slow = np.flatnonzero(~good)
    starts = ends[slow] - sizes[slow] - signs[slow]
    spans = zip(starts.tolist(), ends[slow].tolist(), strict=True)
    values[slow] = [number(text[a:b]) for a, b in spans]
    return values


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
