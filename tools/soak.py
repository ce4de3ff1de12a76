"""Serves models whose answers are known, and asks them rightly and wrongly for long.

Usage: python tools/soak.py [--requests=50000] [--clients=16] > soak.json

Every good question has its own number, so an answer that is wrong, or another
client's, shows. In the middle a new version is published; at the end the server
gets SIGTERM while all clients go on asking. Exit code 1 where a request was
answered wrongly, or was read and not answered, or memory grew.
"""

import argparse
import base64
import collections
import json
import pathlib
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "serving")]

import grpc  # noqa: E402
import requests  # noqa: E402
import tensorflow as tf  # noqa: E402
import tiny_models  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    predict_pb2,
    prediction_service_pb2_grpc,
)

SHIFT = 1_000_000  # what the second version adds
SECONDS = 5  # limit of a request
LARGE = b"x" * (100 << 20)
# Kinds and how many of 10,000 requests are of them.
KINDS = {
    "number": 5000,
    "numbers": 1500,
    "grpc": 1000,
    "image": 1000,
    "malformed": 400,
    "wrong_shape": 300,
    "no_number": 300,
    "truncated": 150,
    "bomb": 100,
    "unknown_model": 100,
    "traversal": 100,
    "grpc_bad": 40,
    "large": 5,
    "slow": 5,
}


class Watch:
    """What all clients saw."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = collections.Counter()
        self.right = collections.Counter()
        self.wrong = []
        self.lost = []
        self.refused_at_the_end = 0
        self.responses = 0
        self.seconds = []
        self.ending = threading.Event()
        self.gone = 0.0  # when the first version was seen to have gone

    def note(self, kind, problem, began):
        """Counts one request."""
        with self.lock:
            self.sent[kind] += 1
            if problem:
                self.wrong.append(f"{kind}: {problem}"[:300])
            else:
                self.right[kind] += 1
            if kind in ("number", "grpc", "image"):
                self.seconds.append(time.monotonic() - began)


class Client:
    """One client with connections of its own."""

    def __init__(self, watch, rest, rpc):
        self.watch = watch
        self.rest = rest
        self.session = requests.Session()
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(
            grpc.insecure_channel(rpc, [("grpc.use_local_subchannel_pool", 1)])
        )
        self.url = rest + "/v1/models/m:predict"

    def ask(self, number):
        """Sends one request and notes what came of it."""
        draw = random.Random(number)
        kind = draw.choices(list(KINDS), list(KINDS.values()))[0]
        began = time.monotonic()
        try:
            problem = getattr(self, kind)(number, draw, began)
        except (requests.RequestException, OSError, grpc.RpcError) as error:
            with self.watch.lock:
                if self.watch.ending.is_set():
                    self.watch.refused_at_the_end += 1
                else:
                    self.watch.lost.append(f"{kind}: {error!r}"[:300])
            return
        self.watch.note(kind, problem, began)

    def post(self, body, url=None):
        """Returns code and document of a response, which is counted."""
        response = self.session.post(url or self.url, data=body, timeout=60)
        with self.watch.lock:
            self.watch.responses += 1
        return response.status_code, response.json()

    def refused(self, found, code, said):
        """Returns what is wrong with a refusal."""
        if found[0] == code and re.search(said, found[1]["error"]):
            return None
        return f"expected {code} {said}, got {found}"

    def version(self, given, expected, began):
        """Returns what is wrong with a number that either version may have given."""
        if given == expected + SHIFT:
            return None
        if given == expected and not 0 < self.watch.gone < began:
            return None
        return f"expected {expected}, got {given}"

    def number(self, number, draw, began):
        code, found = self.post(json.dumps({"instances": [str(number)]}))
        if code != 200:
            return f"{code} {found}"
        return self.version(found["predictions"][0]["scores"][0], number, began)

    def numbers(self, number, draw, began):
        asked = [number + k for k in range(draw.randrange(2, 9))]
        code, found = self.post(json.dumps({"inputs": list(map(str, asked))}))
        if code != 200:
            return f"{code} {found}"
        given = [row[0] for row in found["outputs"]["scores"]]
        shift = given[0] - number
        if given != [one + shift for one in asked]:
            return f"expected {asked}, got {given}"
        return self.version(given[0], number, began)

    def grpc(self, number, draw, began):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "m"
        request.inputs["text"].CopyFrom(tf.make_tensor_proto([str(number)]))
        found = self.stub.Predict(request, timeout=60)
        with self.watch.lock:
            self.watch.responses += 1
        scores = tf.make_ndarray(found.outputs["scores"])
        return self.version(float(scores[0, 0]), number, began)

    def grpc_bad(self, number, draw, began):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "m"
        request.inputs["text"].CopyFrom(tf.make_tensor_proto(["no number"]))
        try:
            self.stub.Predict(request, timeout=60)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                raise
            with self.watch.lock:
                self.watch.responses += 1
            good = error.code() == grpc.StatusCode.INVALID_ARGUMENT
            return None if good else repr(error)
        return "was answered"

    def picture(self, shade, cut=None):
        contents = tiny_models.picture(shade, side=48)[:cut]
        return self.of(contents)

    def of(self, contents):
        text = base64.b64encode(contents).decode()
        return json.dumps({"signature_name": "image", "instances": [{"b64": text}]})

    def image(self, number, draw, began):
        shade = number % 256
        code, found = self.post(self.picture(shade))
        good = code == 200 and found["predictions"] == [shade]
        return None if good else f"expected {shade}, got {code} {found}"

    def truncated(self, number, draw, began):
        return self.refused(self.post(self.picture(9, -60)), 400, "PNG")

    def bomb(self, number, draw, began):
        return self.refused(self.post(self.of(BOMB)), 400, "100000000 pixels")

    def malformed(self, number, draw, began):
        body = draw.choice(['{"instances": [', "", "[1]", "\x00", '{"instances": }'])
        return self.refused(self.post(body), 400, "JSON")

    def wrong_shape(self, number, draw, began):
        found = self.post(json.dumps({"instances": [[str(number)]]}))
        return self.refused(found, 400, "shape")

    def no_number(self, number, draw, began):
        found = self.post(json.dumps({"instances": [f"x{number}"]}))
        return self.refused(found, 400, f"convert string: x{number}$")

    def unknown_model(self, number, draw, began):
        url = f"{self.rest}/v1/models/no{number}:predict"
        found = self.post('{"instances": ["1"]}', url)
        return self.refused(found, 404, f"Latest.no{number}.")

    def traversal(self, number, draw, began):
        path = draw.choice(["..%2f..%2fetc%2fpasswd", "%2e%2e", "m%00", "m%2f..%2fm"])
        found = self.post(
            '{"instances": ["1"]}', f"{self.rest}/v1/models/{path}:predict"
        )
        return self.refused(
            found, 404 if "2f" not in path else 400, "not found|Malformed"
        )

    def large(self, number, draw, began):
        return self.refused(self.post(LARGE), 413, "104857600 bytes over the limit")

    def slow(self, number, draw, began):
        host, port = self.rest.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as line:
            line.sendall(b"POST /v1/models/m:predict HTTP/1.1\r\nhost: x\r\n")
            time.sleep(0.2)
            line.sendall(b'content-length: 1000\r\n\r\n{"inst')
            said = line.recv(1 << 16)
        if not said:
            raise ConnectionResetError("closed without a word")
        with self.watch.lock:
            self.watch.responses += 1
        return None if b" 408 " in said else f"got {said[:100]}"


BOMB = tiny_models.bomb()


def main():
    flags = _flags()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "saved_models")
        tiny_models.save(root / "m" / "1")
        second = tiny_models.save(pathlib.Path(folder, "2"), shift=SHIFT)
        said = pathlib.Path(folder, "said")
        report = _run(flags, root, second, said)
    print(json.dumps(report, indent=2))
    sys.exit(0 if report["passed"] else 1)


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--grown_mb", type=float, default=64, help="Memory may grow so")
    return parser.parse_args()


def _run(flags, root, second, said):
    command = [sys.executable, "-m", "tltf.cli", "serve", f"--saved_models={root}"]
    command += ["--rest_port=0", "--grpc_port=0", "--max_request_mb=8"]
    command += [f"--timeout_s={SECONDS}"]
    with said.open("w") as stderr:
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=ROOT
        )
    try:
        return _asked(flags, server, root, second, said)
    finally:
        server.kill()


def _asked(flags, server, root, second, said):
    _, rest, _, rpc = server.stdout.readline().split()
    watch, memory = Watch(), []
    numbers = iter(range(10**9))
    done = threading.Event()

    def work():
        client = Client(watch, rest, rpc)
        while not done.is_set():
            with watch.lock:
                number = next(numbers)
            client.ask(number)

    threads = [threading.Thread(target=work) for _ in range(flags.clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    _until(watch, flags.requests // 2, server, memory)
    second.rename(root / "m" / "2")
    _swapped(watch, rest)
    _until(watch, flags.requests, server, memory)
    took = time.monotonic() - began
    watch.ending.set()
    server.send_signal(signal.SIGTERM)
    code = server.wait(120)
    done.set()
    for thread in threads:
        thread.join(120)
    return _report(flags, watch, memory, took, (code, said.read_text()))


def _until(watch, count, server, memory):
    while (total := sum(watch.sent.values())) < count:
        if server.poll() is not None:
            raise SystemExit(f"the server ended with {server.returncode}")
        text = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        memory.append(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024)
        if len(memory) % 10 == 0:
            print(f"{total} requests, {memory[-1]:.0f} MB", file=sys.stderr, flush=True)
        time.sleep(1)


def _swapped(watch, rest):
    while True:
        found = requests.get(rest + "/v1/models/m", timeout=60).json()
        with watch.lock:
            watch.responses += 1
        states = {r["version"]: r["state"] for r in found["model_version_status"]}
        if states == {"1": "END", "2": "AVAILABLE"}:
            watch.gone = time.monotonic()
            return
        time.sleep(0.2)


def _report(flags, watch, memory, took, ended):
    code, said = ended
    counts = re.search(r"stopped: (\d+) requests read, (\d+) answered", said)
    read, answered = map(int, counts.groups()) if counts else (None, None)
    part = max(1, len(memory) // 4)
    grown = statistics.median(memory[-part:]) - statistics.median(
        memory[part : 2 * part]
    )
    times = sorted(watch.seconds)
    lost = len(watch.lost) + abs((answered or 0) - watch.responses)
    passed = not watch.wrong and not lost and read == answered and code == 0
    return {
        "passed": passed and counts is not None and grown < flags.grown_mb,
        "requests": sum(watch.sent.values()),
        "seconds": round(took, 1),
        "requests_per_second": round(sum(watch.sent.values()) / took),
        "milliseconds": {
            f"p{p}": round(1e3 * times[len(times) * p // 100], 1) for p in (50, 90, 99)
        },
        "by_kind": {k: [watch.right[k], watch.sent[k]] for k in KINDS},
        "wrong": watch.wrong[:20],
        "wrong_count": len(watch.wrong),
        "lost": watch.lost[:20],
        "lost_count": lost,
        "server_read": read,
        "server_answered": answered,
        "clients_got": watch.responses,
        "not_taken_after_sigterm": watch.refused_at_the_end,
        "exit_code": code,
        "tracebacks": said.count("Traceback"),
        "memory_mb": {
            "first": round(memory[0]),
            "most": round(max(memory)),
            "last": round(memory[-1]),
            "grown_from_second_to_last_quarter": round(grown, 1),
            "every": [round(one) for one in memory[:: max(1, len(memory) // 20)]],
        },
    }


if __name__ == "__main__":
    main()
