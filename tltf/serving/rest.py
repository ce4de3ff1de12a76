"""TensorFlow Serving's REST API as an ASGI application."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from absl import logging
from google.protobuf import json_format
from starlette import applications, requests, responses, routing
from tensorflow_serving.apis import get_model_metadata_pb2

from tltf.serving import bodies, documents, metrics, models, service, status

_SPEC = r"(?i:/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?)"
_PREDICTION = re.compile(_SPEC + r"(?i::(classify|regress|predict))")
_STATUS = re.compile(_SPEC + r"(?i:(/metadata)?)")
_LARGE = 1 << 18  # bytes of a body that is parsed beside the event loop
_METRICS = "/monitoring/prometheus/metrics"  # as in monitoring.config


class Rest:
    """Answers HTTP requests.

    Attributes:
      draining: Whether the server is stopping, so that clients are asked to leave.
      accepted: Requests whose headers were read.
      answered: Requests whose answer was made.
    """

    def __init__(self, held: models.Models):
        self.draining = False
        self.accepted = 0
        self.answered = 0
        self._models = held
        self._bodies = bodies.Bodies(held.bounds)

    def application(self, routes: list[routing.BaseRoute]) -> applications.Starlette:
        """Returns the application, with other routes in front."""
        methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
        return applications.Starlette(
            routes=[
                routing.Route(_METRICS, self._metrics),
                *routes,
                routing.Route("/{path:path}", self._answer, methods=methods),
            ]
        )

    async def _metrics(self, request: requests.Request) -> responses.Response:
        text, kind = metrics.text(models.waiting(self._models))
        return responses.Response(text, media_type=kind)

    async def _answer(self, request: requests.Request) -> responses.Response:
        self.accepted += 1
        began = time.monotonic()
        name, method, code = "", "other", "OK"
        try:
            spec, method, work = self._routed(request)
            name = spec.name
            found = await work(request, spec, began + self._models.bounds.seconds)
            response = _json(found)
        except status.Refused as error:
            code, response = error.code, _refusal(error)
        except requests.ClientDisconnect:
            code, response = "CANCELLED", responses.Response(status_code=499)
        except Exception as error:  # the client is told, and the server goes on
            logging.exception("a request failed for a reason of the server")
            code = "INTERNAL"
            response = _refusal(status.Refused(code, type(error).__name__))
        self.answered += 1
        if self.draining or response.status_code in (408, 413):
            response.headers["connection"] = "close"
        known = name if self._models.ready(name) else "(unknown)"
        metrics.REQUESTS.labels(known, "rest", method, code).inc()
        took = time.monotonic() - began
        metrics.SECONDS.labels(known, "rest", method).observe(took)
        return response

    def _routed(self, request) -> tuple[service.Spec, str, Callable]:
        path = request.scope["path"]
        if request.method == "POST" and (found := _PREDICTION.fullmatch(path)):
            *named, method = found.groups()
            work = {"predict": self._predict, "classify": self._classify}
            method = method.lower()
            return _spec(*named), method, work.get(method, self._regress)
        if request.method == "GET" and (found := _STATUS.fullmatch(path)):
            *named, metadata = found.groups()
            if metadata:
                return _spec(*named), "metadata", self._metadata
            return _spec(*named), "status", self._status
        if not path.lower().startswith("/v1/"):
            raise status.Refused("NOT_FOUND", f"Not found: {path[:200]}")
        if path.lower().rstrip("/") == "/v1/models" and request.method == "GET":
            raise status.invalid("Missing model name in request.")
        raise status.invalid(f"Malformed request: {request.method} {path[:200]}")

    async def _predict(self, request, spec: service.Spec, until: float) -> Any:
        self._models.find(*spec)  # an unknown model is told before the body is read
        async with self._bodies.read(request, until=until) as body:
            rows: list[bool] = []

            def read(loaded):
                document = documents.parse(body)
                name = documents.signature_name(document)
                asked = documents.asked(document, loaded.signature(name))
                rows.append(asked.rows)
                return name, asked.inputs

            beside = len(body) > _LARGE
            outputs = await self._asked(spec, read, until, beside=beside)
        return documents.predictions(outputs, rows=rows[-1])

    async def _classify(self, request, spec: service.Spec, until: float) -> Any:
        self._models.find(*spec)
        async with self._bodies.read(request, until=until) as body:
            document = documents.parse(body)
            examples = documents.examples(document)
            name = documents.signature_name(document)
            outputs = await self._asked(
                spec, lambda v: service.classify_inputs(examples, name, v), until
            )
        found = service.classes(outputs, len(examples))
        return {"results": [[list(pair) for pair in one] for one in found]}

    async def _regress(self, request, spec: service.Spec, until: float) -> Any:
        raise status.Refused("UNIMPLEMENTED", "regress is not served; use predict")

    async def _asked(self, spec, read, until, *, beside=False):
        _, outputs = await service.ask(
            self._models, spec, read, until=until, beside=beside
        )
        return outputs

    async def _status(self, request, spec: service.Spec, until: float) -> Any:
        number = spec.number
        if spec.label:
            number = self._models.labelled(spec.name, spec.label)
        found = self._models.states(spec.name, number)
        rows = [_state(n, found[n]) for n in sorted(found, reverse=True)]
        return {"model_version_status": rows}

    async def _metadata(self, request, spec: service.Spec, until: float) -> Any:
        ready = self._models.find(*spec)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = spec.name
        response.model_spec.version.value = ready.version.number
        found = json_format.MessageToDict(
            response, preserving_proto_field_name=True
        ) | {
            "metadata": {
                "signature_def": json_format.MessageToDict(
                    ready.version.metadata,
                    preserving_proto_field_name=True,
                    always_print_fields_with_no_presence=True,
                )
            }
        }
        found["model_spec"].setdefault("signature_name", "")
        return found


def _spec(name: str, number: str | None, label: str | None) -> service.Spec:
    if number and int(number) >= 1 << 63:
        raise status.invalid(f"Failed to convert version: {number} to numeric.")
    return service.Spec(name, int(number) if number else None, label or "")


def _state(number: int, state: models.State) -> dict[str, Any]:
    code = "UNKNOWN" if state.error else "OK"
    return {
        "version": str(number),
        "state": state.name,
        "status": {"error_code": code, "error_message": state.error},
    }


def _json(found: Any) -> responses.Response:
    # NaN and Infinity are written as TensorFlow Serving writes them.
    text = json.dumps(found, ensure_ascii=False)
    return responses.Response(text, media_type="application/json")


def _refusal(error: status.Refused) -> responses.Response:
    text = json.dumps({"error": error.message})
    return responses.Response(text, error.http, media_type="application/json")
