"""Finds and reads data sets of texts: folders, or archives left packed."""

import os
import pathlib
import posixpath
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tltf import errors
from tltf.fetch import archive, download, home
from tltf.sources import _base, _rows

_PACKED = (".tar", ".tar.gz", ".tgz", ".zip")


class Text(NamedTuple):
    """One text before it is a record; `label` is a class, or that of each token."""

    id: str
    text: str
    label: int | np.ndarray
    split: str = "all"


def place(
    name: str, card: _base.Card, path: str | None, *, files: Sequence[str] = ()
) -> pathlib.Path:
    """Returns the folder or archive of a named set, downloaded if need be.

    It is looked for at `path`, then in the cache folder as `datasets/<name>`,
    then as the archive of the card in `downloads`; else that is downloaded.

    Args:
      name: The source's name.
      card: Its card, with the address of one archive or of single files.
      path: The user's own copy, a folder or an archive; or None.
      files: Names of the files in the cache folder, for sets that are published
        as single files.

    Raises:
      UserError: It is nowhere and cannot be downloaded; says where to get it
        and where to put it.
      WorkError: The download broke off.
    """
    if path is not None:
        return _given(name, path)
    folder = home.home() / "datasets" / name
    wanted = [folder / file for file in files]
    if wanted:
        for (url, sha256, _), target in zip(card.files, wanted, strict=True):
            download.fetch(url, target, sha256=sha256)
        return folder
    if folder.is_dir() and any(folder.iterdir()):
        return _archive_in(folder) or folder
    url, sha256, _ = card.files[0]
    file = posixpath.basename(urllib.parse.urlsplit(url).path)
    return download.fetch(url, home.home() / "downloads" / file, sha256=sha256)


def members(place: pathlib.Path, pattern: str) -> Iterator[tuple[re.Match[str], bytes]]:
    """Yields the files of a folder or archive whose path matches.

    Args:
      place: Folder or archive.
      pattern: Searched for in the path below it, with `/`.

    Yields:
      The match and the file's bytes.

    Raises:
      UserError: The archive is broken, or a file cannot be read.
    """
    wanted = re.compile(pattern)
    if place.is_file():
        yield from archive.files(place, wanted)
        return
    for folder, below, names in os.walk(place):
        below.sort()
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            found = wanted.search(path.relative_to(place).as_posix())
            if found and path.is_file():
                yield found, _bytes(path)


def decoded(data: bytes, *, fallback: str = "latin-1") -> str:
    """Returns bytes as text: UTF-8, or else the older encoding of the set."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(fallback)


def lines(data: bytes) -> str:
    """Returns the bytes of a file as text; a stray byte costs its own line only."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(decoded(line) for line in data.split(b"\n"))


def table(
    texts: Iterable[Text],
    classes: Sequence[str],
    *,
    source: str,
    where: pathlib.Path,
    skipped: Sequence[tuple[str, str]] = (),
) -> _base.Table:
    """Returns the table of texts; those without a word go to `skipped`.

    Raises:
      UserError: There are none.
    """
    rows, left = [], list(skipped)
    for one in texts:
        if one.text.strip():
            rows.append(_rows.Row(one.id, one.text, one.label, one.split))
        else:
            left.append((one.id, "empty text"))
    if not rows:
        raise errors.UserError(
            f"{source}: {where} has no texts in the published layout; "
            "check data.options.path"
        )
    return _rows.table(rows, classes, kind="text", skipped=left)


def choice(name: str, value: object, known: Sequence[object]) -> None:
    """Passes if an option has one of its values.

    Raises:
      UserError: It has not.
    """
    if value not in known or type(value) is not type(known[0]):
        shown = ", ".join(str(one).lower() for one in known)
        raise errors.UserError(f"data.options.{name}: {value!r} is not one of {shown}")


def _given(name: str, path: str) -> pathlib.Path:
    if not isinstance(path, str | os.PathLike):
        raise errors.UserError(f"data.options.path: {path!r} is not a path")
    full = pathlib.Path(os.path.abspath(os.path.expanduser(path)))
    if full.is_dir():
        return _archive_in(full) or full
    if full.is_file():
        return full if full.name.endswith(_PACKED) else full.parent
    raise errors.UserError(
        f"{name}: nothing at {full}; check data.options.path, a folder or an archive"
    )


def _archive_in(folder: pathlib.Path) -> pathlib.Path | None:
    """Returns the one archive of a folder that holds nothing else."""
    inside = [p for p in folder.iterdir() if p.name[0] != "."]
    alone = len(inside) == 1 and inside[0].is_file()
    return inside[0] if alone and inside[0].name.endswith(_PACKED) else None


def _bytes(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.UserError(f"cannot read {path}: {error.strerror}") from error
