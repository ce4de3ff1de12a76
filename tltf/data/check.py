"""Names each file of a data set that is bad, with its cause."""

import os
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tltf.data import _looks, _wording, digests, duplicates
from tltf.sources import _base

LIMIT_PIXELS = _looks.LIMIT_PIXELS
_SHOWN = 80  # characters of tags in a cause
_QUIET = "hidden file"  # a skipped file that is nobody's mistake
_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
}


class Problem(NamedTuple):
    """One thing that is wrong, or worth knowing, about one file.

    Attributes:
      path: Absolute path of the file or folder; of a text, its id.
      cause: What it is.
      action: `skipped` (training leaves it out), `converted` (decoding changes
        it), `noted` (it is used as it is) or `fix` (only you can mend it).
    """

    path: str
    cause: str
    action: str


class Report(NamedTuple):
    """What a scan found: files seen, and problems sorted by path."""

    files: int
    problems: list[Problem]


def scan(
    table: _base.Table,
    *,
    near: bool = True,
    limit_pixels: int = LIMIT_PIXELS,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Returns every problem of a data set; each image is decoded in full.

    Texts are looked at for words, length and characters; they are nearly equal
    if they differ in case and spaces only.

    Args:
      table: Records, loaded with `strict=False` where the source has that, so
        that empty classes are listed.
      near: Whether to look for records that are nearly equal.
      limit_pixels: An image whose header says more is not decoded.
      progress: Called with files done and files to do.

    Raises:
      UserError: The cache folder cannot be written.
    """
    found = list(_passed_over(table))
    if table.kind == "image":
        paths = list(table.values)
        known = digests.sha256(paths, unreadable="blank")
        seen = _looks.looks(paths, known, limit_pixels=limit_pixels, progress=progress)
        for path, look in zip(paths, seen, strict=True):
            found += _of_file(path, look)
        found += _equal(table, known, usable=[not look.fatal for look in seen])
        found += _nearly_equal(table, known, seen) if near else []
    else:
        known = digests.records(table)
        found += _of_texts(table)
        usable = [bool(text.strip()) for text in table.values]
        found += _equal(table, known, usable=usable)
        found += _alike(table, known) if near else []
    files = len(table) + sum(not name.endswith("/") for name, _ in table.skipped)
    return Report(files, sorted(found))


def undecodable(paths: Sequence[str], digests: Sequence[str]) -> dict[int, str]:
    """Returns the cause for each file that cannot be learnt from, by its row.

    Every file is decoded in full once; later calls remember its verdict by
    content, in the cache folder.

    Args:
      paths: Absolute paths of images.
      digests: SHA-256 of each file, hex; empty for a file that cannot be read.

    Raises:
      UserError: The cache folder cannot be written.
    """
    seen = _looks.looks(paths, digests)
    return {row: one.fatal for row, one in enumerate(seen) if one.fatal}


def _passed_over(table: _base.Table) -> Iterator[Problem]:
    root = _root(table)
    for name, cause in table.skipped:
        if cause != _QUIET:
            action = "fix" if name.endswith("/") else "skipped"
            yield Problem(os.path.join(root, name), cause, action)


def _root(table: _base.Table) -> str:
    """Returns the folder that ids are relative to, or nothing if they are not."""
    if table.kind == "image" and len(table):
        path, name = str(table.values[0]), str(table.ids[0])
        if path.endswith(name):
            return path[: -len(name)]
    return ""


def _of_file(path: str, look: _looks.Look) -> Iterator[Problem]:
    suffix = os.path.splitext(path)[1].lower()
    if look.format in _SUFFIXES and suffix not in _SUFFIXES[look.format]:
        called = f"called {suffix}" if suffix else "without one"
        yield Problem(path, f"wrong extension: a {look.format} {called}", "noted")
    if look.fatal:
        yield Problem(path, look.fatal, "skipped")
    for cause in look.converted:
        yield Problem(path, cause, "converted")
    for cause in look.noted:
        yield Problem(path, cause, "noted")


def _of_texts(table: _base.Table) -> Iterator[Problem]:
    for name, text in zip(table.ids, table.values, strict=True):
        for cause, action in _wording.causes(text):
            yield Problem(str(name), cause, action)


def _equal(
    table: _base.Table, known: Sequence[str], *, usable: Sequence[bool]
) -> Iterator[Problem]:
    torn = dict(duplicates.conflicts(table, known))
    for row, other in duplicates.exact(known):
        if not usable[row]:
            continue
        if row in torn:
            yield _pair(table, row, other, "conflicting labels: exact duplicate")
        else:
            yield _pair(table, row, other, "exact duplicate")


def _nearly_equal(
    table: _base.Table, known: Sequence[str], seen: Sequence[_looks.Look]
) -> Iterator[Problem]:
    copies = {row for row, _ in duplicates.exact(known)}
    rows = [r for r, look in enumerate(seen) if look.hash and r not in copies]
    if not rows:
        return
    hashes = np.array([list(bytes.fromhex(seen[row].hash)) for row in rows], np.uint8)
    nearest: dict[int, int] = {}
    for first, second in duplicates.near(hashes):
        nearest.setdefault(rows[second], rows[first])
    for row, other in nearest.items():
        yield _pair(table, row, other, "near duplicate")


def _alike(table: _base.Table, known: Sequence[str]) -> Iterator[Problem]:
    copies = {row for row, _ in duplicates.exact(known)}
    likes = [
        "" if row in copies else _wording.likeness(text)
        for row, text in enumerate(table.values)
    ]
    for row, other in duplicates.exact(likes):
        yield _pair(table, row, other, "near duplicate")


def _pair(table: _base.Table, row: int, other: int, what: str) -> Problem:
    splits = str(table.splits[row]), str(table.splits[other])
    labels = _label(table, row), _label(table, other)
    marks = []
    if labels[0] != labels[1]:
        marks.append(f"labels {labels[0]} and {labels[1]}")
    if splits[0] != splits[1]:
        marks.append(f"across splits {splits[0]} and {splits[1]}")
    tail = f" ({', '.join(marks)})" if marks else ""
    path = str(table.values[row] if table.kind == "image" else table.ids[row])
    cause = f"{what} of {table.ids[other]}{tail}"
    return Problem(path, cause, "fix" if marks else "noted")


def _label(table: _base.Table, row: int) -> str:
    label = table.label(row)
    if not isinstance(label, list):
        return repr(label)
    joined = (" " if table.form == "tokens" else "|").join(label)
    return repr(textwrap.shorten(joined, _SHOWN, placeholder=" ..."))


def summary(problems: Sequence[Problem]) -> dict[tuple[str, str], int]:
    """Returns how many problems there are of each kind of cause and action."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for problem in problems:
        kind = re.split(r": | of | \(", problem.cause)[0]
        counts[kind, problem.action] += 1
    return dict(sorted(counts.items()))
