"""answers_<split>.jsonl: one line a record, the source of every score."""

import json
import pathlib

import numpy as np

from tltf.fetch import files
from tltf.sources import _base

# under which name a line says what was answered
_KEYS = {"image": "file", "text": "text"}


def write(path: pathlib.Path, table: _base.Table, probabilities, *, task, chosen):
    """Writes id, label, answer, probabilities and file or text of each, in order.

    Args:
      path: File to write, in one step.
      table: The records.
      probabilities: float `[n, classes]`, in the order of the classes.
      task: Module of the task.
      chosen: What was chosen on valid, such as thresholds.
    """
    names = list(table.classes)
    lines = []
    for row in range(len(table)):
        line = {
            "id": str(table.ids[row]),
            "label": task.truth(table.labels[row], names),
            "answer": task.answer(probabilities[row], names, chosen),
            "probabilities": [round(float(p), 7) for p in probabilities[row]],
            _KEYS[table.kind]: str(table.values[row]),
        }
        lines.append(json.dumps(line, ensure_ascii=False))
    files.write_text(path, "\n".join(lines) + "\n")


def read(path: pathlib.Path) -> tuple[list[dict], np.ndarray]:
    """Returns the lines of a file that `write` made, and float `[n, classes]`."""
    text = path.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return rows, np.array([row["probabilities"] for row in rows])
