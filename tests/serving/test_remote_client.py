"""The client against servers that are busy, away, or know no names of classes."""

import concurrent.futures
import http.server
import json
import socket
import threading

import pytest

pytest.importorskip("tensorflow_serving")

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tltf import errors
from tltf.export import local
from tltf.serving import addresses, client

BAD = b"bad"


def info(dtype, *shape):
    dims = [{"size": str(size), "name": ""} for size in shape]
    return {"dtype": dtype, "tensor_shape": {"dim": dims, "unknown_rank": False}}


SIGNATURE = {
    "inputs": {"text": info("DT_STRING", -1)},
    "outputs": {"scores": info("DT_FLOAT", -1, 2), "classes": info("DT_STRING", -1)},
    "method_name": "tensorflow/serving/predict",
}


class Rest(http.server.BaseHTTPRequestHandler):
    """Speaks as TensorFlow Serving: how often it is busy stands on the server."""

    def do_GET(self):
        if self.path == "/tltf/models.json" and self.server.listing:
            self.answer(200, self.server.listing)
            return
        if self.path != "/v1/models/m/labels/stable/metadata":
            self.answer(404, {"error": "Not found"})
            return
        default = {"serving_default": self.server.signature}
        table = {"signature_def": {"signature_def": default}}
        self.answer(200, {"model_spec": {"name": "m"}, "metadata": table})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(self.path)
        if self.server.busy:
            code = self.server.busy.pop()
            self.answer(code, {"error": "busy"})
            return
        texts = [one["b64"] for one in json.loads(body)["inputs"]["text"]]
        if "YmFk" in texts:  # BAD in base64
            self.answer(400, {"error": "bad text"})
            return
        scores = [[0.25, 0.75]] * len(texts)
        outputs = {"scores": scores, "classes": ["b"] * len(texts)}
        if "look_scores" in self.server.signature["outputs"]:
            outputs = {f"look_{name}": value for name, value in outputs.items()}
            outputs["size_value"] = [2.5] * len(texts)
        self.answer(200, {"outputs": outputs})

    def answer(self, code, document):
        text = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        pass


@pytest.fixture
def rest():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rest)
    server.asked, server.busy = [], []
    server.signature, server.listing = SIGNATURE, None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Rpc(prediction_service_pb2_grpc.PredictionServiceServicer):
    """The same over gRPC."""

    def __init__(self):
        self.busy = []

    def GetModelMetadata(self, request, context):  # noqa: N802
        assert request.model_spec.version.value == 3
        table = get_model_metadata_pb2.SignatureDefMap()
        made = table.signature_def["serving_default"]
        made.inputs["text"].dtype = 7
        for size in (-1, 2):
            made.outputs["scores"].tensor_shape.dim.add(size=size)
        made.outputs["classes"].dtype = 7
        found = get_model_metadata_pb2.GetModelMetadataResponse()
        found.metadata["signature_def"].Pack(table)
        return found

    def Predict(self, request, context):  # noqa: N802
        if self.busy:
            context.abort(self.busy.pop(), "busy")
        texts = tf.make_ndarray(request.inputs["text"]).tolist()
        if BAD in texts:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad text")
        found = predict_pb2.PredictResponse()
        scores = tf.make_tensor_proto([[0.25, 0.75]] * len(texts))
        found.outputs["scores"].CopyFrom(scores)
        classes = tf.make_tensor_proto(["b"] * len(texts))
        found.outputs["classes"].CopyFrom(classes)
        return found


@pytest.fixture
def rpc():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    service = Rpc()
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, port
    server.stop(None).wait()


def records(*texts):
    return [(f"text {n}", text) for n, text in enumerate(texts)]


def check(model):
    """A bad record has its error, and its neighbours their answers."""
    assert model.reads == "text"
    found = list(local.answers(model, records(b"x", BAD, b"y"), batch=3))
    assert [one.error for one in found] == [None, "bad text", None]
    assert found[0].label == "b"
    assert found[0].probabilities.tolist() == [0.25, 0.75]


def test_rest_server_that_tells_no_names_is_answered_with_numbers(rest):
    model = client.load(f"http://127.0.0.1:{rest.server_port}/m/labels/stable")
    assert model.labels == ("0", "1")
    check(model)
    assert set(rest.asked) == {"/v1/models/m/labels/stable:predict"}


@pytest.mark.parametrize("known", [True, False])
def test_every_part_of_a_model_is_answered(known, rest):
    outputs = {f"look_{name}": value for name, value in SIGNATURE["outputs"].items()}
    rest.signature = SIGNATURE | {"outputs": outputs | {"size_value": info("F", -1)}}
    if known:
        classes = {"look": ["a", "b"], "size": []}
        versions = [{"number": 3, "classes": {"": ["no"]}}]
        versions.append({"number": 2, "classes": classes})
        rest.listing = [{"name": "m", "labels": {"stable": 2}, "versions": versions}]
    model = client.load(f"http://127.0.0.1:{rest.server_port}/m/labels/stable")
    assert model.parts["look"].labels == (("a", "b") if known else ("0", "1"))
    [found] = local.answers(model, records(b"x"), batch=3)
    assert found.parts["look"].label == "b"
    assert found.parts["look"].probabilities.tolist() == [0.25, 0.75]
    assert found.parts["size"].label == 2.5


def test_grpc_server_is_asked_for_the_version(rpc, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\n")
    url = f"grpc://127.0.0.1:{rpc[1]}/m/versions/3"
    model = client.load(url, labels=labels)
    assert model.labels == ("a", "b")
    check(model)


def test_busy_rest_server_is_asked_again(rest):
    model = client.load(f"http://127.0.0.1:{rest.server_port}/m/labels/stable")
    rest.busy = [503, 429, 504]
    [found] = local.answers(model, records(b"x"), batch=3)
    assert found.label == "b"
    assert len(rest.asked) == 4


def test_busy_grpc_server_is_asked_again(rpc):
    service, port = rpc
    model = client.load(f"grpc://127.0.0.1:{port}/m/versions/3")
    service.busy = [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ]
    [found] = local.answers(model, records(b"x"), batch=3)
    assert found.label == "b"
    assert service.busy == []


def test_failure_of_the_server_is_no_mistake_of_the_user(rest):
    model = client.load(f"http://127.0.0.1:{rest.server_port}/m/labels/stable")
    rest.busy = [500]
    with pytest.raises(errors.WorkError, match="says 500: busy"):
        list(local.answers(model, records(b"x"), batch=3))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_at_the_address_is_told(scheme):
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{line.getsockname()[1]}/m"
    with pytest.raises(errors.UserError, match="nobody answers at .* `tltf serve`"):
        client.load(url, seconds=10)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://h:1/m", "/v1/models/m"),
        ("https://h/m/", "/v1/models/m"),
        ("http://h:1/v1/models/m/versions/3", "/v1/models/m/versions/3"),
        ("grpc://h:1/m/labels/stable", "/v1/models/m/labels/stable"),
    ],
)
def test_addresses_name_models(url, path):
    assert addresses.parse(url).path == path


@pytest.mark.parametrize(
    "url", ["http://h:1", "ftp://h/m", "http://h:1/m/versions/x", "http://h/m:predict"]
)
def test_addresses_of_another_form_are_refused(url):
    with pytest.raises(errors.UserError, match="is no address of a model"):
        addresses.parse(url)
