"""The server as clients meet it, over real sockets."""

import base64
import concurrent.futures
import contextlib
import gzip
import json
import shutil
import socket
import time

import pytest
import requests
import tiny_models

pytest.importorskip("starlette")

import grpc
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

LIMITS = ["--max_request_mb=1", "--timeout_s=3", "--max_pixels=1000000"]
SETTINGS = """model_config_list { config { name: "numbers" %s
  version_labels { key: "stable" value: 1 }
  version_labels { key: "canary" value: 2 } } }"""
BOTH = SETTINGS % "model_version_policy { all {} }"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder of two versions of one model; the second answers 100 more."""
    root = tmp_path_factory.mktemp("live")
    tiny_models.save(root / "numbers" / "1")
    tiny_models.save(root / "numbers" / "2", shift=100)
    (root / "numbers" / "models.config").write_text(BOTH)
    return root


@pytest.fixture(scope="module")
def server(saved):
    with tiny_models.served(saved, "--ui", *LIMITS) as found:
        yield found


@pytest.fixture
def stack():
    with contextlib.ExitStack() as found:
        yield found


def ask(server, path="/v1/models/numbers/versions/1:predict", **document):
    response = requests.post(server.rest + path, data=json.dumps(document), timeout=20)
    return response.status_code, response.json()


def b64(contents: bytes) -> dict:
    return {"b64": base64.b64encode(contents).decode()}


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (
            {"instances": ["1", "-2"]},
            {
                "predictions": [
                    {"scores": [1, -1], "classes": "plus"},
                    {"scores": [-2, 2], "classes": "minus"},
                ]
            },
        ),
        (
            {"inputs": {"text": ["3"]}},
            {"outputs": {"scores": [[3, -3]], "classes": ["plus"]}},
        ),
        (
            {
                "signature_name": "pair",
                "instances": [{"a": [1, 2], "b": 3}, {"a": [0, 0.5], "b": -1}],
            },
            {"predictions": [6, -0.5]},
        ),
        ({"signature_name": "scalar", "inputs": 3}, {"outputs": 1.5}),
        (
            {"signature_name": "echo", "instances": [b64(b"a\0"), "é"]},
            {
                "predictions": [
                    {"raw_bytes": b64(b"a\0"), "long": 2},
                    {"raw_bytes": b64("é".encode()), "long": 2},
                ]
            },
        ),
        (
            {"signature_name": "image", "instances": [b64(tiny_models.picture(77))]},
            {"predictions": [77]},
        ),
    ],
    ids=["rows", "columns", "two inputs", "scalar", "bytes", "image"],
)
def test_predict_answers_in_the_form_of_the_question(document, answer, server):
    assert ask(server, **document) == (200, answer)


def test_nan_goes_in_and_out(server):
    body = '{"signature_name": "scalar", "inputs": NaN}'
    url = server.rest + "/v1/models/numbers:predict"
    assert requests.post(url, data=body, timeout=20).text == '{"outputs": NaN}'


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/v1/models/numbers:predict", 101),
        ("/v1/models/numbers/versions/1:predict", 1),
        ("/v1/models/numbers/versions/2:predict", 101),
        ("/v1/models/numbers/labels/stable:predict", 1),
        ("/v1/models/numbers/labels/canary:predict", 101),
        ("/V1/Models/numbers:Predict", 101),
    ],
)
def test_versions_and_labels_are_told_apart(path, first, server):
    code, found = ask(server, path, inputs=["1"])
    assert code == 200
    assert found["outputs"]["scores"][0][0] == first


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/v1/models/nothing:predict", 404, "not found for request: Latest(nothing)"),
        ("/v1/models/numbers/versions/9:predict", 404, "Specific(numbers, 9)"),
        ("/v1/models/numbers/labels/old:predict", 400, "version label: old"),
        ("/v1/models/..%2f..%2fetc:predict", 400, "Malformed request"),
        ("/v1/models/../../etc/passwd:predict", 400, "Malformed request"),
        ("/v1/models/numbers", 400, "Malformed request: POST"),
        ("/v1/models/numbers:guess", 400, "Malformed request: POST"),
        ("/v1/models/numbers:regress", 501, "regress is not served"),
        ("/v1/models/numbers/versions/99999999999999999999:predict", 400, "numeric"),
        ("/elsewhere", 404, "Not found"),
    ],
)
def test_wrong_paths_have_the_codes_of_tensorflow_serving(path, code, said, server):
    request = requests.Request("POST", server.rest, data='{"instances": ["1"]}')
    prepared = request.prepare()
    prepared.url = server.rest + path  # as it stands, dots and all
    response = requests.Session().send(prepared, timeout=20)
    assert response.status_code == code
    assert said in response.json()["error"]
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "JSON Parse error"),
        (b'{"instances": ["x"]}', "could not correctly convert string: x"),
        (b'{"instances": [["1"]]}', "shape [1, 1]; expected [None]"),
        (b'{"instances": [1]}', "not of expected type: string"),
        (b'{"signature_name": "no", "instances": ["1"]}', '"no" not found'),
        (b'{"signature_name": 7, "instances": ["1"]}', "must be a string value"),
    ],
)
def test_wrong_bodies_are_told_what_is_wrong(body, said, server):
    url = server.rest + "/v1/models/numbers:predict"
    response = requests.post(url, data=body, timeout=20)
    assert response.status_code == 400
    assert said in response.json()["error"]


def test_damaged_image_and_bomb_are_refused_and_the_next_is_answered(server):
    whole = tiny_models.picture(50, side=64)
    for contents, said in ((whole[:-40], "PNG"), (tiny_models.bomb(), "100000000")):
        code, found = ask(server, signature_name="image", instances=[b64(contents)])
        assert code == 400
        assert said in found["error"]
    code, found = ask(server, signature_name="image", instances=[b64(whole)])
    assert found == {"predictions": [50]}


def test_classify_answers_where_the_signature_allows(server):
    path = "/v1/models/numbers:classify"
    document = {"signature_name": "classify", "context": {"x": 0.5}, "examples": [{}]}
    code, found = ask(server, path, **document)
    assert found == {"results": [[["low", -0.5], ["high", 0.5]]]}
    code, found = ask(server, path, examples=[{"x": 0.5}])
    assert code == 400
    assert "Expected one input Tensor with the key inputs" in found["error"]


def test_status_and_metadata_tell_versions_and_signatures(server):
    url = server.rest + "/v1/models/numbers"
    found = requests.get(url, timeout=20).json()["model_version_status"]
    assert [(row["version"], row["state"]) for row in found] == [
        ("2", "AVAILABLE"),
        ("1", "AVAILABLE"),
    ]
    assert found[0]["status"] == {"error_code": "OK", "error_message": ""}
    found = requests.get(url + "/labels/stable/metadata", timeout=20).json()
    assert found["model_spec"]["version"] == "1"
    pair = found["metadata"]["signature_def"]["signature_def"]["pair"]
    assert pair["inputs"]["a"]["dtype"] == "DT_FLOAT"
    sizes = [dim["size"] for dim in pair["inputs"]["a"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", "2"]
    assert requests.get(server.rest + "/v1/models/no", timeout=20).status_code == 404


@pytest.mark.parametrize("chunked", [False, True])
def test_body_over_the_limit_is_refused_to_the_end(chunked, server):
    parts = [b"x" * 2**20] * 20
    body = iter(parts) if chunked else b"".join(parts)
    url = server.rest + "/v1/models/numbers:predict"
    response = requests.post(url, data=body, timeout=20)
    assert response.status_code == 413
    assert "over the limit of 1048576 bytes" in response.json()["error"]
    assert response.headers["connection"] == "close"


def test_packed_body_is_read_and_a_packed_bomb_is_not(server):
    url = server.rest + "/v1/models/numbers:predict"
    sent = {"content-encoding": "gzip"}
    good = gzip.compress(b'{"instances": ["1"]}')
    assert requests.post(url, data=good, headers=sent, timeout=20).ok
    bomb = gzip.compress(b" " * 2**26)
    assert requests.post(url, data=bomb, headers=sent, timeout=20).status_code == 413
    sent = {"content-encoding": "br"}
    assert requests.post(url, data=good, headers=sent, timeout=20).status_code == 415


def test_slow_body_is_given_up_and_others_are_answered_meanwhile(server):
    host, port = server.rest.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        head = "POST /v1/models/numbers:predict HTTP/1.1\r\nhost: x\r\n"
        slow.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
        began = time.monotonic()
        assert ask(server, instances=["1"])[0] == 200
        assert time.monotonic() - began < 2
        said = slow.recv(4096)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 6


def test_many_clients_get_their_own_answers(server):
    def one(number):
        code, found = ask(server, inputs=[str(number)])
        return code, found["outputs"]["scores"][0][0]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = list(pool.map(one, range(200)))
    assert found == [(200, number) for number in range(200)]


def test_metrics_count_requests_and_batches(server):
    ask(server, instances=["1"])
    ask(server, "/v1/models/never_seen:predict", instances=["1"])
    url = server.rest + "/monitoring/prometheus/metrics"
    text = requests.get(url, timeout=20).text
    assert 'code="OK",method="predict",model="numbers"}' in text
    assert 'tltf_batch_rows_count{model="numbers",version="1"}' in text
    assert "never_seen" not in text


def test_page_and_list_of_models_are_served(server):
    page = requests.get(server.rest + "/", timeout=20)
    assert "default-src 'self'" in page.headers["content-security-policy"]
    [found] = requests.get(server.rest + "/tltf/models.json", timeout=20).json()
    assert found["labels"] == {"stable": 1, "canary": 2}
    assert [version["number"] for version in found["versions"]] == [2, 1]


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.grpc) as found:
        yield found


def request(kind=predict_pb2.PredictRequest, **spec):
    made = kind()
    made.model_spec.name = spec.pop("name", "numbers")
    if "version" in spec:
        made.model_spec.version.value = spec.pop("version")
    for name, value in spec.items():
        setattr(made.model_spec, name, value)
    return made


def test_grpc_predict_answers_and_tells_the_version(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    asked = request(version_label="stable")
    asked.inputs["text"].CopyFrom(tf.make_tensor_proto(["4", "-1"]))
    asked.output_filter.append("scores")
    found = stub.Predict(asked, timeout=20)
    assert found.model_spec.version.value == 1
    assert list(found.outputs) == ["scores"]
    assert tf.make_ndarray(found.outputs["scores"]).tolist() == [[4, -4], [-1, 1]]


@pytest.mark.parametrize(
    ("spec", "inputs", "code", "said"),
    [
        ({"name": "no"}, {"text": ["1"]}, "NOT_FOUND", "Latest(no)"),
        ({"version": 7}, {"text": ["1"]}, "NOT_FOUND", "Specific(numbers, 7)"),
        ({}, {"text": ["x"]}, "INVALID_ARGUMENT", "could not correctly convert"),
        ({}, {"txet": ["1"]}, "INVALID_ARGUMENT", "input text is missing"),
        ({}, {"text": [1.5]}, "INVALID_ARGUMENT", "is float32; expected string"),
        ({"signature_name": "no"}, {}, "INVALID_ARGUMENT", '"no" not found'),
        ({}, {"text": ["1" * 2**21]}, "RESOURCE_EXHAUSTED", "larger than max"),
    ],
)
def test_grpc_refusals_have_codes_and_words(spec, inputs, code, said, channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    asked = request(**spec)
    for name, value in inputs.items():
        asked.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(asked, timeout=20)
    assert caught.value.code().name == code
    assert said in caught.value.details()


def test_grpc_classify_metadata_status_and_health(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    asked = request(classification_pb2.ClassificationRequest, signature_name="classify")
    example = asked.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(2.0)
    [row] = stub.Classify(asked, timeout=20).result.classifications
    assert [(one.label, one.score) for one in row.classes] == [("low", -2), ("high", 2)]

    kind = get_model_metadata_pb2.GetModelMetadataRequest
    asked = request(kind)
    asked.metadata_field.append("signature_def")
    found = stub.GetModelMetadata(asked, timeout=20)
    table = get_model_metadata_pb2.SignatureDefMap()
    assert found.metadata["signature_def"].Unpack(table)
    assert set(table.signature_def["pair"].inputs) == {"a", "b"}

    states = model_service_pb2_grpc.ModelServiceStub(channel)
    asked = request(get_model_status_pb2.GetModelStatusRequest)
    rows = states.GetModelStatus(asked, timeout=20).model_version_status
    assert [(row.version, row.state) for row in rows] == [(2, 30), (1, 30)]

    health = health_pb2_grpc.HealthStub(channel)
    found = health.Check(health_pb2.HealthCheckRequest(), timeout=20)
    assert found.status == health_pb2.HealthCheckResponse.SERVING


def test_versions_come_and_go_without_a_failed_request(saved, tmp_path, stack):
    root = tmp_path / "saved"
    shutil.copytree(saved / "numbers" / "1", root / "numbers" / "1")
    answers, stop = [], []

    def asking():
        while not stop:
            code, found = ask(server, "/v1/models/numbers:predict", inputs=["1"])
            answers.append((code, found["outputs"]["scores"][0][0]))

    def until(first):
        for _ in range(200):
            if answers and answers[-1] == (200, first):
                return
            time.sleep(0.05)
        raise AssertionError(answers[-5:])

    server = stack.enter_context(tiny_models.served(root))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(asking) for _ in range(4)]
        until(1)
        broken = root / "numbers" / "3"
        broken.mkdir()
        (broken / "saved_model.pb").write_text("no model")
        time.sleep(0.5)
        shutil.copytree(saved / "numbers" / "2", root / "numbers" / ".4")
        (root / "numbers" / ".4").rename(root / "numbers" / "4")
        until(101)
        shutil.rmtree(root / "numbers" / "4")
        shutil.rmtree(broken)
        until(1)
        stop.append(True)
        for client in clients:
            client.result(20)
    assert set(answers) == {(200, 1), (200, 101)}


def test_sigterm_answers_what_was_taken_and_ends_well(saved, stack):
    flags = ["--batch_timeout_ms=1500", "--max_batch=1000"]
    server = stack.enter_context(tiny_models.served(saved, *flags))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        held = [pool.submit(ask, server, inputs=[str(n)]) for n in range(8)]
        time.sleep(0.5)  # they wait for a batch now
        code, said = server.stop()
        found = [one.result(20) for one in held]
    assert [(c, f["outputs"]["scores"][0][0]) for c, f in found] == [
        (200, n) for n in range(8)
    ]
    assert code == 0
    assert "stopped: 8 requests read, 8 answered" in said
