"""The HTTP protocol of uvicorn, closed to who is slow to say what it wants."""

from uvicorn.protocols.http import httptools_impl

_HEADERS = 1 << 16  # bytes of the headers of one request


class Door(httptools_impl.HttpToolsProtocol):
    """One connection; it is closed where headers are late, or too many.

    uvicorn alone waits for ever for the rest of a request's headers.

    Attributes:
      slow: Seconds for the headers to come.
    """

    slow = 10.0
    _timer = None
    _size = 0

    def connection_made(self, transport):
        """Waits for the first request."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc):
        """Waits no longer."""
        self._met()
        super().connection_lost(exc)

    def on_message_begin(self):
        """Waits for the headers of one more request."""
        super().on_message_begin()
        self._size = 0
        self._expect()

    def on_url(self, url):
        """Counts the bytes of a part of the URL."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name, value):
        """Counts the bytes of a header."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self):
        """Waits no longer: the body has a limit of its own."""
        self._met()
        super().on_headers_complete()

    def _expect(self) -> None:
        self._met()
        self._timer = self.loop.call_later(self.slow, self.transport.close)

    def _met(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > _HEADERS:
            self.transport.abort()


def protocol(slow: float) -> type[Door]:
    """Returns the protocol with so many seconds for the headers of a request."""
    return type("Door", (Door,), {"slow": slow})
