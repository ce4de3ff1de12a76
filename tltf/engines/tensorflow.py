"""TensorFlow's own runtime, on a graph without variables; always there."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tltf.engines import _frozen

# seconds to build, seconds per 10^9 multiplications: MobileNetV2 224, 2 cores
COST = {"float32": (1.4, 0.023)}


def available(precision: str) -> str | None:
    """Returns None where `precision` can be had, else the reason in words."""
    if precision in COST:
        return None
    return f"TensorFlow computes {precision} no faster than float32 on a CPU"


def compile(encoder, *, batch: int, precision: str) -> Callable:
    """Returns the forward pass, `[batch, side, side, 3]` to `[batch, features]`.

    Args:
      encoder: Model {"image"} -> {"vector", ...}.
      batch: Images a call, always as many.
      precision: One for which `available` returns None.

    Returns:
      Function of float32 RGB 0..255, giving float32.
    """
    del precision
    frozen = _frozen.constant(encoder, batch=batch)

    def forward(images: np.ndarray) -> np.ndarray:
        return frozen(tf.constant(images))[0].numpy()

    return forward
