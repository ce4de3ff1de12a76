"""Keeps parsed vectors as memory-mapped arrays, a folder for each content."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tltf.fetch import home
from tltf.text import _word_index

_VERSION = 2  # of the files and of the hash
_ABOUT = "about.json"
_MATRIX = "matrix.npy"
_ROWS = 65_536  # of a matrix that is copied, at a time
_HEADER = 128  # bytes of the .npy header, padded to what any shape needs


class Stored(NamedTuple):
    """What a folder of the store holds; `about` is JSON values."""

    matrix: np.ndarray
    index: _word_index.Index
    about: dict[str, Any]


class Writer:
    """Takes rows as they come; the matrix need not fit into memory."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._matrix = _Matrix(folder / _MATRIX)
        self._texts: list[np.ndarray] = []
        self._sizes: list[np.ndarray] = []
        self._hashes: list[np.ndarray] = []

    def add(
        self, words: _word_index.Packed, hashes: np.ndarray, matrix: np.ndarray
    ) -> None:
        """Appends rows: matrix float32 [n, d], hashes those of the words."""
        self._matrix.add(matrix)
        self._texts.append(words.text)
        self._sizes.append(words.sizes)
        self._hashes.append(hashes)

    def repeated(self) -> tuple[np.ndarray, _word_index.Packed]:
        """Returns the rows whose word came before, int64, and the words of all.

        To be called when all rows are there; `finish` leaves these out.
        """
        parts = self._texts, self._sizes, self._hashes
        kinds = np.uint8, np.int64, np.uint64
        text, sizes, hashes = (
            np.concatenate([np.zeros(0, kind), *part])
            for kind, part in zip(kinds, parts, strict=True)
        )
        words, order = _word_index.Packed(text, sizes), np.argsort(hashes)
        again = _word_index.repeated(words, hashes, order)
        self._found = words, hashes, order, again
        return again, words

    def finish(self, about: dict[str, Any]) -> None:
        """Writes the index and what there is to say; the folder is then whole.

        Args:
          about: JSON values.
        """
        words, hashes, order, again = self._found
        self._matrix.close()
        if len(again):
            keep = np.ones(len(hashes), bool)
            keep[again] = False
            words, hashes = words.keep(keep), hashes[keep]
            order = np.argsort(hashes)
            self._matrix = _without(self._matrix, keep)
        sums = {_MATRIX: self._matrix.sum}
        for name, array in _word_index.build(words, hashes, order)._asdict().items():
            np.save(self._folder / f"{name}.npy", array)
            sums[f"{name}.npy"] = _sum(array)
        states = {name: _state(self._folder / name) for name in sums}
        files = {name: [*states[name], sums[name]] for name in sums}
        text = json.dumps({"version": _VERSION, "files": files, **about})
        (self._folder / _ABOUT).write_text(text)

    def close(self) -> None:
        """Frees the file, also of an unfinished folder."""
        self._matrix.close()


class _Matrix:
    """A .npy file that grows; `sum` is its checksum."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.sum = 0
        self._shape = (0, 0)
        self._file = path.open("wb")
        self._file.write(b"\0" * _HEADER)

    def add(self, rows: np.ndarray) -> None:
        """Appends float32 [n, d]."""
        rows = np.ascontiguousarray(rows, "<f4")
        self._file.write(rows.reshape(-1).view(np.uint8))
        self.sum = (self.sum + _sum(rows)) % 2**64
        self._shape = (self._shape[0] + len(rows), rows.shape[1])

    def close(self) -> None:
        """Completes the file."""
        if not self._file.closed:
            self._file.seek(0)
            self._file.write(_header(*self._shape))
            self._file.close()


def _without(matrix: _Matrix, keep: np.ndarray) -> _Matrix:
    """Writes the matrix again, with the rows that `keep` is true for."""
    whole = np.load(matrix.path, mmap_mode="r", allow_pickle=False)
    made = _Matrix(matrix.path.with_suffix(".half"))
    for at in range(0, len(whole), _ROWS):
        made.add(whole[at : at + _ROWS][keep[at : at + _ROWS]])
    made.close()
    os.replace(made.path, matrix.path)
    return made


def root() -> pathlib.Path:
    """Returns the folder of all stored vectors."""
    return home.home() / "vectors"


def folder(size: int, key: str) -> pathlib.Path:
    """Returns the folder of one content; `size` is the file's, in bytes."""
    return root() / f"{size}-{key}"


def any_of(size: int) -> bool:
    """Returns whether a file of that size is stored, by whatever key."""
    return any(root().glob(f"{size}-*"))


def read(place: pathlib.Path) -> Stored | None:
    """Returns what is stored, or None where it is missing or damaged.

    Files whose size and time are as written are taken as they are; otherwise
    their checksums decide.
    """
    try:
        about = json.loads((place / _ABOUT).read_bytes())
        if about.pop("version") != _VERSION:
            return None
        files = about.pop("files")
        if not all(_sound(place / name, *fact) for name, fact in files.items()):
            return None
        arrays = [_opened(place, n) for n in ("matrix", *_word_index.Index._fields)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    plain = [array.view(np.ndarray) for array in arrays[1:]]
    return Stored(arrays[0], _word_index.Index(*plain), about)


@contextlib.contextmanager
def workspace() -> Iterator[pathlib.Path]:
    """Yields a folder on the store's disk that is gone afterwards."""
    root().mkdir(parents=True, exist_ok=True)
    holder = pathlib.Path(tempfile.mkdtemp(prefix=".half-", dir=root()))
    try:
        yield holder
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def publish(made: pathlib.Path, place: pathlib.Path) -> None:
    """Moves a finished folder into place; a sound one that is there stays.

    What other processes have mapped from a damaged folder stays with them.
    """
    for _ in range(3):
        try:
            os.rename(made, place)
            return
        except OSError:
            if not place.exists():
                raise
        if read(place) is not None:
            return  # another process was first
        with contextlib.suppress(OSError):  # another process clears it too
            os.rename(place, made.with_name(f"{made.name}-damaged"))
    os.rename(made, place)


def _header(rows: int, width: int) -> bytes:
    shape = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}"
    text = shape.ljust(_HEADER - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little") + text.encode()


def _opened(place: pathlib.Path, name: str) -> np.ndarray:
    return np.load(place / f"{name}.npy", mmap_mode="r", allow_pickle=False)


def _state(path: pathlib.Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _sound(path: pathlib.Path, size: int, time: int, total: int) -> bool:
    found = _state(path)
    if found == (size, time):
        return True
    return found[0] == size and _sum(_opened(path.parent, path.stem)) == total


def _sum(array: np.ndarray) -> int:
    """Returns the sum of an array's bytes, in words where they fill some."""
    kind = np.dtype(f"u{min(array.dtype.itemsize, 4)}")
    flat = array.reshape(-1).view(kind)
    return int(flat.sum(dtype=np.uint64)) % 2**64
