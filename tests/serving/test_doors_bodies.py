"""Connections and bodies that are slow, large or too many."""

import asyncio
import socket
import time

import pytest

pytest.importorskip("starlette")

import uvicorn
from starlette import requests, responses

from tltf.serving import bodies, doors, limits, status


async def answered(scope, receive, send):
    await responses.PlainTextResponse("hello")(scope, receive, send)


def said(*parts: bytes, pause: float = 0.0) -> tuple[bytes, float]:
    """What a server with 0.5 s for headers says to these bytes, and after how long."""

    async def run():
        config = uvicorn.Config(
            answered,
            http=doors.protocol(0.5),
            lifespan="off",
            log_config=None,
            log_level="critical",
        )
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            found = await asyncio.to_thread(talk, listener.getsockname())
            server.should_exit = True
            await serving
        return found

    def talk(address):
        began = time.monotonic()
        with socket.create_connection(address, timeout=10) as line:
            try:
                for part in parts:
                    line.sendall(part)
                    time.sleep(pause)
                found = line.recv(1 << 16)
            except ConnectionError:
                found = b""
            return found, time.monotonic() - began

    return asyncio.run(run())


def test_whole_request_is_answered_at_once():
    found, took = said(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 200 ")
    assert took < 0.4


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nhost: x\r\n"])
def test_who_is_slow_to_send_headers_is_left(start):
    found, took = said(start)
    assert found == b""
    assert 0.4 < took < 5


def test_headers_that_drip_are_left_too():
    drips = [b"GET / HTTP/1.1\r\n", *[b"a: b\r\n"] * 20]
    found, took = said(*drips, pause=0.1)
    assert found == b""
    assert took < 5


def test_headers_without_end_are_left():
    found, _ = said(b"GET / HTTP/1.1\r\n" + b"a: bbbbbbbb\r\n" * 20_000)
    assert b" 200 " not in found


def request(*chunks: bytes, **headers: str) -> requests.Request:
    sent = [{"type": "http.request", "body": c, "more_body": True} for c in chunks]
    sent.append({"type": "http.request", "body": b"", "more_body": False})
    messages = iter(sent)

    async def receive():
        return next(messages)

    pairs = [
        (name.replace("_", "-").encode(), value.encode())
        for name, value in headers.items()
    ]
    return requests.Request({"type": "http", "headers": pairs}, receive)


def test_bodies_together_stay_in_bounds_and_leave_room_when_done():
    reader = bodies.Bodies(limits.Limits(body=10, held=15))
    until = time.monotonic() + 10

    async def run():
        async with reader.read(request(b"12345", b"6789"), until=until) as first:
            assert first == b"123456789"
            with pytest.raises(
                status.Refused, match="of 9 bytes are in work"
            ) as caught:
                async with reader.read(request(b"1234567"), until=until):
                    pass
            assert caught.value.http == 429
        async with reader.read(request(b"1234567"), until=until) as second:
            assert second == b"1234567"

    asyncio.run(run())


def test_body_that_does_not_come_in_time_is_given_up():
    reader = bodies.Bodies(limits.Limits())

    async def never():
        await asyncio.sleep(10)

    slow = requests.Request({"type": "http", "headers": []}, never)

    async def run():
        async with reader.read(slow, until=time.monotonic() + 0.1):
            pass

    with pytest.raises(status.Refused) as caught:
        asyncio.run(run())
    assert (caught.value.http, caught.value.code) == (408, "DEADLINE_EXCEEDED")


def test_client_that_waits_for_leave_is_refused_before_it_sends():
    async def receive():
        raise AssertionError("the body was asked for")

    headers = [(b"content-length", b"11"), (b"expect", b"100-continue")]
    large = requests.Request({"type": "http", "headers": headers}, receive)

    async def run():
        reader = bodies.Bodies(limits.Limits(body=10))
        async with reader.read(large, until=time.monotonic() + 1):
            pass

    with pytest.raises(status.Refused) as caught:
        asyncio.run(run())
    assert caught.value.http == 413
