"""One version of a model in memory: its signatures, called with NumPy arrays."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_shape_pb2
from tensorflow.core.protobuf import meta_graph_pb2
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
      function: Arrays in the order of `inputs` to arrays in that of `outputs`.
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
    """A loaded SavedModel, run in a session as TensorFlow Serving does.

    `tf.saved_model.load` would do for answers, but a call of its functions that
    fails leaks 1 KB in TensorFlow 2.21, and takes longer.

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
          OSError, RuntimeError, ValueError, tf.errors.OpError: It does not load.
        """
        self.number = int(path.name)
        self.path = path
        self.card = _card(path)
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        definitions = _load(self._session, path)
        self.metadata = get_model_metadata_pb2.SignatureDefMap()
        self.signatures = {}
        for name, definition in definitions.items():
            self.metadata.signature_def[name].CopyFrom(definition)
            if _callable(definition):
                self.signatures[name] = _signature(self._session, definition)

    def close(self) -> None:
        """Lets go of its memory."""
        self._session.close()

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
            found = signature.function(*(inputs[key] for key in signature.inputs))
        except tf.errors.OpError as error:
            code = status.NAMES[error.error_code]
            raise status.Refused(code, messages.cause(error.message)) from None
        return dict(zip(signature.outputs, map(np.asarray, found), strict=True))

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


def _load(session: tf.compat.v1.Session, path: pathlib.Path) -> Mapping[str, Any]:
    """SignatureDefs of a folder whose graph is now in the session."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # a line that says that sessions are old
    try:
        with session.graph.as_default():
            graph = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
    finally:
        logger.setLevel(level)
    return graph.signature_def


def _callable(definition: meta_graph_pb2.SignatureDef) -> bool:
    """Whether all ends are plain tensors; ragged ones have no name, as an
    initializer has no type."""
    ends = [*definition.inputs.values(), *definition.outputs.values()]
    return bool(definition.outputs) and all(end.name and end.dtype for end in ends)


def _signature(
    session: tf.compat.v1.Session, definition: meta_graph_pb2.SignatureDef
) -> Signature:
    inputs, outputs = sorted(definition.inputs), sorted(definition.outputs)
    ends = [*definition.inputs.values(), *definition.outputs.values()]
    return Signature(
        function=session.make_callable(
            [definition.outputs[name].name for name in outputs],
            feed_list=[definition.inputs[name].name for name in inputs],
        ),
        inputs={name: _input(definition.inputs[name]) for name in inputs},
        outputs=tuple(outputs),
        rows=all(_free(end.tensor_shape) for end in ends),
    )


def _input(info: meta_graph_pb2.TensorInfo) -> Input:
    dtype = np.dtype(tf.dtypes.as_dtype(info.dtype).as_numpy_dtype)
    if info.tensor_shape.unknown_rank:
        return Input(dtype=dtype, shape=None)
    sizes = (axis.size for axis in info.tensor_shape.dim)
    return Input(dtype=dtype, shape=tuple(None if n < 0 else n for n in sizes))


def _free(shape: tensor_shape_pb2.TensorShapeProto) -> bool:
    # Of an output of any shape only the call will tell.
    return shape.unknown_rank or (bool(shape.dim) and shape.dim[0].size < 0)


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
