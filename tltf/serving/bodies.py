"""Reads the bodies of HTTP requests within limits of size, number and time."""

import asyncio
import contextlib
import time
import zlib
from collections.abc import AsyncIterator

from starlette import requests

from tltf.serving import limits, metrics, status

_DRAIN = 256 << 20  # bytes of a body too large that are read to be thrown away


class Bodies:
    """Counts what all requests hold, so that together they stay in bounds."""

    def __init__(self, bounds: limits.Limits):
        self._bounds = bounds
        self._held = 0

    @contextlib.asynccontextmanager
    async def read(
        self, request: requests.Request, *, until: float
    ) -> AsyncIterator[bytearray]:
        """Gives the unpacked body; its bytes count as held until the block ends.

        Args:
          request: Whose body was not read yet.
          until: Time, of `time.monotonic`, by which it must have come.

        Raises:
          status.Refused: It is too large, too slow, or too much is held already.
        """
        chunks = _Held(self)
        try:
            yield await self._timely(request, chunks, until)
        finally:
            chunks.release()

    async def _timely(self, request, chunks: "_Held", until: float) -> bytearray:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                return await self._whole(request, chunks)
        except TimeoutError:
            raise status.Refused(
                "DEADLINE_EXCEEDED", "the request did not come in time", http=408
            ) from None

    async def _whole(self, request, chunks: "_Held") -> bytearray:
        stream = request.stream()
        stated = request.headers.get("content-length", "")
        if stated.isdigit() and int(stated) > self._bounds.body:
            await self._drain(request, stream)
            raise self._too_large(int(stated))
        body = bytearray()
        unpack = _unpacking(request.headers.get("content-encoding", ""))
        async for chunk in stream:
            for part in unpack(chunk, self._bounds.body + 1 - len(body)):
                chunks.take(len(part))
                body += part
            if len(body) > self._bounds.body:
                body.clear()
                await self._drain(request, stream)
                raise self._too_large(None)
        return body

    async def _drain(self, request, stream) -> None:
        """Reads on for a while: a client that still sends would not see the answer."""
        if "expect" in request.headers:
            return  # it waits for leave to send
        seen = 0
        async for chunk in stream:
            seen += len(chunk)
            if seen > _DRAIN:
                return

    def _too_large(self, stated: int | None) -> status.Refused:
        what = "a body" if stated is None else f"{stated} bytes"
        return status.Refused(
            "RESOURCE_EXHAUSTED",
            f"{what} over the limit of {self._bounds.body} bytes a request",
            http=413,
        )

    def count(self, size: int) -> None:
        """Adds to what is held.

        Raises:
          status.Refused: It is too much.
        """
        if size > 0 and self._held + size > self._bounds.held:
            raise status.Refused(
                "RESOURCE_EXHAUSTED",
                f"requests of {self._held} bytes are in work; try again later",
            )
        self._held += size
        metrics.HELD.set(self._held)


class _Held:
    """What one request holds."""

    def __init__(self, owner: Bodies):
        self._owner = owner
        self._size = 0

    def take(self, size: int) -> None:
        self._owner.count(size)
        self._size += size

    def release(self) -> None:
        self._owner.count(-self._size)
        self._size = 0


def _unpacking(encoding: str):
    """What makes parts of the body out of a chunk, at most some bytes of it."""
    if encoding in ("", "identity"):
        return lambda chunk, most: [chunk]
    if encoding != "gzip":
        raise status.Refused(
            "UNIMPLEMENTED",
            f"Content-Encoding {encoding[:40]!r} is not read; send gzip or none",
            http=415,
        )
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def unpack(chunk, most):
        try:
            return [unpacker.decompress(chunk, most)]
        except zlib.error as error:
            raise status.invalid(f"body is no gzip: {error}") from None

    return unpack
