"""TensorProto of a request to NumPy arrays and back."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from tltf.serving import status

if TYPE_CHECKING:
    from tltf.serving import version

Tensors = dict[str, np.ndarray]
_MOST = 64 << 20  # bytes of one tensor, whatever it takes in the message


def read(proto: tensor_pb2.TensorProto, *, most: int = _MOST) -> np.ndarray:
    """Returns the array that a message states, object for strings.

    Args:
      proto: From a request.
      most: Bytes of the array. A message of few bytes can state a large one, for
        the last of its values stands for all that are missing.

    Raises:
      status.Refused: It is no array, or a larger one.
    """
    shape = [axis.size for axis in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise status.invalid(f"tensor of shape {shape}: every size must be given")
    try:
        dtype = np.dtype(tf.dtypes.as_dtype(proto.dtype).as_numpy_dtype)
    except (TypeError, KeyError):  # KeyError: of resources and variants
        raise status.invalid(f"no array has the type {proto.dtype}") from None
    if math.prod(shape) * dtype.itemsize > most:
        raise status.Refused(
            "RESOURCE_EXHAUSTED", f"tensor of shape {shape} over {most} bytes"
        )
    try:
        return np.asarray(tf.make_ndarray(proto))
    except (TypeError, ValueError, IndexError) as error:
        raise status.invalid(f"tensor of shape {shape}: {error}") from None


def write(value: np.ndarray) -> tensor_pb2.TensorProto:
    """Returns an array as a message."""
    dtype = tf.string if value.dtype.kind == "O" else None
    return tf.make_tensor_proto(value, dtype)


def fitting(inputs: Mapping[str, np.ndarray], signature: "version.Signature") -> None:
    """Checks that tensors are what a signature takes.

    Raises:
      status.Refused: A name, type or shape is another.
    """
    if missing := signature.inputs.keys() - inputs.keys():
        raise status.invalid(f"input {', '.join(sorted(missing))} is missing")
    if extra := inputs.keys() - signature.inputs.keys():
        raise status.invalid(
            f"no input {', '.join(sorted(extra))}; the signature takes "
            f"{', '.join(sorted(signature.inputs))}"
        )
    for name, value in inputs.items():
        wanted = signature.inputs[name]
        if value.dtype != wanted.dtype:
            raise status.invalid(
                f"input {name} is {_named(value.dtype)}; expected "
                f"{_named(wanted.dtype)}"
            )
        if not _compatible(value.shape, wanted.shape):
            raise status.invalid(
                f"input {name} has shape {list(value.shape)}; expected "
                f"{list(wanted.shape)}"
            )


def rows(inputs: Mapping[str, np.ndarray], signature: "version.Signature"):
    """Returns how many records a request has; None where it must go alone."""
    if not signature.rows:
        return None
    sizes = {len(value) if value.ndim else None for value in inputs.values()}
    size = sizes.pop() if len(sizes) == 1 else None
    return size or None  # a request of no records goes alone


def _compatible(shape: tuple[int, ...], wanted: tuple[int | None, ...] | None) -> bool:
    if wanted is None:
        return True
    pairs = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(b in (None, a) for a, b in pairs)


def _named(dtype: np.dtype) -> str:
    return "string" if dtype.kind == "O" else dtype.name
