"""Remembers small facts about files between runs, in one SQLite file."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from tltf import errors
from tltf.fetch import home

_AT_ONCE = 500  # SQLite took at most 999 variables a statement before 3.32


def read(table: str, keys: Sequence[str]) -> dict[str, list]:
    """Returns what is remembered of `keys`, lists of JSON values by key.

    Raises:
      UserError: The cache folder cannot be written.
    """
    found = {}
    with _opened(table) as base:
        for start in range(0, len(keys), _AT_ONCE):
            part = list(keys[start : start + _AT_ONCE])
            marks = ",".join("?" * len(part))
            ask = f"SELECT key, value FROM {table} WHERE key IN ({marks})"
            found.update(
                {key: json.loads(value) for key, value in base.execute(ask, part)}
            )
    return found


def write(table: str, facts: Iterable[tuple[str, list]]) -> None:
    """Remembers (key, list of JSON values) pairs; a later one replaces an earlier.

    Raises:
      UserError: The cache folder cannot be written.
    """
    rows = [(key, json.dumps(value)) for key, value in facts]
    if rows:
        with _opened(table) as base:
            base.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)


@contextlib.contextmanager
def _opened(table: str) -> Iterator[sqlite3.Connection]:
    path = home.home() / "files.sqlite"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as base, base:
            base.execute(
                f"CREATE TABLE IF NOT EXISTS {table} "
                "(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
            )
            yield base
    except (OSError, sqlite3.Error) as error:
        raise errors.UserError(
            f"cannot use {path}: {error}; delete it, or set TLTF_HOME to a folder "
            "you can write to"
        ) from error
