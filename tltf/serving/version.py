"""One version of a model in memory: its signatures, called with NumPy arrays."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, prediction_log_pb2

from tltf.ops import messages
from tltf.serving import status, tensors

DEFAULT = "serving_default"
_WARM = 1000  # TensorFlow Serving reads no more records of a warm-up file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Input:
    """What a signature takes under one name.

    Attributes:
      dtype: NumPy's, object for strings.
      shape: Sizes, None where any will do; None for any shape at all.
    """

    dtype: np.dtype
    shape: tuple[int | None, ...] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Signature:
    """One function of a model.

    Attributes:
      function: Tensors by name to tensors by name.
      inputs: By name.
      outputs: Names.
      rows: Whether the first axis of all inputs and outputs is free, so that
        requests may be joined along it.
    """

    function: Any
    inputs: dict[str, Input]
    outputs: tuple[str, ...]
    rows: bool


class Version:
    """A loaded SavedModel.

    Attributes:
      number: Of the version.
      path: Its folder.
      signatures: By name.
      metadata: SignatureDefs as the folder states them.
      card: What `tltf export` wrote of it; empty for models from elsewhere.
    """

    def __init__(self, path: pathlib.Path):
        """Loads a folder.

        Raises:
          OSError, ValueError, tf.errors.OpError: It does not load.
        """
        self.number = int(path.name)
        self.path = path
        self.metadata = _metadata(path)
        self.card = _card(path)
        self._loaded = tf.saved_model.load(str(path))
        found = self._loaded.signatures
        self.signatures = {name: _signature(found[name]) for name in found}

    def signature(self, name: str) -> Signature:
        """Returns a signature; "" names the default one.

        Raises:
          status.Refused: There is none of that name.
        """
        name = name or DEFAULT
        if name not in self.signatures:
            raise status.invalid(
                f'Serving signature name: "{name}" not found in signature def'
            )
        return self.signatures[name]

    def call(self, name: str, inputs: Mapping[str, np.ndarray]) -> tensors.Tensors:
        """Returns the outputs of a signature.

        Raises:
          status.Refused: The graph refuses the inputs.
        """
        signature = self.signatures[name]
        try:
            given = {key: _constant(value) for key, value in inputs.items()}
            found = signature.function(**given)
            return {key: np.asarray(value) for key, value in found.items()}
        except tf.errors.OpError as error:
            code = status.NAMES[error.error_code]
            raise status.Refused(code, messages.cause(error.message)) from None

    def warm(self) -> int:
        """Replays the version's warm-up requests and returns how many there were.

        Raises:
          status.Refused: One of them has no answer.
        """
        count = 0
        for name, inputs in _recorded(self.path):
            self.signature(name)
            self.call(name or DEFAULT, inputs)
            count += 1
        return count


def _constant(value: np.ndarray) -> tf.Tensor:
    return tf.constant(value, tf.string if value.dtype.kind == "O" else None)


def _signature(function: Any) -> Signature:
    specs = function.structured_input_signature[1]
    inputs = {name: _input(spec) for name, spec in specs.items()}
    outputs = function.structured_outputs
    free = [_free(spec.shape) for spec in [*specs.values(), *outputs.values()]]
    return Signature(
        function=function, inputs=inputs, outputs=tuple(outputs), rows=all(free)
    )


def _input(spec: tf.TensorSpec) -> Input:
    shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
    return Input(dtype=np.dtype(spec.dtype.as_numpy_dtype), shape=shape)


def _free(shape: tf.TensorShape) -> bool:
    # Of an output of any shape only the call will tell.
    return shape.rank is None or (shape.rank > 0 and shape[0] is None)


def _metadata(path: pathlib.Path) -> get_model_metadata_pb2.SignatureDefMap:
    model = saved_model_pb2.SavedModel.FromString(
        (path / "saved_model.pb").read_bytes()
    )
    graphs = [g for g in model.meta_graphs if "serve" in g.meta_info_def.tags]
    if not graphs:
        raise ValueError(f"{path} has no graph tagged 'serve'")
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in graphs[0].signature_def.items():
        found.signature_def[name].CopyFrom(signature)
    return found


def _card(path: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads((path / "card.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def _recorded(path: pathlib.Path) -> Iterator[tuple[str, tensors.Tensors]]:
    file = path / "assets.extra" / "tf_serving_warmup_requests"
    if not file.is_file():
        return
    for record in tf.data.TFRecordDataset(str(file)).take(_WARM):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        if log.HasField("predict_log"):
            request = log.predict_log.request
            inputs = {n: tensors.read(p) for n, p in request.inputs.items()}
            yield request.model_spec.signature_name, inputs
