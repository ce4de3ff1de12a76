"""ONNX Runtime."""

import importlib.util
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from tltf.engines import _cores, _streams

# seconds to build, seconds per 10^9 multiplications: MobileNetV2 224, 2 cores
COST = {"float32": (3.2, 0.011)}


def available(precision: str) -> str | None:
    """Returns None where `precision` can be had, else the reason in words."""
    if precision not in COST:
        return f"ONNX Runtime is used for float32 only, not {precision}"
    for package in ("onnxruntime", "onnx", "tf2onnx"):
        if importlib.util.find_spec(package) is None:
            return f'{package} is not installed: pip install "tltf[fast]"'
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
    import onnxruntime

    del precision
    piece = _streams.piece(batch)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        _converted(encoder, piece), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name

    def stream(images: np.ndarray) -> np.ndarray:
        return session.run(None, {name: images})[0]  # it may run in many threads

    return _streams.side_by_side([stream] * _cores.count(), piece=piece)


def _converted(encoder, batch: int) -> bytes:
    image = encoder.inputs[0]
    single = keras.Model(image, encoder.output["vector"])
    spec = keras.InputSpec(
        shape=(batch, *image.shape[1:]), dtype="float32", name="image"
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # keras/src/export/tf2onnx_lib.py asks NumPy for a name it has dropped
        warnings.simplefilter("ignore", FutureWarning)
        file = Path(folder) / "encoder.onnx"
        single.export(file, format="onnx", verbose=False, input_signature=[spec])
        return file.read_bytes()
