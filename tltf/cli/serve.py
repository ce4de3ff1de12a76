"""Serves published models over REST and gRPC, as TensorFlow Serving does; for trials.

Usage: tltf serve --saved_models=saved_models --ui

Speaks TensorFlow Serving's REST and gRPC over the folders that `tltf export`
makes, on this machine only unless --host says otherwise, with no password and
no encryption. It is for trying out and for tests: in production run TensorFlow
Serving itself on the same folders; docker-compose.yml beside a model does so.
"""

import pathlib

from absl import flags

from tltf import errors
from tltf.cli import _main

_SAVED_MODELS = flags.DEFINE_string(
    "saved_models", "saved_models", "Folder of all published models."
)
_HOST = flags.DEFINE_string("host", "127.0.0.1", "Address to listen on.")
_REST = flags.DEFINE_integer(
    "rest_port", 8501, "Of REST; 0 takes a free one.", lower_bound=0, upper_bound=65535
)
_GRPC = flags.DEFINE_integer(
    "grpc_port",
    8500,
    "Of gRPC; 0 takes a free one, -1 serves none.",
    lower_bound=-1,
    upper_bound=65535,
)
_UI = flags.DEFINE_bool("ui", False, "Serve the demo page on the REST port.")
_POLL = flags.DEFINE_float(
    "poll_s", 1.0, "Seconds between looks for new versions.", lower_bound=0.05
)
_BATCH = flags.DEFINE_integer(
    "max_batch", 32, "Records that go through a model together.", lower_bound=1
)
_WAIT = flags.DEFINE_float(
    "batch_timeout_ms",
    0.0,
    "What a batch waits for more records; with 0 what came meanwhile goes together.",
    lower_bound=0,
)
_QUEUE = flags.DEFINE_integer(
    "max_queue", 256, "Requests that wait for one version.", lower_bound=1
)
_BODY = flags.DEFINE_float(
    "max_request_mb", 32.0, "Size of one request, in MiB.", lower_bound=0.001
)
_PIXELS = flags.DEFINE_integer(
    "max_pixels", 64_000_000, "Of all images in a request.", lower_bound=1
)
_SECONDS = flags.DEFINE_float(
    "timeout_s", 30.0, "Seconds that a request may take.", lower_bound=0.01
)


def main(argv: list[str]) -> None:
    """Serves until it is stopped."""
    if len(argv) > 1:
        raise errors.UserError(f"unexpected {argv[1]!r}; tltf serve --saved_models=DIR")
    folder = pathlib.Path(_SAVED_MODELS.value)
    if not folder.is_dir():
        raise errors.UserError(
            f"--saved_models: no folder {str(folder)!r}; `tltf export` makes it"
        )
    _main.tensorflow()
    server = _server()
    server.run(_settings(server, folder), started=_say)


def run() -> None:
    """Runs the command."""
    _main.run(main)


def _server():
    try:
        from tltf.serving import server
    except ModuleNotFoundError as error:
        raise errors.UserError(
            f"{error.name} is not installed; `tltf serve` needs it: pip install "
            '"tltf[serve]"'
        ) from None
    return server


def _settings(server, folder: pathlib.Path):
    body = int(_BODY.value * 2**20)
    bounds = server.limits.Limits(
        body=body,
        held=8 * body,
        pixels=_PIXELS.value,
        batch=_BATCH.value,
        wait=_WAIT.value / 1e3,
        queue=_QUEUE.value,
        seconds=_SECONDS.value,
    )
    return server.Settings(
        saved_models=folder,
        host=_HOST.value,
        rest_port=_REST.value,
        grpc_port=None if _GRPC.value < 0 else _GRPC.value,
        ui=_UI.value,
        poll=_POLL.value,
        bounds=bounds,
    )


def _say(rest: str, grpc: str | None) -> None:
    _main.say("for trials only: in production run TensorFlow Serving on these folders")
    if _UI.value:
        _main.say(f"demo page: {rest}/")
    _main.out(f"REST {rest}" + (f" gRPC {grpc}" if grpc else ""))


if __name__ == "__main__":
    run()
