"""Feature vectors with their ids, in files of a bounded number of rows."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tltf import errors

_ROWS_AT_ONCE = 1024


def check(out: Path) -> None:
    """Raises unless `out` can be made: absent, or an empty folder.

    Raises:
      UserError: There is something in it, or it is a file.
    """
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise errors.UserError(
            f"--out: {out} is there already; name a new folder or remove it"
        )


def write(
    out: Path,
    vectors: np.ndarray,
    records: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
    *,
    rows: int,
) -> list[str]:
    """Writes the folder `out` as a whole or not at all; returns its shards' names.

    A shard is `features-00000-of-00002.npy`, float32 `[k, features]`, and beside
    it a `.jsonl` of the same name with one record a line. `meta.json` holds
    `about` and the list of shards.

    Args:
      out: A folder that `check` passes.
      vectors: float32 `[n, features]`.
      records: What stands in the lines, `[n]`; each has an `id`.
      about: JSON values.
      rows: Most rows of a shard.
    """
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        names = _shards(part, vectors, records, rows)
        meta = {**about, "shards": names}
        (part / "meta.json").write_text(json.dumps(meta, indent=2, ensure_ascii=False))
        part.chmod(0o755)
        os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return names


def _shards(part: Path, vectors, records, rows: int) -> list[str]:
    count = max(1, math.ceil(len(vectors) / rows))
    names = [f"features-{i:05}-of-{count:05}.npy" for i in range(count)]
    for i, name in enumerate(names):
        span = slice(i * rows, (i + 1) * rows)
        _array(part / name, vectors[span])
        with (part / name).with_suffix(".jsonl").open("w", encoding="utf-8") as file:
            for record in records[span]:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return names


def _array(path: Path, vectors: np.ndarray) -> None:
    kind = {"descr": "<f4", "fortran_order": False, "shape": vectors.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, kind)
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            file.write(vectors[start : start + _ROWS_AT_ONCE].tobytes())
