"""Serves a folder of published models over REST and gRPC until it is told to stop."""

import asyncio
import contextlib
import dataclasses
import pathlib
import signal
import socket
from collections.abc import Callable

import uvicorn
from absl import logging

from tltf import errors
from tltf.serving import doors, limits, models, page, rest, rpc

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LEAVING = 1.0  # seconds in which clients are asked to leave before doors close


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How to serve.

    Attributes:
      saved_models: Folder of all models.
      host: Address to bind.
      rest_port: 0 takes a free one.
      grpc_port: 0 takes a free one; None serves no gRPC.
      ui: Whether to serve the demo page.
      poll: Seconds between looks at the folder.
      bounds: Limits of requests.
    """

    saved_models: pathlib.Path
    host: str = "127.0.0.1"
    rest_port: int = 8501
    grpc_port: int | None = 8500
    ui: bool = False
    poll: float = 1.0
    bounds: limits.Limits = dataclasses.field(default_factory=limits.Limits)


def run(settings: Settings, *, started: Callable[[str, str | None], None]) -> None:
    """Serves until SIGTERM or SIGINT; every request that was read is answered.

    Args:
      settings: What and where.
      started: Called with the addresses of REST and gRPC once requests are taken.

    Raises:
      UserError: No model in the folder, or an address is taken.
      WorkError: No model loads.
    """
    if not settings.saved_models.is_dir():
        raise errors.UserError(f"--saved_models: no folder {settings.saved_models}")
    held = models.Models(settings.saved_models, settings.bounds)
    held.poll()
    if not held.names():
        raise _nothing(held, settings.saved_models)
    try:
        asyncio.run(_Service(settings, held).run(started))
    finally:
        held.close()


def _nothing(held: models.Models, folder: pathlib.Path) -> Exception:
    if troubles := held.troubles():
        return errors.WorkError(f"no model loads; {troubles[0]}")
    return errors.UserError(
        f"--saved_models: no model in {folder}; `tltf export` publishes one there"
    )


class _Service:
    """The parts that run on the event loop."""

    def __init__(self, settings: Settings, held: models.Models):
        self._settings = settings
        self._models = held
        self._rest = rest.Rest(held)
        self._polling = True

    async def run(self, started) -> None:
        settings = self._settings
        listener = _bound(settings.host, settings.rest_port)
        rpcs = self._rpc()
        http = _Http(self._config())
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, _once, loop, told)
        serving = loop.create_task(http.serve(sockets=[listener]))
        if rpcs:
            await rpcs.start()
        polling = loop.create_task(self._poll())
        started(*self._addresses(listener, rpcs))
        await asyncio.wait(
            [serving, loop.create_task(told.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        await self._stop(http, serving, rpcs)
        self._polling = False
        await polling

    def _rpc(self) -> rpc.Server | None:
        settings = self._settings
        if settings.grpc_port is None:
            return None
        address = f"{_bracketed(settings.host)}:{settings.grpc_port}"
        try:
            return rpc.Server(self._models, address, seconds=settings.bounds.seconds)
        except RuntimeError:
            raise errors.UserError(
                f"--grpc_port: {address} is taken; name another, or 0 for a free one"
            ) from None

    def _config(self) -> uvicorn.Config:
        routes = [page.listed(self._models)]
        routes += page.routes() if self._settings.ui else []
        bounds = self._settings.bounds
        config = uvicorn.Config(
            self._rest.application(routes),
            http=doors.protocol(bounds.slow),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=4 * bounds.queue,
            timeout_graceful_shutdown=int(bounds.seconds) + 5,
        )
        return config

    def _addresses(self, listener, rpcs) -> tuple[str, str | None]:
        host = _bracketed(self._settings.host)
        port = listener.getsockname()[1]
        return f"http://{host}:{port}", f"{host}:{rpcs.port}" if rpcs else None

    async def _poll(self) -> None:
        while self._polling:
            await asyncio.sleep(self._settings.poll)
            try:
                await asyncio.to_thread(self._models.poll)
            except OSError as error:
                logging.error("looking for versions failed: %s", error)

    async def _stop(self, http: "_Http", serving, rpcs: rpc.Server | None) -> None:
        """Asks clients to leave, then closes the doors, then answers who is inside."""
        self._rest.draining = True
        if rpcs:
            await rpcs.drain()
        await asyncio.sleep(_LEAVING)
        http.should_exit = True
        await asyncio.gather(serving, *([rpcs.stop()] if rpcs else []))
        counts = [self._rest, *([rpcs.prediction] if rpcs else [])]
        accepted = sum(one.accepted for one in counts)
        answered = sum(one.answered for one in counts)
        logging.info("stopped: %d requests read, %d answered", accepted, answered)


def _once(loop: asyncio.AbstractEventLoop, told: asyncio.Event) -> None:
    """Stops in order at the first signal; the second one ends the process."""
    told.set()
    for number in _SIGNALS:
        loop.remove_signal_handler(number)


class _Http(uvicorn.Server):
    """Leaves signals to us, for gRPC and the models must stop in order too."""

    @contextlib.contextmanager
    def capture_signals(self):
        """Captures none."""
        yield


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's delay, 40 ms here, only where the protocol is named
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise errors.UserError(
            f"--rest_port: {host}:{port} cannot be bound: {error.strerror or error}; "
            "name another, or 0 for a free one"
        ) from None
    listener.listen(1024)
    return listener


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
