"""Downloads a file once: resumed, checked, put in place in one step."""

import contextlib
import hashlib
import os
import pathlib
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from tltf import errors

_CHUNK = 1 << 16  # what a cut may cost
_ATTEMPTS = 5  # answers cut short in a row before we give up
_SILENCE = 30.0  # seconds a server may keep quiet


def fetch(
    url: str,
    target: pathlib.Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
) -> pathlib.Path:
    """Returns `target`, downloaded from `url` unless it is there already.

    A download that was cut goes on where it stopped, also in a later process,
    if the server says that the file is still the same or a checksum is given.
    Of two processes that want one file the second waits for the first.

    Args:
      url: Address, http or https.
      target: The file to make; its folder is made too.
      sha256: Checksum, hexadecimal; checked also when the file is there.
      md5: The same, where the publisher gives only MD5.

    Raises:
      UserError: No network (found out within 2 s), `TLTF_OFFLINE=1`, the server
        refuses, or the file that is there has another checksum.
      WorkError: The transfer broke off again and again, or gave another
        checksum.
    """
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target):
            if not target.is_file():
                _get(url, target, sha256=sha256, md5=md5)
        return target
    verify(target, sha256=sha256, md5=md5)
    return target


def verify(path: pathlib.Path, *, sha256: str | None, md5: str | None) -> None:
    """Passes if the checksums given are those of the file.

    Raises:
      UserError: They are not.
    """
    if not matches(path, sha256, md5):
        raise errors.UserError(
            f"{path} is not the expected file: its checksum is not "
            f"{sha256 or md5}; delete it and run again"
        )


def matches(path: pathlib.Path, sha256: str | None, md5: str | None) -> bool:
    """Returns whether the checksums given, if any, are those of the file."""
    wanted = [(k, v) for k, v in (("sha256", sha256), ("md5", md5)) if v]
    return all(_digest(path, kind) == value.lower() for kind, value in wanted)


def _digest(path: pathlib.Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _get(
    url: str, target: pathlib.Path, *, sha256: str | None, md5: str | None
) -> None:
    _reach(url, target)
    part = _beside(target, ".part")
    _transfer(url, target, checked=bool(sha256 or md5))
    if not matches(part, sha256, md5):
        part.unlink()
        raise errors.WorkError(
            f"{url} is not the expected file: its checksum is not {sha256 or md5}; "
            f"if you have the right one, put it at {target}"
        )
    os.replace(part, target)
    for suffix in (".part.etag", ".lock"):
        _beside(target, suffix).unlink(missing_ok=True)


def _transfer(url: str, target: pathlib.Path, *, checked: bool) -> None:
    import requests

    part, failures = _beside(target, ".part"), 0
    while True:
        before = _size(part)
        try:
            return _stream(url, target, checked=checked)
        except (requests.RequestException, OSError) as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the disk is full, the folder is read-only, ...
            cause = error
        failures = 1 if _size(part) > before else failures + 1
        if failures >= _ATTEMPTS:
            raise errors.WorkError(
                f"{url} broke off at {_size(part)} bytes ({cause}); run again to "
                f"go on from there, or put the file at {target}"
            )
        time.sleep(0.1 * 2**failures)


def _stream(url: str, target: pathlib.Path, *, checked: bool) -> None:
    """Appends what is missing to the half file."""
    import requests

    part = _beside(target, ".part")
    headers = {"Accept-Encoding": "identity", **_range(target, checked)}
    limits = (_connect_seconds(), _SILENCE)
    with requests.get(url, headers=headers, stream=True, timeout=limits) as answer:
        if answer.status_code == 416:  # the half file is longer than the file
            part.unlink(missing_ok=True)
            raise requests.RequestException("the server refused to resume")
        if answer.status_code not in (200, 206):
            raise errors.UserError(
                f"{url} answers {answer.status_code} {answer.reason}; "
                f"get {target.name} elsewhere and put it at {target}"
            )
        start = _start(answer, _size(part))
        _note(target, answer)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
    _complete(answer, _size(part) - start)


def _range(target: pathlib.Path, checked: bool) -> dict[str, str]:
    size, note = _size(_beside(target, ".part")), _beside(target, ".part.etag")
    tag = note.read_text() if note.is_file() else ""
    if not size or not (tag or checked):
        return {}
    return {"Range": f"bytes={size}-", **({"If-Range": tag} if tag else {})}


def _start(answer: Any, size: int) -> int:
    """Returns where the body belongs in the file."""
    import requests

    if answer.status_code == 200:
        return 0
    given = answer.headers.get("Content-Range", "")
    if not given.startswith(f"bytes {size}-"):
        raise requests.RequestException(f"asked for bytes {size}-, got {given!r}")
    return size


def _note(target: pathlib.Path, answer: Any) -> None:
    """Keeps what tells this version of the remote file from another."""
    etag = answer.headers.get("ETag", "")
    strong = "" if etag.startswith("W/") else etag
    tag = strong or answer.headers.get("Last-Modified", "")
    _beside(target, ".part.etag").write_text(tag)


def _complete(answer: Any, received: int) -> None:
    import requests

    wanted = answer.headers.get("Content-Length")
    if wanted is not None and received < int(wanted):
        raise requests.RequestException(f"{received} of {wanted} bytes came")


def _reach(url: str, target: pathlib.Path) -> None:
    """Passes if something listens at the far end.

    Name look-up obeys no time limit, so the attempt runs in a thread that may
    be left behind.
    """
    where = f"put it at {target} (from {url})"
    if os.environ.get("TLTF_OFFLINE", "0") not in ("", "0"):
        raise errors.UserError(
            f"{target.name} is not here, TLTF_OFFLINE is set; {where}"
        )
    seconds, found = _connect_seconds(), []
    probe = threading.Thread(target=_knock, args=(url, seconds, found), daemon=True)
    probe.start()
    probe.join(seconds)
    cause = found[0] if found else f"no answer in {seconds:g} s"
    if cause:
        host = urllib.parse.urlsplit(url).hostname
        raise errors.UserError(f"no way to {host} for {target.name} ({cause}); {where}")


def _knock(url: str, seconds: float, found: list[str]) -> None:
    from requests import utils as requesting

    proxy = requesting.select_proxy(url, requesting.get_environ_proxies(url))
    far = urllib.parse.urlsplit(proxy or url)
    port = far.port or (443 if far.scheme == "https" else 80)
    try:
        socket.create_connection((far.hostname, port), timeout=seconds).close()
        found.append("")
    except OSError as error:
        found.append(error.strerror or str(error))


def _connect_seconds() -> float:
    return float(os.environ.get("TLTF_CONNECT_SECONDS") or 1.7)


@contextlib.contextmanager
def _lock(target: pathlib.Path) -> Iterator[None]:
    """Holds off other processes; the system frees it when we die."""
    import fcntl

    with _beside(target, ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _beside(target: pathlib.Path, suffix: str) -> pathlib.Path:
    return target.with_name(target.name + suffix)


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.is_file() else 0
