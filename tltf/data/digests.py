"""Digests of records, the names that caches and splits know them by."""

import concurrent.futures
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from tltf import errors
from tltf.data import _memory
from tltf.sources import _base

_T = TypeVar("_T")
_THREADS = 16
_AT_ONCE = 32  # files of one task
_SETTLED = 2_000_000_000  # ns; a younger file may change again within one time stamp


def sha256(paths: Sequence[str], *, unreadable: str = "stop") -> list[str]:
    """Returns the SHA-256 of each file's bytes, lower-case hex.

    Files are read by threads. A file of the same path, size and modification
    time as before is not read again: its digest is remembered in the cache
    folder.

    Args:
      paths: Absolute paths.
      unreadable: `"stop"` raises for a file that cannot be read, `"blank"`
        returns the empty string for it.

    Raises:
      UserError: A file cannot be read; or the cache folder cannot be written.
    """
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        states = _each(pool, _state, paths)
        keys = [_key(path) for path in paths]
        known = _memory.read("digests", keys)
        fresh = [
            row
            for row, (key, state) in enumerate(zip(keys, states, strict=True))
            if state is None or known.get(key, [])[:2] != list(state)
        ]
        found = _each(pool, _digest, [paths[row] for row in fresh])
        made = dict(zip(fresh, found, strict=True))
    _refuse_failed(paths, made, unreadable)
    _memory.write("digests", _settled(keys, states, made))
    return [
        _blank(made[row]) if row in made else known[key][2]
        for row, key in enumerate(keys)
    ]


def records(table: _base.Table) -> list[str]:
    """Returns the SHA-256 of each record: its file's bytes, or its text as UTF-8.

    Raises:
      UserError: A file cannot be read.
    """
    if table.kind == "image":
        return sha256(list(table.values))
    return [hashlib.sha256(text.encode()).hexdigest() for text in table.values]


def _each(
    pool: concurrent.futures.Executor, act: Callable[[str], _T], paths: Sequence[str]
) -> list[_T]:
    """Returns `act` of each path; a task of the pool is many paths, for its cost."""
    parts = [paths[at : at + _AT_ONCE] for at in range(0, len(paths), _AT_ONCE)]
    done = pool.map(lambda part: [act(path) for path in part], parts)
    return [one for part in done for one in part]


def _key(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _state(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None  # reading it will say why
    return found.st_size, found.st_mtime_ns


def _digest(path: str) -> str | OSError:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return error


def _blank(made: str | OSError) -> str:
    return made if isinstance(made, str) else ""


def _refuse_failed(
    paths: Sequence[str], made: dict[int, str | OSError], unreadable: str
) -> None:
    failed = {row: e for row, e in made.items() if isinstance(e, OSError)}
    if failed and unreadable == "stop":
        row, error = next(iter(failed.items()))
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise errors.UserError(
            f"cannot read {paths[row]}{more}: {error.strerror}; mend or remove it"
        ) from error


def _settled(
    keys: list[str],
    states: list[tuple[int, int] | None],
    made: dict[int, str | OSError],
) -> list[tuple[str, list]]:
    now = time.time_ns()
    return [
        (keys[row], [*state, digest])
        for row, digest in made.items()
        if isinstance(digest, str)
        and (state := states[row]) is not None
        and now - state[1] > _SETTLED
    ]
