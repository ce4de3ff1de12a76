"""Proof that a SavedModel answers as the run did, from a process of its own."""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np

from tltf import errors

RECORDS = 32  # asked again
# Difference allowed to a probability p: 1e-5 + 1e-4 p in float32. Half floats
# round to 8 or 11 bits, and answers move with the size of the batch.
_ABSOLUTE = {"float32": 1e-5, "float16": 5e-3, "bfloat16": 4e-2}
_RELATIVE = 1e-4
_SCRIPT = pathlib.Path(__file__).with_name("_reload.py")


def pick(rows: list[dict[str, Any]], origin: pathlib.Path) -> list[dict[str, Any]]:
    """Returns up to 32 answers, evenly spaced, whose files still stand.

    Args:
      rows: Answers of the run with `file` or `text`, and `probabilities`.
      origin: The file they are from, for the message.

    Raises:
      WorkError: None of the files stands.
    """
    standing = [
        row for row in rows if "text" in row or os.path.isfile(row.get("file", ""))
    ]
    if not standing:
        gone = rows[0].get("file", "(no file named)")
        raise errors.WorkError(
            f"no image of {origin} can be found, such as {gone}; an export is proved "
            "on them: put the data back or train again"
        )
    places = np.linspace(0, len(standing) - 1, min(RECORDS, len(standing)))
    return [standing[int(round(place))] for place in places]


def check(
    model: pathlib.Path, rows: list[dict[str, Any]], *, precision: str
) -> dict[str, Any]:
    """Returns the number of records asked and the largest difference found.

    Args:
      model: A SavedModel folder.
      rows: Answers of the run, from `pick`.
      precision: Of the run, which sets what difference is allowed.

    Raises:
      WorkError: It does not load or answer without tltf, or answers otherwise.
    """
    answered = _reloaded(model, rows)
    expected = np.array([row["probabilities"] for row in rows])
    given = np.array(answered["scores"])
    if given.shape != expected.shape:
        raise errors.WorkError(
            f"the reloaded model gives scores of shape {list(given.shape)}, the run "
            f"gave {list(expected.shape)}; nothing was published"
        )
    allowed = _ABSOLUTE[precision] + _RELATIVE * np.abs(expected)
    gaps = np.abs(given - expected)
    worst = int(np.argmax((gaps - allowed).max(-1)))
    if not (gaps <= allowed).all():
        raise errors.WorkError(
            f"the reloaded model differs from the run by {gaps[worst].max():.2g} on "
            f"{rows[worst].get('file') or rows[worst].get('id')}; nothing was "
            "published: if files under checkpoints/ or the data changed after "
            "training, train again"
        )
    _check_others(answered, allowed[0])
    return {"records": len(rows), "largest_difference": float(gaps.max())}


def _check_others(answered: dict[str, Any], allowed: np.ndarray) -> None:
    gap = np.abs(np.subtract(answered["example_scores"], answered["scores"][0]))
    if not (gap <= allowed).all():
        raise errors.WorkError(
            f"predict_examples differs from serving_default by {gap.max():.2g}; "
            "nothing was published"
        )
    if not all(map(math.isfinite, answered["features"])):
        raise errors.WorkError("features are not numbers; nothing was published")


def _reloaded(model: pathlib.Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tltf_proof_") as folder:
        request = pathlib.Path(folder, "request.json")
        answer = pathlib.Path(folder, "answer.json")
        asked = [
            {key: row[key] for key in ("file", "text") if key in row} for row in rows
        ]
        request.write_text(json.dumps({"model": str(model), "records": asked}))
        # -I: neither this folder, PYTHONPATH nor the user's site packages
        done = subprocess.run(
            [sys.executable, "-I", str(_SCRIPT), str(request), str(answer)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not answer.exists():
            said = (done.stderr.strip().splitlines() or ["(no message)"])[-1]
            raise errors.WorkError(
                f"the exported model does not answer in a fresh process (exit code "
                f"{done.returncode}): {said[:400]}; nothing was published"
            )
        return json.loads(answer.read_text(encoding="utf-8"))
