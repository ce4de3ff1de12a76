"""Keeps parsed vectors as memory-mapped arrays, a folder for each content."""

import contextlib
import hashlib
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

_VERSION = 1
_ABOUT = "about.json"
_MATRIX = "matrix.npy"
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
        self._file = (folder / _MATRIX).open("wb")
        self._file.write(b"\0" * _HEADER)
        self._digest = hashlib.sha256()
        self._words: list[bytes] = []
        self._hashes: list[np.ndarray] = []
        self._width = 0

    def add(self, words: list[bytes], matrix: np.ndarray, hashes: np.ndarray) -> None:
        """Appends rows: matrix float32 [n, d], hashes uint32 [n] (CRC-32)."""
        rows = np.ascontiguousarray(matrix, "<f4").reshape(-1).view(np.uint8)
        self._file.write(rows)
        self._digest.update(rows)
        self._words += words
        self._hashes.append(hashes)
        self._width = matrix.shape[1]

    def finish(self, about: dict[str, Any]) -> None:
        """Writes the index and what there is to say; the folder is then whole."""
        self._file.seek(0)
        self._file.write(_header(len(self._words), self._width))
        self._file.close()
        hashes = np.concatenate(self._hashes or [np.zeros(0, np.uint32)])
        index = _word_index.build(self._words, hashes)
        sums = {_MATRIX: self._digest.hexdigest()}
        for name, array in index._asdict().items():
            np.save(self._folder / f"{name}.npy", array)
            sums[f"{name}.npy"] = _sum(self._folder / f"{name}.npy", skip=0)
        states = {name: _state(self._folder / name) for name in sums}
        files = {name: [*states[name], sums[name]] for name in sums}
        text = json.dumps({"version": _VERSION, "files": files, **about})
        (self._folder / _ABOUT).write_text(text)

    def close(self) -> None:
        """Frees the file, also of an unfinished folder."""
        self._file.close()


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


def _sound(path: pathlib.Path, size: int, time: int, digest: str) -> bool:
    found = _state(path)
    if found == (size, time):
        return True
    skip = _HEADER if path.name == _MATRIX else 0
    return found[0] == size and _sum(path, skip=skip) == digest


def _sum(path: pathlib.Path, *, skip: int) -> str:
    with path.open("rb") as file:
        file.seek(skip)
        return hashlib.file_digest(file, "sha256").hexdigest()
