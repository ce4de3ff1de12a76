"""Unpacks archives of strangers."""

import contextlib
import lzma
import os
import pathlib
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from tltf import errors

_RATIO = 200  # unpacked to packed; texts and images stay far below
_FREE = 64 << 20  # bytes that any archive may unpack to
_MEMBERS = 2_000_000
_TOO_LARGE = f"more than {_RATIO} times its size"


class _Member(NamedTuple):
    name: str
    size: int
    kind: str  # "file", "folder", or what it is instead
    open: Callable[[], IO[bytes]]


def unpack(archive: pathlib.Path, target: pathlib.Path) -> None:
    """Unpacks a tar, compressed tar or zip into the new folder `target`.

    The folder appears in one step when everything is out, or not at all. Of two
    processes at the same work one wins and the other's result is dropped.

    Raises:
      UserError: `target` holds files already, the archive is broken, or it
        has members that point out of the folder, links, devices, repeated
        files, or far more bytes than a sound archive of its size.
    """
    if target.is_dir() and any(target.iterdir()):
        raise errors.UserError(f"{target} is not empty; delete it to unpack again")
    target.parent.mkdir(parents=True, exist_ok=True)
    holder = pathlib.Path(tempfile.mkdtemp(prefix=".unpack-", dir=target.parent))
    try:
        inside = holder / "content"
        inside.mkdir()
        _write(archive, inside)
        _place(inside, target)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _place(inside: pathlib.Path, target: pathlib.Path) -> None:
    try:
        os.replace(inside, target)
    except OSError:
        if not (target.is_dir() and any(target.iterdir())):
            raise  # else: another process was first


def files(
    archive: pathlib.Path, wanted: re.Pattern[str]
) -> Iterator[tuple[re.Match[str], bytes]]:
    """Yields the files of an archive whose name matches, unpacking nothing to disk.

    Args:
      archive: A tar, compressed tar or zip.
      wanted: Searched for in each member's name.

    Yields:
      The match and the file's bytes, in the order of the archive.

    Raises:
      UserError: The archive is broken, or holds far more bytes than a sound one.
    """
    limit = _limit(archive)
    with _sound(archive):
        for member in _members(archive):
            found = wanted.search(member.name)
            if not found or member.kind != "file":
                continue
            if member.size > limit:
                raise _refused(archive, member.name, _TOO_LARGE)
            limit -= member.size
            with member.open() as source:
                yield found, source.read()


def _limit(archive: pathlib.Path) -> int:
    return max(_FREE, _RATIO * archive.stat().st_size)


def _write(archive: pathlib.Path, folder: pathlib.Path) -> None:
    limit = _limit(archive)
    with _sound(archive):
        for count, member in enumerate(_members(archive)):
            if count >= _MEMBERS:
                raise _refused(archive, member.name, "one member too many")
            path = folder / _safe(member, archive)
            limit -= _make(member, path, limit=limit, archive=archive)


@contextlib.contextmanager
def _sound(archive: pathlib.Path) -> Iterator[None]:
    """Turns what readers say of a broken archive into one line."""
    try:
        yield
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        NotImplementedError,
        RuntimeError,  # an encrypted zip
        UnicodeError,
    ) as error:
        cause = " ".join(str(error).split())
        raise errors.UserError(f"{archive} is broken: {cause}; get it again") from None


def _make(
    member: _Member, path: pathlib.Path, *, limit: int, archive: pathlib.Path
) -> int:
    """Makes one file or folder; returns its bytes."""
    if member.size > limit:
        raise _refused(archive, member.name, _TOO_LARGE)
    try:
        if member.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
            return 0
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out, member.open() as source:
            shutil.copyfileobj(source, out, 1 << 20)
    except (FileExistsError, NotADirectoryError):
        raise _refused(archive, member.name, "a name used twice") from None
    return _whole(member, path, archive)


def _whole(member: _Member, path: pathlib.Path, archive: pathlib.Path) -> int:
    size = path.stat().st_size
    if size != member.size:
        raise errors.UserError(
            f"{archive} is broken: {member.name!r} has {size} of {member.size} bytes; "
            "get it again"
        )
    return size


def _safe(member: _Member, archive: pathlib.Path) -> pathlib.PurePosixPath:
    name, path = member.name, pathlib.PurePosixPath(member.name)
    if member.kind not in ("file", "folder"):
        raise _refused(archive, name, member.kind)
    strange = "\\" in name or "\0" in name or ":" in name.split("/")[0]
    if strange or path.is_absolute() or ".." in path.parts:
        raise _refused(archive, name, "a path out of the folder")
    if member.kind == "file" and (not path.parts or name.endswith("/")):
        raise _refused(archive, name, "a file without a name")
    return path


def _refused(archive: pathlib.Path, name: str, cause: str) -> errors.UserError:
    return errors.UserError(
        f"{archive} holds {name!r:.200}: {cause}; nothing was unpacked, "
        "look where the archive comes from"
    )


def _members(archive: pathlib.Path) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield from (_zip_member(opened, info) for info in opened.infolist())
        return
    with tarfile.open(archive) as opened:
        for info in opened:
            yield _tar_member(opened, info)


def _tar_member(opened: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    kind = "a device or pipe"
    if info.issym() or info.islnk():
        kind = "a link"
    elif info.isreg() and not info.issparse():
        kind = "file"
    elif info.isdir():
        kind = "folder"
    return _Member(info.name, info.size, kind, lambda: opened.extractfile(info))


def _zip_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    mode = stat.S_IFMT(info.external_attr >> 16)
    kind = "folder" if info.is_dir() else "file"
    if mode == stat.S_IFLNK:
        kind = "a link"
    elif mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        kind = "a device or pipe"
    return _Member(info.filename, info.file_size, kind, lambda: opened.open(info))
