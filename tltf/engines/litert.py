"""LiteRT with XNNPACK kernels: the fastest float32 on a CPU."""

import concurrent.futures
import importlib.util
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tltf.engines import _cores, _frozen

# Parts of a batch that run side by side, each on its share of the cores: threads
# that do not wait for each other took 4.2 ms of CPU an image instead of 5.1.
_STREAMS = 4
# seconds to build, seconds per 10^9 multiplications: MobileNetV2 224, 2 cores
COST = {"float32": (2.5, 0.012)}


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
    streams = min(_cores.count(), _STREAMS)
    part = -(-batch // streams)
    frozen = _frozen.constant(encoder, batch=part)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], frozen)
    with _frozen.hushed():
        content = converter.convert()
    threads = max(1, _cores.count() // streams)
    runners = [
        interpreter.Interpreter(model_content=content, num_threads=threads)
        for _ in range(streams)
    ]
    for runner in runners:
        runner.allocate_tensors()
    pool = concurrent.futures.ThreadPoolExecutor(streams)

    def forward(images: np.ndarray) -> np.ndarray:
        parts = [images[start : start + part] for start in range(0, batch, part)]
        return np.concatenate(list(pool.map(_run, runners, parts, [part] * len(parts))))

    return forward


def _run(runner, images: np.ndarray, part: int) -> np.ndarray:
    count = len(images)
    if count < part:
        images = np.resize(images, (part, *images.shape[1:]))
    runner.set_tensor(runner.get_input_details()[0]["index"], images)
    runner.invoke()
    return runner.get_tensor(runner.get_output_details()[0]["index"])[:count]
