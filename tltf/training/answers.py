"""answers_<split>.jsonl: one line a record, the source of every score."""

import json
import pathlib

import numpy as np

from tltf.fetch import files
from tltf.ops import lines
from tltf.sources import _base

# under which name a line says what was answered
_KEYS = {"image": "file", "text": "text"}


def write(path: pathlib.Path, table: _base.Table, probabilities, *, task, chosen):
    """Writes id, label, answer, probabilities and file or text of each, in order.

    Args:
      path: File to write, in one step.
      table: The records.
      probabilities: float `[n, classes]`, in the order of the classes; `[n, 1]`, the
        numbers answered; or `[n, t, classes]`, of which a record's tokens count.
      task: Module of the task.
      chosen: What was chosen on valid, such as thresholds.
    """
    names = list(table.classes)
    made = []
    for row in range(len(table)):
        given = probabilities[row]
        if table.form == "tokens":
            given = given[: len(table.labels[row])]
        line = {
            "id": str(table.ids[row]),
            "label": task.truth(table.labels[row], names),
            "answer": task.answer(given, names, chosen),
            "probabilities": _plain(given, table.form),
            _KEYS[table.kind]: str(table.values[row]),
        }
        made.append(json.dumps(line, ensure_ascii=False))
    files.write_text(path, "\n".join(made) + "\n")


def _plain(given: np.ndarray, form: str) -> list:
    if form == "number":
        # all digits of a float32: of small numbers 7 places would be too few
        return [float(str(np.float32(one))) for one in given]
    return np.round(np.asarray(given, np.float64), 7).tolist()


def read(path: pathlib.Path) -> tuple[list[dict], np.ndarray]:
    """Returns the lines of a file that `write` made, and float `[n, classes]`, padded
    with zeros to `[n, t, classes]` where answers are of tokens."""
    text = path.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in lines.of(text)]
    given = [row["probabilities"] for row in rows]
    if not given or not isinstance(given[0][0], list):
        return rows, np.array(given)
    found = np.zeros((len(given), max(map(len, given)), len(given[0][0])))
    for row, one in zip(found, given, strict=True):
        row[: len(one)] = one
    return rows, found
