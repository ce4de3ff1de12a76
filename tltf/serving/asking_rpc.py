"""A served model over gRPC."""

import json

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tltf import errors
from tltf.serving import addresses

_TRIES = 5  # of one request, the first with them; gRPC takes no more
_FIRST = 0.2  # seconds before the second try; each wait is twice the one before
_WRONG = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)


class Rpc:
    """A model over gRPC."""

    def __init__(self, target: addresses.Target, seconds: float):
        self._target = target
        self._seconds = seconds
        retry = {
            "maxAttempts": _TRIES,
            "initialBackoff": f"{_FIRST}s",
            "maxBackoff": "10s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
        }
        service = {"service": "tensorflow.serving.PredictionService"}
        config = {"methodConfig": [{"name": [service], "retryPolicy": retry}]}
        self._channel = grpc.insecure_channel(
            target.host,
            options=[
                ("grpc.service_config", json.dumps(config)),
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
            ],
        )
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def ends(self) -> addresses.Ends:
        """Returns the names of inputs and outputs."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            metadata_field=["signature_def"]
        )
        self._name(request.model_spec)
        found = self._done(self._stub.GetModelMetadata, request)
        table = get_model_metadata_pb2.SignatureDefMap()
        found.metadata["signature_def"].Unpack(table)
        if addresses.SIGNATURE not in table.signature_def:
            raise addresses.unsigned()
        parts = table.signature_def[addresses.SIGNATURE]
        outputs = {
            name: max(0, info.tensor_shape.dim[-1].size) if info.tensor_shape.dim else 0
            for name, info in sorted(parts.outputs.items())
        }
        return addresses.Ends(tuple(sorted(parts.inputs)), outputs)

    def labels(self) -> dict[str, tuple[str, ...]]:
        """Returns nothing: gRPC has no place for names of classes."""
        return {}

    def ask(self, ends: addresses.Ends, records: list[bytes]) -> dict[str, tf.Tensor]:
        """Returns the outputs for some records; errors are as over REST."""
        request = predict_pb2.PredictRequest()
        self._name(request.model_spec)
        tensor = tf.make_tensor_proto(records, tf.string)
        request.inputs[ends.inputs[0]].CopyFrom(tensor)
        found = self._done(self._stub.Predict, request)
        return {
            name: tf.constant(tf.make_ndarray(value))
            for name, value in found.outputs.items()
        }

    def _name(self, spec) -> None:
        spec.name = self._target.name
        if self._target.number:
            spec.version.value = int(self._target.number)
        if self._target.label:
            spec.version_label = self._target.label

    def _done(self, call, request):
        try:
            return call(request, timeout=self._seconds)
        except grpc.RpcError as error:
            raise self._failure(error, asked=call == self._stub.Predict) from None

    def _failure(self, error, *, asked: bool) -> Exception:
        code, said = error.code(), error.details()
        large = code == grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in said
        if asked and (code == grpc.StatusCode.INVALID_ARGUMENT or large):
            return tf.errors.InvalidArgumentError(None, None, said)
        where = f"--model: {self._target.host} says {code.name}: {said}"
        if code == grpc.StatusCode.UNAVAILABLE:
            return errors.UserError(
                f"--model: nobody answers at {self._target.host} ({said}); "
                "`tltf serve` starts a server"
            )
        return (errors.UserError if code in _WRONG else errors.WorkError)(where)
