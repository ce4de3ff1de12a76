"""Proof that a SavedModel answers as the run did, from a process of its own."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tltf import errors
from tltf.export import named

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
    model: pathlib.Path,
    rows: list[dict[str, Any]],
    *,
    precision: str,
    answer: Callable[[np.ndarray], Any] | None = None,
    labels: Sequence[str] = (),
    part: str = "",
) -> dict[str, Any]:
    """Returns the number of records asked and the largest difference found.

    Args:
      model: A SavedModel folder.
      rows: Answers of the run, from `pick`.
      precision: Of the run, which sets what difference is allowed.
      answer: Scores of a record to the answer that the run gives for them.
      labels: Class names in the order of scores.
      part: Whose answers they are; empty for a run without parts.

    Raises:
      WorkError: It does not load or answer without tltf, or answers otherwise.
    """
    answered = _reloaded(model, rows, part)
    found = [
        {name: column[place] for name, column in answered["answers"].items()}
        for place in range(len(rows))
    ]
    gaps = [_gap(row, one, precision) for row, one in zip(rows, found, strict=True)]
    worst = int(np.argmax([over for over, _ in gaps]))
    if not gaps[worst][0] <= 0:
        raise errors.WorkError(
            f"the reloaded model differs from the run by {gaps[worst][1]:.2g} on "
            f"{rows[worst].get('file') or rows[worst].get('id')}; nothing was "
            "published: if files under checkpoints/ or the data changed after "
            "training, train again"
        )
    for row, one in zip(rows, found, strict=True):
        _check_named(row, one, answer, labels)
    _check_others(answered, found[0], precision)
    return {"records": len(rows), "largest_difference": max(gap for _, gap in gaps)}


def _gap(row: dict[str, Any], found: dict[str, Any], precision: str):
    """Returns by how much a record's answer differs more than allowed, and at all."""
    expected = np.array(row["probabilities"], np.float64)
    given = named.scores(found)
    if given.ndim == 2:
        given = given[: len(expected)]
    if given.shape != expected.shape:
        raise errors.WorkError(
            f"the reloaded model gives scores of shape {list(given.shape)}, the run "
            f"gave {list(expected.shape)}; nothing was published"
        )
    gap = np.abs(given - expected)
    # nan where a score is none, which is over every limit
    return float((gap - _allowed(expected, found, precision)).max()), float(gap.max())


def _allowed(expected: np.ndarray, found: dict[str, Any], precision: str):
    # of numbers in the user's units the size is not known to be about 1
    size = np.maximum(1, np.abs(expected)) if "value" in found else 1
    return size * _ABSOLUTE[precision] + _RELATIVE * np.abs(expected)


def _check_named(row: dict[str, Any], found: dict[str, Any], answer, labels) -> None:
    if answer is None:
        return
    given, expected = named.label(found, labels), answer(named.scores(found))
    if given != expected:
        raise errors.WorkError(
            f"the reloaded model answers {given!r:.80} on {row.get('id')}, its scores "
            f"say {expected!r:.80}; nothing was published"
        )


def _check_others(answered: dict[str, Any], first: dict, precision: str) -> None:
    row = {"probabilities": named.scores(first).tolist()}
    others = {"predict_examples": answered["example"], "its part": answered["alone"]}
    for signature, found in others.items():
        over, gap = _gap(row, found, precision) if found else (0, 0)
        if not over <= 0:
            raise errors.WorkError(
                f"{signature} differs from serving_default by {gap:.2g}; "
                "nothing was published"
            )
    if not np.isfinite(answered["features"]).all():
        raise errors.WorkError("features are not numbers; nothing was published")


def _reloaded(
    model: pathlib.Path, rows: list[dict[str, Any]], part: str
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tltf_proof_") as folder:
        request = pathlib.Path(folder, "request.json")
        answer = pathlib.Path(folder, "answer.json")
        asked = [
            {key: row[key] for key in ("file", "text") if key in row} for row in rows
        ]
        request.write_text(
            json.dumps({"model": str(model), "records": asked, "part": part})
        )
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
