"""Feature vectors on disk, found again by the content they came from.

A folder holds the vectors of one encoder under one preprocessing. In it, each
segment is two files that never change: `<name>.f32` (rows of float32) and
`<name>.keys` (one record digest a line); the name is the checksum of both. Files
appear by rename, so writers need no lock and readers see whole segments only.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import mmap
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from absl import logging

from tltf import errors
from tltf.fetch import home

SEGMENT_ROWS = 4096
_IN_MEMORY = 64 * 2**20  # bytes of a gathered answer; larger ones are mapped files
_ABANDONED = 3600.0  # seconds after which a half-written file has no writer

Place = tuple[np.ndarray, int]  # a mapped segment, and the row in it


@dataclasses.dataclass(frozen=True)
class Found:
    """What a folder has of the records asked for.

    Attributes:
      places: Where each found digest stands.
      damaged: Segments that failed their checksum and were removed.
    """

    places: dict[str, Place]
    damaged: int


def folder(about: Mapping[str, Any]) -> Path:
    """Returns the folder of vectors made as `about` says, made if need be.

    Args:
      about: All that decides a vector besides the record; JSON values only.
    """
    text = json.dumps(about, sort_keys=True, indent=1)
    path = root() / hashlib.sha256(text.encode()).hexdigest()[:24]
    path.mkdir(parents=True, exist_ok=True)
    if not (path / "about.json").exists():
        with _new_file(path, "about.json") as file:
            file.write(text.encode())
    return path


def root() -> Path:
    """Returns the folder of all cached features: $TLTF_FEATURES, or in the cache."""
    return Path(os.environ.get("TLTF_FEATURES") or home.home() / "features")


def limit() -> int:
    """Returns the most bytes the cache may keep.

    Raises:
      UserError: TLTF_CACHE_GB is not a number of 0 or more.
    """
    text = os.environ.get("TLTF_CACHE_GB", "20")
    try:
        size = float(text)
    except ValueError:
        size = -1.0
    if not 0 <= size < 2**20:
        raise errors.UserError(
            f"TLTF_CACHE_GB is {text!r}; give the gigabytes the feature cache may "
            "take, such as 20"
        )
    return int(size * 10**9)


def lookup(path: Path, wanted: set[str], *, features: int) -> Found:
    """Returns where the `wanted` digests stand in the folder `path`.

    Each segment that is used is verified by its checksum, once a process; one
    that fails is named in the log, removed, and its records are not found.

    Args:
      features: Length of a vector.
    """
    places: dict[str, Place] = {}
    damaged = 0
    for file in sorted(path.glob("*.keys")):
        try:
            keys = _keys(file)
            if not wanted.intersection(keys):
                continue
            array = _open(file, len(keys), features)
        except FileNotFoundError:  # another process removed it just now
            continue
        except ValueError as error:
            damaged += 1
            _drop(file, f"{error}")
            continue
        places.update((key, (array, i)) for i, key in enumerate(keys) if key in wanted)
    return Found(places, damaged)


def store(
    path: Path, batches: Iterable[tuple[list[str], np.ndarray]], *, features: int
) -> dict[str, Place]:
    """Writes vectors as they come and returns where they stand.

    A full segment is published at once; so is an unfinished one when `batches`
    raises, so that computed vectors are never lost to a later error.

    Args:
      batches: Pairs of k digests and float32 `[k, features]`.
      features: Length of a vector.
    """
    places: dict[str, Place] = {}
    source = iter(batches)
    first = next(source, None)
    while first is not None:
        with _segment(path, features, places) as add:
            while first is not None and add(*first) < SEGMENT_ROWS:
                first = next(source, None)
        first = next(source, None)
    return places


def gather(places: dict[str, Place], digests: list[str], *, features: int):
    """Returns the vectors of `digests` in their order, float32 `[n, features]`.

    One segment asked for as a whole is returned as it is mapped; up to 64 MB are
    copied to memory; more goes to a mapped file that vanishes with the array.
    """
    found = [places[digest] for digest in digests]
    if found and _is_whole(found):
        return found[0][0]
    if len(found) * features * 4 <= _IN_MEMORY:
        return _rows(found, features)
    root().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=root()) as file:
        for start in range(0, len(found), SEGMENT_ROWS):
            part = found[start : start + SEGMENT_ROWS]
            file.write(_rows(part, features).data)
            for array in {id(array): array for array, _ in part}.values():
                # pages that were read count as this process's memory otherwise
                array.base.madvise(mmap.MADV_DONTNEED)
        file.flush()
        return np.memmap(file, np.float32, "r", shape=(len(found), features))


def trim(path: Path, most: int) -> int:
    """Removes the segments used longest ago until `path` holds `most` bytes.

    Also removes what crashed writers left. Returns the segments removed.
    """
    files = [f for f in path.rglob("*") if f.suffix in (".f32", ".part")]
    known = [(f, s) for f in files if (s := _stat(f))]
    now, total, removed = time.time(), sum(s.st_size for _, s in known), 0
    for file, stat in sorted(known, key=lambda pair: pair[1].st_atime_ns):
        whole = file.suffix == ".f32" and file.with_suffix(".keys").exists()
        if total > most if whole else now - stat.st_mtime > _ABANDONED:
            file.with_suffix(".keys").unlink(missing_ok=True)
            file.unlink(missing_ok=True)
            total, removed = total - stat.st_size, removed + whole
    return removed


@contextlib.contextmanager
def _segment(path: Path, features: int, places: dict[str, Place]) -> Iterator[Any]:
    keys: list[str] = []
    checksum = hashlib.sha256()
    handle, part = tempfile.mkstemp(suffix=".part", dir=path)

    def add(digests: list[str], vectors: np.ndarray) -> int:
        rows = np.ascontiguousarray(vectors, "<f4")
        if rows.shape != (len(digests), features):
            raise ValueError(f"{rows.shape} for {len(digests)} x {features}")
        file.write(rows.data)
        checksum.update(rows.data)
        keys.extend(digests)
        return len(keys)

    with os.fdopen(handle, "wb") as file:
        try:
            yield add
        finally:
            file.close()
            places.update(_publish(Path(part), keys, checksum, features))


def _publish(part: Path, keys: list[str], checksum, features: int) -> dict[str, Place]:
    if not keys:
        part.unlink()
        return {}
    text = "\n".join(keys).encode()
    checksum.update(text)
    name = checksum.hexdigest()[:32]
    vectors = part.with_name(f"{name}.f32")
    part.chmod(0o644)  # mkstemp's 0600 would hide it from a shared cache's others
    os.replace(part, vectors)
    array = np.memmap(vectors, "<f4", "r", shape=(len(keys), features))
    with _new_file(part.parent, f"{name}.keys") as file:
        file.write(text)
    return {key: (array, row) for row, key in enumerate(keys)}


@contextlib.contextmanager
def _new_file(path: Path, name: str) -> Iterator[BinaryIO]:
    handle, part = tempfile.mkstemp(suffix=".part", dir=path)
    with os.fdopen(handle, "wb") as file:
        yield file
    os.chmod(part, 0o644)
    os.replace(part, path / name)


def _keys(file: Path) -> tuple[str, ...]:
    return _read_keys(str(file), *_version(file))


def _open(file: Path, rows: int, features: int) -> np.ndarray:
    vectors = file.with_suffix(".f32")
    found = _checksum(str(file), _version(file), _version(vectors))
    if found != file.stem:
        raise ValueError("its checksum is wrong")
    array = np.memmap(vectors, "<f4", "r", shape=(rows, features))
    with contextlib.suppress(PermissionError):  # a shared, read-only cache
        os.utime(vectors, ns=(time.time_ns(), vectors.stat().st_mtime_ns))
    return array


def _version(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


@functools.lru_cache(maxsize=1024)
def _read_keys(file: str, size: int, mtime_ns: int) -> tuple[str, ...]:
    return tuple(Path(file).read_bytes().decode("ascii", "replace").split("\n"))


@functools.lru_cache(maxsize=4096)
def _checksum(file: str, keys: tuple[int, int], vectors: tuple[int, int]) -> str:
    with Path(file).with_suffix(".f32").open("rb") as stream:
        checksum = hashlib.file_digest(stream, "sha256")
    checksum.update(Path(file).read_bytes())
    return checksum.hexdigest()[:32]


def _drop(file: Path, cause: str) -> None:
    logging.warning("feature cache: removed %s, %s; computing it again", file, cause)
    file.unlink(missing_ok=True)
    file.with_suffix(".f32").unlink(missing_ok=True)


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:  # another process removed it just now
        return None


def _is_whole(found: list[Place]) -> bool:
    array = found[0][0]
    return len(array) == len(found) and all(
        place[0] is array and place[1] == row for row, place in enumerate(found)
    )


def _rows(found: list[Place], features: int) -> np.ndarray:
    result = np.empty((len(found), features), np.float32)
    by_segment: dict[int, list[int]] = {}
    for position, (array, _) in enumerate(found):
        by_segment.setdefault(id(array), []).append(position)
    for positions in by_segment.values():
        array = found[positions[0]][0]
        result[positions] = array[[found[p][1] for p in positions]]
    return result
