"""Texts for a language model, from files, folders, archives or a source."""

import fnmatch
import pathlib
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np

from tltf import errors, registry
from tltf.data import tables

_TITLE = re.compile(rb"^ = [^=].*[^=] = \s*$")
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError)


def read(place: str, *, only: str = "*") -> list[bytes | str]:
    """Returns the texts of a place, in a fixed order.

    Args:
      place: A text file, one text a line; WikiText's form, one text an
        article; a folder or archive (.zip, .tar, .tar.gz) of .txt files, one
        text a file; nltk's brown.zip; or a source, such as imdb or csv:PATH,
        whose test split is left out.
      only: Pattern of the .txt files in a folder or archive that are read.

    Raises:
      UserError: There is no such place, it is damaged, or holds no text.
    """
    path = pathlib.Path(place).expanduser()
    try:
        if path.is_dir():
            texts = [_whole(p, only, path) for p in sorted(path.rglob("*.txt"))]
        elif path.is_file():
            texts = _file(path, only)
        else:
            texts = _source(place)
    except _BROKEN as error:
        raise errors.UserError(f"{place}: damaged archive ({error})") from None
    found = [text for text in texts if text and text.strip()]
    if not found:
        raise errors.UserError(f"{place}: no text in it" + _hint(only))
    return found


def held_out(
    texts: list[bytes | str], share: float, seed: int
) -> tuple[list[bytes | str], list[bytes | str]]:
    """Returns (train, valid): a share of the texts drawn by `seed`, at least one."""
    if len(texts) < 2:
        raise errors.UserError("one text cannot be cut in two; give others by --valid")
    order = np.random.default_rng(seed).permutation(len(texts))
    count = max(1, round(share * len(texts)))
    kept = set(order[:count].tolist())
    train = [text for k, text in enumerate(texts) if k not in kept]
    return train, [texts[k] for k in sorted(kept)]


def _hint(only: str) -> str:
    return f" with a name like --only={only}" if only != "*" else ""


def _whole(path: pathlib.Path, only: str, root: pathlib.Path) -> bytes:
    name = path.relative_to(root).as_posix()
    return path.read_bytes() if fnmatch.fnmatch(name, only) else b""


def _file(path: pathlib.Path, only: str) -> list[bytes]:
    if zipfile.is_zipfile(path):
        return list(_zip(path, only))
    if tarfile.is_tarfile(path):
        return list(_tar(path, only))
    lines = path.read_bytes().splitlines()
    if any(_TITLE.match(line) for line in lines):
        return list(_articles(lines))
    return lines


def _articles(lines: list[bytes]) -> Iterator[bytes]:
    """Yields the articles of WikiText, which begin with ` = Title = `."""
    parts: list[bytes] = []
    for line in lines:
        if _TITLE.match(line):
            yield b"\n".join(parts)
            parts = []
        if line.strip():
            parts.append(line)
    yield b"\n".join(parts)


def _zip(path: pathlib.Path, only: str) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(archive.namelist())
        tagged = any(re.search(r"(^|/)brown/c[a-r]\d\d$", name) for name in names)
        end = r"/c[a-r]\d\d$" if tagged else r"\.txt$"
        for name in names:
            if re.search(end, name) and (tagged or fnmatch.fnmatch(name, only)):
                text = archive.read(name)
                yield _untagged(text) if tagged else text


def _untagged(text: bytes) -> bytes:
    """Returns Brown's text without the tag behind each word's last slash."""
    words = (word.rpartition(b"/")[0] for word in text.split())
    return re.sub(rb"``|''", b'"', b" ".join(words))


def _tar(path: pathlib.Path, only: str) -> Iterator[bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            wanted = member.name.endswith(".txt") and fnmatch.fnmatch(member.name, only)
            if member.isfile() and wanted:
                found[member.name] = archive.extractfile(member).read()
    yield from (found[name] for name in sorted(found))


def _source(place: str) -> list[str]:
    name = place.partition(":")[0]
    if name not in registry.names("sources"):
        raise errors.UserError(
            f"--data: {place!r} is no file, no folder and no source of tltf/sources"
        )
    table = tables.load(place)
    if table.kind != "text":
        raise errors.UserError(f"--data: {place} holds {table.kind}, not texts")
    more = getattr(registry.find("sources", name), "unlabelled", list)()
    return [*(str(text) for text in table.values[table.splits != "test"]), *more]
