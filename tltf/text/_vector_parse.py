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
            fresh = ledger.take(block)
            writer.add(fresh.words, fresh.matrix, fresh.hashes)
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
        self._taken = 0
        self._seen: set[bytes] = set()
        self._counts: collections.Counter[str] = collections.Counter()
        self._named: list[_vector_lines.Fault] = []

    def begin(self, head: _vector_reader.Head) -> None:
        """Notes what the beginning of the file told."""
        self.kind, self._promised = head.kind, head.promised
        self._line = 1 if head.promised is None else 2

    def take(self, block: _vector_lines.Block) -> _vector_lines.Block:
        """Returns the block without words that came before."""
        for fault in block.faults:
            self._note(fault)
        self._taken += len(block.words) + len(block.faults)
        fresh = self._first(block)
        self._line += block.lines
        return fresh

    def close(self) -> dict[str, Any]:
        """Returns what there is to say of the whole file, as JSON values."""
        short = self._promised is not None and self._promised != self._taken
        if short and self._uneven == "stop":
            raise errors.UserError(
                f"{self._origin}: line 1 promises {self._promised} words, "
                f"{self._taken} follow; get it again, or set uneven to skip"
            )
        if not self._seen and self._promised != 0:
            raise errors.UserError(f"{self._origin} has no sound line of word vectors")
        named = [list(fault) for fault in sorted(self._named)]
        return {
            "kind": self.kind,
            "faults": dict(self._counts),
            "lines": named,
        }

    def _first(self, block: _vector_lines.Block) -> _vector_lines.Block:
        before = len(self._seen)
        if self._seen.isdisjoint(block.words):
            self._seen.update(block.words)
            if len(self._seen) == before + len(block.words):
                return block
            self._seen.difference_update(block.words)
        keep = np.zeros(len(block.words), bool)
        for k, word in enumerate(block.words):
            keep[k] = word not in self._seen
            self._seen.add(word)
            if not keep[k]:
                said = f"{word.decode()!r} came before"
                row = int(block.numbers[k])
                self._note(_vector_lines.Fault(row, _vector_lines.DUPLICATE, said))
        rows = np.flatnonzero(keep)
        return block._replace(
            words=[block.words[k] for k in rows],
            matrix=block.matrix[rows],
            hashes=block.hashes[rows],
        )

    def _note(self, fault: _vector_lines.Fault) -> None:
        line = self._line + fault.line
        if fault.kind == _vector_lines.UNEVEN and self._uneven == "stop":
            raise errors.UserError(
                f"{self._origin}: line {line} has {fault.cause}; get the file again, "
                "or set uneven to skip"
            )
        self._counts[fault.kind] += 1
        if len(self._named) < _NAMED:
            self._named.append(fault._replace(line=line))


def _say(origin: _vector_files.Source, about: dict[str, Any]) -> None:
    if about["faults"]:
        counts = ", ".join(f"{n} {kind}" for kind, n in about["faults"].items())
        shown = [f"{line} ({cause})" for line, _, cause in about["lines"][:5]]
        more = ", ..." if len(about["lines"]) > len(shown) else ""
        logging.warning(
            "%s: skipped %s; line %s%s", origin, counts, ", ".join(shown), more
        )
