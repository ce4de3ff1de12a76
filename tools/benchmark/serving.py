"""What serving costs: REST and gRPC against the SavedModel, batches against none.

Usage: python tools/benchmark/serving.py > result.json

Latency: one image at a time, the file to the scores, by a call of the SavedModel in
this process and by requests to `tltf serve` on this machine. Throughput: 16 clients
at once, a server that joins requests against one with --max_batch=1. Every round runs
every side; clients take part of the cores, as they do for all sides.
"""

import argparse
import base64
import concurrent.futures
import http.client
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import _photos
import _timing

ROOT = pathlib.Path(__file__).parents[2]
HEADERS = {"content-type": "application/json"}


def main():
    flags = _flags()
    with tempfile.TemporaryDirectory() as home:
        photos = _photos.folder(flags.data, pathlib.Path(home, "photos"), 64)
        files = [path.read_bytes() for path in sorted(photos.rglob("*.jpg"))]
        saved = pathlib.Path(home, "saved_models")
        _save(saved / "m" / "1", flags)
        with Server(saved) as joined, Server(saved, "--max_batch=1") as alone:
            latency = _latency(flags, saved, joined, files)
            throughput = _throughput(flags, {"batches": joined, "single": alone}, files)
            sizes = joined.batches()
    what = {"backbone": flags.backbone, "side": flags.side, "bytes": len(files[0])}
    _timing.report(
        benchmark="serving",
        **what,
        latency=latency,
        throughput=throughput,
        mean_batch=sizes,
    )


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", help="folder:PATH; drawn by default")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=40, help="Of latency a round")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--asked", type=int, default=320, help="Of throughput a round")
    return parser.parse_args()


def _save(folder, flags):
    """Publishes a network with random weights that reads files as exports do."""
    import keras
    import tensorflow as tf

    from tltf import models, specs
    from tltf.export import readers

    encoder = models.create_model(flags.backbone, weights="none", side=flags.side)
    vector = encoder.output["vector"]
    scores = keras.layers.Dense(10, activation="softmax")(vector)
    network = keras.Model(encoder.input, scores)

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = [variable.value for variable in network.variables]
            self.reader = readers.Images(specs.Image(side=flags.side))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
        def serve(self, contents):
            found = network(self.reader.read(contents), training=False)
            return {"scores": found, "classes": tf.as_string(tf.argmax(found, -1))}

    module = Module()
    tf.saved_model.save(module, str(folder), {"serving_default": module.serve})


class Server:
    """`tltf serve` in a process of its own."""

    def __init__(self, saved, *flags):
        command = [sys.executable, "-m", "tltf.cli", "serve", "--rest_port=0"]
        command += [f"--saved_models={saved}", "--grpc_port=0", *flags]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        _, rest, _, self.grpc = self.process.stdout.readline().decode().split()
        self.host = rest.removeprefix("http://")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(60)

    def batches(self):
        """Returns how many records went through the graph together, on average."""
        line = http.client.HTTPConnection(self.host, timeout=60)
        line.request("GET", "/monitoring/prometheus/metrics")
        text = line.getresponse().read().decode()
        total, count = (
            float(re.search(rf"tltf_batch_rows_{part}{{.*}} (\S+)", text)[1])
            for part in ("sum", "count")
        )
        return round(total / count, 2)


def _body(contents):
    text = base64.b64encode(contents).decode()
    return json.dumps({"instances": [{"b64": text}]})


def _post(line, body):
    line.request("POST", "/v1/models/m:predict", body, HEADERS)
    response = line.getresponse()
    found = response.read()
    if response.status != 200:
        raise SystemExit(found.decode())
    return json.loads(found)["predictions"]


def _latency(flags, saved, server, files):
    sides = {
        "direct": _direct(saved),
        "rest": _rest(server),
        "grpc": _grpc(server),
    }
    _same(sides, files[0])
    found = {name: [] for name in sides}
    for turn in range(flags.rounds + 1):  # the first is not counted
        names = list(sides)
        for name in names[turn % 3 :] + names[: turn % 3]:
            times = _calls(sides[name], files, flags.calls)
            if turn:
                found[name].append(times[len(times) // 2])
            _timing.say(
                f"round {turn}: {name} p50 {1e3 * times[len(times) // 2]:.1f} ms"
            )
    return {
        "p50_ms": {n: _timing.spread([1e3 * t for t in v]) for n, v in found.items()},
        "times_direct": {
            name: _timing.ratios(found[name], found["direct"])
            for name in ("rest", "grpc")
        },
    }


def _calls(ask, files, count):
    times = []
    for number in range(count):
        contents = files[number % len(files)]
        began = time.perf_counter()
        ask(contents)
        times.append(time.perf_counter() - began)
    return sorted(times)


def _same(sides, contents):
    given = {name: ask(contents) for name, ask in sides.items()}
    for name, scores in given.items():
        gap = max(abs(a - b) for a, b in zip(scores, given["direct"], strict=True))
        if gap > 1e-5:
            raise SystemExit(f"{name} differs from the SavedModel by {gap}")


def _direct(saved):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved / "m" / "1"))
    serve = loaded.signatures["serving_default"]

    def ask(contents, owner=loaded):
        found = serve(image_bytes=tf.constant([contents]))
        return found["scores"].numpy()[0].tolist()

    return ask


def _rest(server):
    line = http.client.HTTPConnection(server.host, timeout=60)
    return lambda contents: _post(line, _body(contents))[0]["scores"]


def _grpc(server):
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    channel = grpc.insecure_channel(server.grpc)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def ask(contents):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "m"
        request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([contents]))
        found = stub.Predict(request, timeout=60)
        return tf.make_ndarray(found.outputs["scores"])[0].tolist()

    return ask


def _throughput(flags, servers, files):
    bodies = [_body(contents) for contents in files]

    def load(server):
        def one(client):
            line = http.client.HTTPConnection(server.host, timeout=60)
            for number in range(client, flags.asked, flags.clients):
                _post(line, bodies[number % len(bodies)])

        with concurrent.futures.ThreadPoolExecutor(flags.clients) as pool:
            list(pool.map(one, range(flags.clients)))

    sides = {
        name: lambda server=server: load(server) for name, server in servers.items()
    }
    _timing.rounds(sides, 1)
    wall = _timing.rounds(sides, flags.rounds).wall
    return {
        "requests_per_second": {
            name: _timing.spread([flags.asked / t for t in times], 1)
            for name, times in wall.items()
        },
        "times_single": _timing.ratios(wall["single"], wall["batches"]),
        "clients": flags.clients,
    }


if __name__ == "__main__":
    main()
