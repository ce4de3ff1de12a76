"""Values of JSON to NumPy arrays."""

import binascii
import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from tltf.serving import status

_DIGITS = {"float16": 11, "float32": 24, "float64": 53}  # of the mantissa


def tensor(value: Any, dtype: np.dtype) -> np.ndarray:
    """Returns an array of a JSON value, of lists in lists of one size.

    Args:
      value: Numbers, booleans, strings or {"b64": ...}.
      dtype: Of the array; object for strings.

    Raises:
      status.Refused: Lists of unlike sizes, or a value of another type.
    """
    shape, leaves = _flat(value)
    if np.dtype(dtype).kind == "O":
        array = np.empty(len(leaves), object)
        array[:] = [string(leaf) for leaf in leaves]
    else:
        array = _numbers(leaves, np.dtype(dtype))
    return array.reshape(shape)


def binary(value: Any) -> bool:
    """Returns whether a value is {"b64": ...}, which stands for bytes."""
    return isinstance(value, dict) and value.keys() == {"b64"}


def _flat(value: Any) -> tuple[list[int], list]:
    """Shape and values of nested lists, which must all have one depth."""
    shape, level = [], [value]
    while level and isinstance(level[0], list):
        size = len(level[0])
        if not all(isinstance(one, list) and len(one) == size for one in level):
            raise status.invalid(
                f"Encountered lists of unlike size at level: {len(shape)} expected "
                f"size: {size}"
            )
        shape.append(size)
        level = list(itertools.chain.from_iterable(level))
    if any(isinstance(one, list) for one in level):
        raise status.invalid(
            f"Encountered list at unexpected level: {len(shape)} expected a value"
        )
    return shape, level


def _numbers(leaves: list, dtype: np.dtype) -> np.ndarray:
    kinds = set(map(type, leaves))
    allowed = {"b": {bool}, "i": {int}, "u": {int}}.get(dtype.kind, {int, float})
    if not kinds <= allowed:
        wrong = next(leaf for leaf in leaves if type(leaf) not in allowed)
        raise status.invalid(
            f"JSON Value: {short(wrong)} is not of expected type: {dtype.name}"
        )
    whole = np.uint64 if dtype == np.uint64 else np.int64
    try:
        wide = np.array(leaves, whole if kinds <= {int} else None)
    except OverflowError:
        raise status.invalid(f"a number is out of the range of {dtype.name}") from None
    _check_range(wide, dtype)
    return wide.astype(dtype)


def _check_range(wide: np.ndarray, dtype: np.dtype) -> None:
    if not wide.size or dtype.kind == "b":
        return
    if dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    elif wide.dtype.kind in "iu":
        high = 2 ** _DIGITS.get(dtype.name, 8) - 1
        low = -high
    else:
        finite = wide[np.isfinite(wide)]
        high = float(tf.dtypes.as_dtype(dtype).max)
        low, wide = -high, finite
    if wide.size and (wide.min() < low or wide.max() > high):
        raise status.invalid(
            f"Cannot convert a number of {wide.min()} to {wide.max()} to {dtype.name} "
            "without loss of precision."
        )


def string(value: Any) -> bytes:
    """Returns the bytes of a string, or of {"b64": ...}.

    Raises:
      status.Refused: It is neither.
    """
    if isinstance(value, str):
        return encoded(value)
    if not binary(value) or not isinstance(value["b64"], str):
        raise status.invalid(
            f"JSON Value: {short(value)} is not of expected type: string"
        )
    text = value["b64"]
    try:  # str is read in place: the bytes of the file are made once
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return _lenient(text)


def _lenient(text: str) -> bytes:
    """Base64 with white space in it, or without its padding."""
    whole = "".join(text.split())
    try:
        return binascii.a2b_base64(whole + "=" * (-len(whole) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        raise status.invalid("Unable to base64 decode") from None


def encoded(text: str) -> bytes:
    """Returns a string as UTF-8.

    Raises:
      status.Refused: It cannot be.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # JSON may escape half of a surrogate pair
        raise status.invalid("a string is not valid Unicode") from None


def short(value: Any) -> str:
    """Returns a value in few words, for messages."""
    text = repr(value) if not isinstance(value, dict) else f"keys {list(value)[:9]}"
    return text if len(text) <= 80 else f"{text[:77]}..."
