"""TensorFlow Serving's gRPC API, and the health protocol."""

import time
from collections.abc import Awaitable, Callable

import grpc
from absl import logging
from google.protobuf import any_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tltf.serving import metrics, models, service, status, tensors


class Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers PredictionService: Predict, Classify and GetModelMetadata.

    Attributes:
      accepted: Requests that were read.
      answered: Requests whose answer was made.
    """

    def __init__(self, held: models.Models):
        self.accepted = 0
        self.answered = 0
        self._models = held

    async def Predict(self, request, context):  # noqa: N802  names of the protocol
        """Answers one request to a signature."""

        async def work(spec: service.Spec, until: float):
            ready, outputs = await service.ask(
                self._models, spec, lambda loaded: self._read(request), until=until
            )
            return _predicted(request, ready, outputs)

        return await self._guarded(request, context, "predict", work)

    async def Classify(self, request, context):  # noqa: N802
        """Answers one request of examples to a signature that classifies."""

        async def work(spec: service.Spec, until: float):
            examples = _examples(request.input)
            name = request.model_spec.signature_name
            ready, outputs = await service.ask(
                self._models,
                spec,
                lambda loaded: service.classify_inputs(examples, name, loaded),
                until=until,
            )
            return _classified(request, ready, service.classes(outputs, len(examples)))

        return await self._guarded(request, context, "classify", work)

    async def GetModelMetadata(self, request, context):  # noqa: N802
        """Tells the signatures of a model."""

        async def work(spec: service.Spec, until: float):
            if list(request.metadata_field) != ["signature_def"]:
                raise status.invalid("metadata_field must be signature_def")
            ready = self._models.find(*spec)
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.CopyFrom(_answering(request.model_spec, ready))
            packed = any_pb2.Any()
            packed.Pack(ready.version.metadata)
            response.metadata["signature_def"].CopyFrom(packed)
            return response

        return await self._guarded(request, context, "metadata", work)

    def _read(self, request: predict_pb2.PredictRequest):
        most = self._models.bounds.body
        inputs = {
            name: tensors.read(proto, most=most)
            for name, proto in request.inputs.items()
        }
        return request.model_spec.signature_name, inputs

    async def _guarded(
        self,
        request,
        context: grpc.aio.ServicerContext,
        method: str,
        work: Callable[[service.Spec, float], Awaitable],
    ):
        self.accepted += 1
        began, code = time.monotonic(), "OK"
        spec = _spec(request.model_spec)
        try:
            if not spec.name:
                raise status.invalid("Missing ModelSpec")
            return await work(spec, began + self._seconds(context))
        except status.Refused as error:
            code = error.code
            refused = error
        except Exception as error:  # the client is told, and the server goes on
            logging.exception("a request failed for a reason of the server")
            code = "INTERNAL"
            refused = status.Refused(code, type(error).__name__)
        finally:
            self.answered += 1
            known = spec.name if self._models.ready(spec.name) else "(unknown)"
            metrics.REQUESTS.labels(known, "grpc", method, code).inc()
            took = time.monotonic() - began
            metrics.SECONDS.labels(known, "grpc", method).observe(took)
        await context.abort(getattr(grpc.StatusCode, code), refused.message)

    def _seconds(self, context: grpc.aio.ServicerContext) -> float:
        left = context.time_remaining()
        return min(self._models.bounds.seconds, left if left is not None else 1e9)


class State(model_service_pb2_grpc.ModelServiceServicer):
    """Answers ModelService: GetModelStatus."""

    def __init__(self, held: models.Models):
        self._models = held

    async def GetModelStatus(self, request, context):  # noqa: N802
        """Tells where the versions of a model stand."""
        spec = _spec(request.model_spec)
        response = get_model_status_pb2.GetModelStatusResponse()
        try:
            number = spec.number
            if spec.label:
                number = self._models.labelled(spec.name, spec.label)
            found = self._models.states(spec.name, number)
        except status.Refused as error:
            await context.abort(getattr(grpc.StatusCode, error.code), error.message)
        for number in sorted(found, reverse=True):
            row = response.model_version_status.add()
            row.version, row.state = number, models.STATES[found[number].name]
            row.status.error_code = 2 if found[number].error else 0
            row.status.error_message = found[number].error
        return response


class Server:
    """The gRPC side of the server.

    Attributes:
      prediction: With the counts of requests.
      port: Taken.
    """

    def __init__(self, held: models.Models, address: str, *, seconds: float):
        """Binds an address, such as 127.0.0.1:8500.

        Raises:
          RuntimeError: It is taken.
        """
        most = held.bounds.body + (1 << 16)  # names and shapes beside the tensors
        self._seconds = seconds
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", most),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=4 * held.bounds.queue,
        )
        self.prediction = Prediction(held)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            self.prediction, self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            State(held), self._server
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.port = self._server.add_insecure_port(address)

    async def start(self) -> None:
        """Takes requests and says that it is healthy."""
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    async def drain(self) -> None:
        """Says that it is about to stop."""
        await self._health.enter_graceful_shutdown()

    async def stop(self) -> None:
        """Takes nothing new, answers what was taken and stops."""
        await self._server.stop(self._seconds)


def _spec(spec: model_pb2.ModelSpec) -> service.Spec:
    number = spec.version.value if spec.HasField("version") else None
    return service.Spec(spec.name, number, spec.version_label)


def _answering(asked: model_pb2.ModelSpec, ready: models.Ready) -> model_pb2.ModelSpec:
    found = model_pb2.ModelSpec(name=asked.name, signature_name=asked.signature_name)
    found.version.value = ready.version.number
    return found


def _predicted(request, ready: models.Ready, outputs: tensors.Tensors):
    response = predict_pb2.PredictResponse()
    response.model_spec.CopyFrom(_answering(request.model_spec, ready))
    if not response.model_spec.signature_name:
        response.model_spec.signature_name = "serving_default"
    for name in request.output_filter or outputs:
        if name not in outputs:
            raise status.invalid(
                f"output tensor alias not found in signature: {name} Outputs expected "
                f"to be in the set {{{','.join(outputs)}}}."
            )
        response.outputs[name].CopyFrom(tensors.write(outputs[name]))
    return response


def _examples(found) -> list[bytes]:
    if found.HasField("example_list_with_context"):
        shared = found.example_list_with_context.context
        merged = []
        for one in found.example_list_with_context.examples:
            whole = type(one)()
            whole.CopyFrom(shared)
            whole.MergeFrom(one)
            merged.append(whole.SerializeToString())
    else:
        merged = [one.SerializeToString() for one in found.example_list.examples]
    if not merged:
        raise status.invalid("Input is empty")
    return merged


def _classified(request, ready: models.Ready, rows: list):
    response = classification_pb2.ClassificationResponse()
    response.model_spec.CopyFrom(_answering(request.model_spec, ready))
    for row in rows:
        one = response.result.classifications.add()
        for label, score in row:
            one.classes.add(label=label, score=score)
    return response
