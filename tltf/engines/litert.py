"""LiteRT with XNNPACK kernels: the fastest float32 on a CPU."""

import importlib.util
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tltf.engines import _cores, _frozen, _streams

_MOST_BYTES = 2**30  # of weights, for every stream has its own copy
# seconds to build, seconds per 10^9 multiplications: MobileNetV2 224, 2 cores
COST = {"float32": (1.9, 0.008)}


def available(precision: str) -> str | None:
    """Returns None where `precision` can be had, else the reason in words."""
    if precision not in COST:
        return f"LiteRT is used for float32 only, not {precision}"
    if importlib.util.find_spec("ai_edge_litert") is None:
        return 'LiteRT is not installed: pip install "tltf[fast]"'
    return None


def compile(encoder, *, batch: int, precision: str) -> Callable:
    """Returns the forward pass, `[batch, side, side, 3]` to `[batch, features]`.

    Args:
      encoder: Model {"image"} -> {"vector", ...}.
      batch: Images a call, always as many.
      precision: One for which `available` returns None.

    Returns:
      Function of float32 RGB 0..255, giving float32.
    """
    from ai_edge_litert import interpreter

    del precision
    piece = _streams.piece(batch)
    frozen = _frozen.constant(encoder, batch=piece)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], frozen)
    with _frozen.hushed():
        content = converter.convert()
    count = max(1, min(_cores.count(), _MOST_BYTES // len(content)))
    threads = max(1, _cores.count() // count)
    streams = [
        _stream(interpreter.Interpreter(model_content=content, num_threads=threads))
        for _ in range(count)
    ]
    return _streams.side_by_side(streams, piece=piece)


def _stream(runner) -> _streams.Forward:
    runner.allocate_tensors()
    source = runner.get_input_details()[0]["index"]
    target = runner.get_output_details()[0]["index"]

    def forward(images: np.ndarray) -> np.ndarray:
        runner.set_tensor(source, images)
        runner.invoke()
        return runner.get_tensor(target)

    return forward
