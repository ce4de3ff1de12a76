"""OpenVINO: bfloat16 where the CPU has it, and float32."""

import importlib.util
from collections.abc import Callable

import numpy as np

from tltf.engines import _cores, _frozen, _streams

_HINTS = {"float32": "f32", "bfloat16": "bf16"}
# seconds to build, seconds per 10^9 multiplications: MobileNetV2 224, 2 cores
COST = {"float32": (2.9, 0.010), "bfloat16": (2.4, 0.004)}


def available(precision: str) -> str | None:
    """Returns None where `precision` can be had, else the reason in words."""
    if precision not in COST:
        return f"OpenVINO is used for float32 and bfloat16, not {precision}"
    if importlib.util.find_spec("openvino") is None:
        return 'OpenVINO is not installed: pip install "tltf[fast]"'
    if precision == "bfloat16" and not _has_bfloat16():
        return "this CPU has no bfloat16 instructions"
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
    import openvino

    piece = _streams.piece(batch)
    model = openvino.convert_model(_frozen.traced(encoder, batch=piece))
    options = {
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "INFERENCE_NUM_THREADS": _cores.count(),
        "NUM_STREAMS": _cores.count(),
    }
    compiled = openvino.Core().compile_model(model, "CPU", options)
    streams = [_stream(compiled) for _ in range(_cores.count())]
    return _streams.side_by_side(streams, piece=piece)


def _stream(compiled) -> _streams.Forward:
    request = compiled.create_infer_request()

    def forward(images: np.ndarray) -> np.ndarray:
        return request.infer(images)[0]

    return forward


def _has_bfloat16() -> bool:
    import openvino

    found = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "BF16" in found
