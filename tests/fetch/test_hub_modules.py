import hashlib
import http.server
import importlib.util
import io
import socket
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import types
import urllib.parse

import pytest

from tltf import errors
from tltf.fetch import hub

GRAPH = b"a graph"


def packed(*names, body=GRAPH):
    """Returns a tar.gz of files; a name may point out of the folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            made.addfile(info, io.BytesIO(body))
    return out.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.pages.get(urllib.parse.urlsplit(self.path).path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def site(monkeypatch, tmp_path):
    """A server of modules; `pages` are its archives, `asked` what was asked of it."""
    monkeypatch.delenv("TLTF_OFFLINE", raising=False)
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.pages, server.asked = {}, []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield types.SimpleNamespace(url=url, pages=server.pages, asked=server.asked)
        server.shutdown()
        thread.join()


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def test_a_module_is_fetched_once_into_the_folder_of_its_handles_sha1(site, tmp_path):
    site.pages["/google/elmo/2"] = packed("./saved_model.pb", "./variables/data")
    handle = f"{site.url}/google/elmo/2"
    wanted = tmp_path / "home/hub" / hashlib.sha1(handle.encode()).hexdigest()
    assert hub.resolve(handle) == hub.resolve(handle) == str(wanted)
    assert site.asked == ["/google/elmo/2?tf-hub-format=compressed"]
    name = wanted.name
    assert files(tmp_path / "home/hub") == [
        name,
        f"{name}/saved_model.pb",
        f"{name}/variables",
        f"{name}/variables/data",
    ]
    assert (wanted / "saved_model.pb").read_bytes() == GRAPH


def test_the_folder_is_the_one_that_tensorflow_hub_uses(tmp_path, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    assert hub.cached("https://tfhub.dev/google/elmo/2").name == (
        "9bb74bc86f9caffc8c47dd7b33ec4bb354d9602d"
    )
    from tensorflow_hub import compressed_module_resolver as theirs

    handle = "https://www.kaggle.com/models/google/elmo/frameworks/TensorFlow1/v/2"
    assert theirs._module_dir(handle) == str(hub.cached(handle))


def test_a_seeded_cache_needs_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: 1 / 0)
    handle = "https://www.kaggle.com/models/google/elmo/tensorFlow1/elmo/2"
    folder = tmp_path / hashlib.sha1(handle.encode()).hexdigest()
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(GRAPH)
    assert hub.resolve(handle) == str(folder)


def test_a_query_of_the_handle_is_kept(site):
    site.pages["/m.tar.gz"] = packed("saved_model.pb")
    hub.resolve(f"{site.url}/m.tar.gz?version=3")
    assert site.asked == ["/m.tar.gz?version=3&tf-hub-format=compressed"]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"<html>log in</html>", "did not answer with a module"),
        (packed("a/readme.txt"), "an archive without saved_model.pb"),
        (packed("saved_model.pb", "../evil"), "a path out of the folder"),
        (packed("saved_model.pb")[:40], "did not answer with a module"),
    ],
)
def test_what_is_no_module_leaves_nothing_behind(site, tmp_path, body, cause):
    site.pages["/m"] = body
    with pytest.raises(errors.UserError, match=cause) as caught:
        hub.resolve(f"{site.url}/m")
    assert "\n" not in str(caught.value)
    assert str(hub.cached(f"{site.url}/m")) in str(caught.value)
    assert files(tmp_path / "home/hub") == []


def test_404_names_address_and_place(site):
    handle = f"{site.url}/gone/1"
    with pytest.raises(errors.UserError, match="answers 404") as caught:
        hub.resolve(handle)
    assert str(hub.cached(handle)) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("offline", ["0", "1"])
def test_without_network_one_line_comes_within_two_seconds(
    tmp_path, monkeypatch, offline
):
    monkeypatch.setenv("TLTF_OFFLINE", offline)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "modules"))

    def wait(*_, **__):
        time.sleep(5)
        raise OSError("too late")

    monkeypatch.setattr(socket, "create_connection", wait)
    handle = "https://tfhub.dev/google/elmo/2"
    before = time.monotonic()
    with pytest.raises(errors.UserError) as caught:
        hub.resolve(handle)
    assert time.monotonic() - before < 2
    message = str(caught.value)
    assert handle in message
    assert f"unpack the module into {hub.cached(handle)}" in message
    assert "\n" not in message


def test_the_archive_may_be_placed_by_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_OFFLINE", "1")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    handle = "https://tfhub.dev/google/elmo/2"
    with pytest.raises(errors.UserError, match=r"put it at (\S+)") as caught:
        hub.resolve(handle)
    place = str(caught.value).partition("put it at ")[2].split()[0]
    with open(place, "wb") as file:
        file.write(packed("saved_model.pb"))
    assert hub.resolve(handle) == str(hub.cached(handle))


def test_a_local_folder_is_taken_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/saved_model.pb").write_bytes(GRAPH)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert hub.resolve("m") == hub.resolve("~/m") == str(tmp_path / "m")
    assert hub.resolve(tmp_path / "m") == str(tmp_path / "m")
    assert hub.resolve("gs://bucket/m") == "gs://bucket/m"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("none", "no module .*none; give a folder with saved_model.pb, or an address"),
        ("packed.tar.gz", "is a file; unpack it"),
        ("versions", "holds no saved_model.pb; give its folder 2"),
        ("empty", "holds no saved_model.pb; is it the right one"),
    ],
)
def test_a_path_without_module_is_one_line(tmp_path, name, cause):
    (tmp_path / "packed.tar.gz").write_bytes(packed("saved_model.pb"))
    (tmp_path / "empty").mkdir()
    for version in "12":
        (tmp_path / "versions" / version).mkdir(parents=True)
        (tmp_path / "versions" / version / "saved_model.pb").write_bytes(GRAPH)
    with pytest.raises(errors.UserError, match=cause) as caught:
        hub.resolve(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_tensorflow_hub_imports_where_setuptools_has_no_pkg_resources(tmp_path):
    code = """
        import importlib.machinery, sys

        usual = importlib.machinery.PathFinder

        class Without(usual):
            @classmethod
            def find_spec(cls, name, path=None, target=None):
                gone = name == "pkg_resources"
                return None if gone else super().find_spec(name, path, target)

        sys.meta_path[sys.meta_path.index(usual)] = Without
        try:
            import tensorflow_hub
        except ModuleNotFoundError as error:
            print(error.name)
        for name in [m for m in sys.modules if m.startswith("tensorflow_hub")]:
            del sys.modules[name]
        from tltf.fetch import hub
        print(hub.library().__version__, "pkg_resources" in sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = done.stdout.splitlines()
    assert first == "pkg_resources"
    assert second.endswith("False")
    assert "Warning" not in done.stderr


def test_without_tensorflow_hub_one_line_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(errors.UserError, match="pip install tensorflow-hub"):
        hub.library()
