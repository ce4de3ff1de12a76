"""Opens files of word vectors: plain, .gz, or a member of a .zip."""

import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import time
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

from tltf import errors
from tltf.fetch import home

_ENCRYPTED = 1  # in a member's flags
_SETTLED = 2_000_000_000  # ns; a younger file may change again within one time stamp


class Source(NamedTuple):
    """A file, and the member of it that is meant if it is a zip."""

    path: pathlib.Path
    member: str = ""

    def __str__(self) -> str:
        return os.path.join(self.path, self.member) if self.member else str(self.path)


def source(path: pathlib.Path) -> Source | None:
    """Returns the file at `path`, or None where there is none.

    `ARCHIVE.zip/MEMBER` names a member of a zip; the archive alone means the
    only member that could be vectors.

    Raises:
      UserError: A folder, a zip with several such members, or without the one.
    """
    if path.is_dir():
        raise errors.UserError(f"{path} is a folder; give a file of word vectors")
    if path.is_file():
        return Source(path, _member(path) if zipfile.is_zipfile(path) else "")
    archive = path.parent
    if archive.is_file() and zipfile.is_zipfile(archive):
        return Source(archive, _member(archive, path.name))
    return None


@contextlib.contextmanager
def opened(origin: Source) -> Iterator[IO[bytes]]:
    """Yields the bytes of the vectors themselves, decompressed.

    Raises:
      UserError: The file cannot be read or its compression is broken.
    """
    try:
        with contextlib.ExitStack() as stack:
            yield _stream(origin, stack)
    except (
        EOFError,
        zlib.error,
        gzip.BadGzipFile,
        zipfile.BadZipFile,
        NotImplementedError,
    ) as error:
        raise errors.UserError(
            f"{origin} is broken: {' '.join(str(error).split())}; get it again"
        ) from None


def digest(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file's bytes, hexadecimal, remembered for next time.

    A file of the same path, size and modification time is not read again.
    """
    note, state = _note(path), _state(path)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(note.read_bytes())
        if told["state"] == state:
            return str(told["sha256"])
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if time.time_ns() - state[1] > _SETTLED and _state(path) == state:
        _remember(note, {"state": state, "sha256": found})
    return found


def _stream(origin: Source, stack: contextlib.ExitStack) -> IO[bytes]:
    if origin.member:
        archive = stack.enter_context(zipfile.ZipFile(origin.path))
        if archive.getinfo(origin.member).flag_bits & _ENCRYPTED:
            raise errors.UserError(f"{origin} is encrypted; unpack it first")
        stream = stack.enter_context(archive.open(origin.member))
    else:
        stream = stack.enter_context(origin.path.open("rb", buffering=0))
    magic = stream.read(2)
    stream.seek(0)
    if magic == b"\x1f\x8b":
        return stack.enter_context(gzip.GzipFile(fileobj=stream))
    return stream


def _member(archive: pathlib.Path, name: str | None = None) -> str:
    try:
        with zipfile.ZipFile(archive) as opened_:
            names = [info.filename for info in opened_.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as error:
        raise errors.UserError(f"{archive} is broken: {error}; get it again") from None
    wanted = [n for n in names if name in (None, n, os.path.basename(n))]
    wanted = wanted if name else [n for n in wanted if "__MACOSX" not in n]
    if len(wanted) == 1:
        return wanted[0]
    what = f"no member {name!r}" if name else f"{len(wanted)} members"
    raise errors.UserError(
        f"{archive} has {what}; write {archive}/MEMBER with one of "
        f"{', '.join(names[:20]) or 'none: the archive is empty'}"
    )


def _state(path: pathlib.Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _note(path: pathlib.Path) -> pathlib.Path:
    key = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return home.home() / "vectors" / "seen" / f"{key}.json"


def _remember(note: pathlib.Path, told: dict) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    half = note.with_name(f"{note.name}.{os.getpid()}.{time.monotonic_ns()}")
    half.write_text(json.dumps(told))
    os.replace(half, note)
