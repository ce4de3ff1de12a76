import contextlib
import hashlib
import http.server
import multiprocessing
import socket
import threading
import time

import pytest

from tltf import errors
from tltf.fetch import download

BODY = bytes(range(256)) * 4096  # 1 MiB
SHA = hashlib.sha256(BODY).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves BODY; `cuts` says after how many bytes the next answers break off."""

    daemon_threads = True
    etag, body = '"one"', BODY

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.ranges = [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/net.h5"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/hang":
            time.sleep(5)
            return
        if self.path != "/net.h5":
            self.send_error(404, "Not Found")
            return
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = int(wanted[6:-1]) if wanted else 0
        if self.headers.get("If-Range", self.server.etag) != self.server.etag:
            start = 0
        body = self.server.body[start:]
        self.send_response(206 if start else 200)
        if start:
            size = len(self.server.body)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(len(body)))
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else None
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body[:cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("TLTF_OFFLINE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_arrives_whole_and_alone(server, tmp_path):
    target = download.fetch(server.url, tmp_path / "a" / "net.h5", sha256=SHA)
    assert target.read_bytes() == BODY
    assert leftovers(target.parent) == ["net.h5"]


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "net.h5").write_bytes(BODY)
    download.fetch(server.url, tmp_path / "net.h5", sha256=SHA)
    assert server.ranges == []


def test_a_cut_connection_goes_on_where_it_stopped(server, tmp_path):
    server.cuts = [300_000, 200_000]
    target = download.fetch(server.url, tmp_path / "net.h5", sha256=SHA)
    assert target.read_bytes() == BODY
    # whole pieces of 64 KiB are kept
    assert server.ranges == [None, "bytes=262144-", "bytes=458752-"]


def test_a_half_file_of_an_earlier_process_is_used(server, tmp_path):
    (tmp_path / "net.h5.part").write_bytes(BODY[:1000])
    (tmp_path / "net.h5.part.etag").write_text('"one"')
    assert download.fetch(server.url, tmp_path / "net.h5").read_bytes() == BODY
    assert server.ranges == ["bytes=1000-"]


def test_a_half_file_of_another_version_is_thrown_away(server, tmp_path):
    (tmp_path / "net.h5.part").write_bytes(b"x" * 1000)
    (tmp_path / "net.h5.part.etag").write_text('"zero"')
    assert download.fetch(server.url, tmp_path / "net.h5").read_bytes() == BODY


def test_without_tag_and_checksum_nothing_is_resumed(server, tmp_path):
    server.etag = ""
    (tmp_path / "net.h5.part").write_bytes(b"x" * 1000)
    assert download.fetch(server.url, tmp_path / "net.h5").read_bytes() == BODY
    assert server.ranges == [None]


def test_a_wrong_checksum_leaves_no_file(server, tmp_path):
    target = tmp_path / "net.h5"
    with pytest.raises(
        errors.WorkError, match=f"{server.url} is not the expected"
    ) as e:
        download.fetch(server.url, target, sha256="0" * 64)
    assert str(target) in str(e.value)
    assert not [name for name in leftovers(tmp_path) if name.endswith((".h5", ".part"))]


def test_md5_is_checked_too(server, tmp_path):
    md5 = hashlib.md5(BODY).hexdigest()
    download.fetch(server.url, tmp_path / "good.h5", md5=md5)
    with pytest.raises(errors.WorkError, match="checksum"):
        download.fetch(server.url, tmp_path / "bad.h5", md5="0" * 32)


def test_a_wrong_file_that_is_there_is_named(server, tmp_path):
    (tmp_path / "net.h5").write_bytes(b"something else")
    with pytest.raises(errors.UserError, match="net.h5 is not the expected.*delete"):
        download.fetch(server.url, tmp_path / "net.h5", sha256=SHA)


def test_404_names_the_address_and_the_place(server, tmp_path):
    target = tmp_path / "gone.h5"
    with pytest.raises(errors.UserError, match="gone answers 404") as error:
        download.fetch(server.url.replace("net.h5", "gone"), target)
    assert str(target) in str(error.value)


def test_a_server_that_keeps_quiet_ends_in_an_error(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_SILENCE", 0.2)
    monkeypatch.setattr(download, "_ATTEMPTS", 2)
    with pytest.raises(errors.WorkError, match="broke off at 0 bytes"):
        download.fetch(server.url.replace("net.h5", "hang"), tmp_path / "net.h5")


def test_a_transfer_that_never_ends_well_keeps_its_half(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_ATTEMPTS", 2)
    server.cuts = [100_000, 0, 0, 0]
    with pytest.raises(errors.WorkError, match="broke off at 65536 bytes.*run again"):
        download.fetch(server.url, tmp_path / "net.h5")
    assert (tmp_path / "net.h5.part").read_bytes() == BODY[:65536]


def test_a_closed_port_is_reported_at_once(tmp_path, monkeypatch):
    monkeypatch.delenv("TLTF_OFFLINE", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/net.h5"
        with pytest.raises(errors.UserError, match="no way to 127.0.0.1") as error:
            download.fetch(url, tmp_path / "net.h5")
    assert url in str(error.value)
    assert str(tmp_path / "net.h5") in str(error.value)


@pytest.mark.parametrize("swallowed", ["create_connection", "getaddrinfo"])
def test_a_network_that_swallows_packets_costs_two_seconds(
    tmp_path, monkeypatch, swallowed
):
    monkeypatch.delenv("TLTF_OFFLINE", raising=False)
    done = threading.Event()

    def wait(*_, **__):
        done.wait(20)
        raise OSError("too late")

    monkeypatch.setattr(socket, swallowed, wait)
    before = time.monotonic()
    with pytest.raises(errors.UserError, match="net.h5"):
        download.fetch("https://far.example/net.h5", tmp_path / "net.h5")
    assert time.monotonic() - before < 2
    done.set()


def test_offline_asks_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_OFFLINE", "1")
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: 1 / 0)
    url = "https://far.example/net.h5"
    with pytest.raises(errors.UserError, match="TLTF_OFFLINE") as error:
        download.fetch(url, tmp_path / "net.h5")
    assert url in str(error.value)
    assert str(tmp_path / "net.h5") in str(error.value)


def test_two_processes_fetch_one_good_file_once(server, tmp_path):
    server.cuts = [200_000]
    context = multiprocessing.get_context("spawn")
    call = (server.url, tmp_path / "net.h5")
    both = [context.Process(target=download.fetch, args=call) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(30)
    assert [process.exitcode for process in both] == [0, 0]
    assert (tmp_path / "net.h5").read_bytes() == BODY
    assert server.ranges == [None, "bytes=196608-"]
