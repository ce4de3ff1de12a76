"""Parses a file of word vectors into the store, and says what was wrong in it."""

import collections
import concurrent.futures
import hashlib
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import logging

from tltf import errors
from tltf.text import (
    _vector_files,
    _vector_lines,
    _vector_names,
    _vector_package,
    _vector_reader,
    _vector_store,
    _word_index,
)

_NAMED = 1000  # faults kept with their line; all are counted


def stored(origin: _vector_files.Source, *, uneven: str) -> _vector_store.Stored:
    """Returns the vectors of a file, parsed now or by an earlier call.

    Args:
      origin: The file.
      uneven: `stop` or `skip` lines of another dimension.

    Raises:
      UserError: The file is no word vectors, or the store cannot be written.
    """
    size = origin.path.stat().st_size
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        digest = pool.submit(_digests, origin)
        if _vector_store.any_of(size):
            place = _place(origin, size, digest.result(), uneven)
            if (found := _vector_store.read(place)) is not None:
                return found
            if place.exists():
                logging.warning("%s is damaged; parsing %s again", place, origin)
        with _vector_store.workspace() as holder:
            made = holder / "vectors"
            made.mkdir()
            about = _write(origin, made, uneven)
            place = _place(origin, size, digest.result(), uneven)
            _vector_store.publish(made, place)
    _say(origin, about)
    found = _vector_store.read(place)
    if found is None:
        raise errors.WorkError(f"{place} cannot be read back; is the disk full?")
    return found


def _digests(origin: _vector_files.Source) -> str:
    """Returns what names the content of all files that are read."""
    words = _vector_names.words_of_package(origin.path)
    paths = [origin.path, words] if words else [origin.path]
    return " ".join(map(_vector_files.digest, paths))


def _place(
    origin: _vector_files.Source, size: int, digest: str, uneven: str
) -> pathlib.Path:
    told = "\n".join((digest, origin.member, uneven))
    key = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()
    return _vector_store.folder(size, key[:32])


def _write(
    origin: _vector_files.Source, made: pathlib.Path, uneven: str
) -> dict[str, Any]:
    writer, ledger = _vector_store.Writer(made), _Ledger(origin, uneven)
    try:
        for block in _blocks(origin, ledger):
            ledger.take(block)
            writer.add(block.words, block.hashes, block.matrix)
        ledger.repeat(*writer.repeated())
        about = ledger.close()
        writer.finish(about)
    finally:
        writer.close()
    return about


def _blocks(
    origin: _vector_files.Source, ledger: "_Ledger"
) -> Iterator[_vector_lines.Block]:
    words = _vector_names.words_of_package(origin.path)
    if words is not None:
        ledger.kind = "package"
        yield from _vector_package.blocks(origin.path, words)
        return
    with _vector_files.opened(origin) as stream:
        head = _vector_reader.head(stream, origin)
        ledger.begin(head)
        yield from _vector_reader.blocks(stream, head, origin)


class _Ledger:
    """Counts lines and faults while blocks go by, and drops repeated words."""

    def __init__(self, origin: _vector_files.Source, uneven: str):
        self.kind = ""
        self._origin, self._uneven = origin, uneven
        self._promised: int | None = None
        self._line = 1  # of the next block's first
        self._lines: list[np.ndarray] = []  # of the sound ones
        self._counts: collections.Counter[str] = collections.Counter()
        self._named: list[_vector_lines.Fault] = []

    def begin(self, head: _vector_reader.Head) -> None:
        """Notes what the beginning of the file told."""
        self.kind, self._promised = head.kind, head.promised
        self._line = 1 if head.promised is None else 2

    def take(self, block: _vector_lines.Block) -> None:
        """Notes the lines and faults of the next block."""
        for fault in block.faults:
            self._note(fault._replace(line=self._line + fault.line))
        self._lines.append(self._line + block.lines)
        self._line += block.count

    def repeat(self, rows: np.ndarray, words: _word_index.Packed) -> None:
        """Notes sound lines whose word came before; `words` are those of all."""
        if not len(rows):
            return
        ends, lines = np.cumsum(words.sizes), np.concatenate(self._lines)
        self._counts[_vector_lines.DUPLICATE] += len(rows)
        for row in rows[:_NAMED].tolist():
            start, end = ends[row] - words.sizes[row], ends[row] - 1
            said = f"{words.text[start:end].tobytes().decode()!r} came before"
            line, kind = int(lines[row]), _vector_lines.DUPLICATE
            self._named.append(_vector_lines.Fault(line, kind, said))

    def close(self) -> dict[str, Any]:
        """Returns what there is to say of the whole file, as JSON values."""
        counts = dict(self._counts)
        sound = sum(map(len, self._lines))
        bad = self._counts.total() - self._counts[_vector_lines.DUPLICATE]
        short = self._promised is not None and self._promised != sound + bad
        if short and self._uneven == "stop":
            raise errors.UserError(
                f"{self._origin}: line 1 promises {self._promised} words, "
                f"{sound + bad} follow; get it again, or set uneven to skip"
            )
        if not sound and self._promised != 0:
            raise errors.UserError(f"{self._origin} has no sound line of word vectors")
        named = [list(fault) for fault in sorted(self._named)[:_NAMED]]
        return {"kind": self.kind, "faults": counts, "lines": named}

    def _note(self, fault: _vector_lines.Fault) -> None:
        if fault.kind == _vector_lines.UNEVEN and self._uneven == "stop":
            raise errors.UserError(
                f"{self._origin}: line {fault.line} has {fault.cause}; get the file "
                "again, or set uneven to skip"
            )
        self._counts[fault.kind] += 1
        if len(self._named) < _NAMED:
            self._named.append(fault)


def _say(origin: _vector_files.Source, about: dict[str, Any]) -> None:
    if about["faults"]:
        counts = ", ".join(f"{n} {kind}" for kind, n in about["faults"].items())
        shown = [f"{line} ({cause})" for line, _, cause in about["lines"][:5]]
        more = ", ..." if len(about["lines"]) > len(shown) else ""
        logging.warning(
            "%s: skipped %s; line %s%s", origin, counts, ", ".join(shown), more
        )
