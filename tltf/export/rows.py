"""Rows that `tltf predict` prints of answers: JSON or CSV."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from tltf.export import local, named


def as_json(model: local.Model, answer: local.Answer, *, top: int | None) -> str:
    """Returns a record's answer as a JSON object on one line.

    `label` is a class, a list of labels, a number, or a list of tags;
    `probabilities` those of all classes by name, or of the tag of each token. Of
    several parts they stand under `parts` by name.

    Args:
      model: That answered.
      answer: Of one record.
      top: Give this many of the most probable classes only, best first.
    """
    found: dict[str, Any] = {"id": answer.id}
    if answer.error is not None:
        found["error"] = answer.error
    elif model.parts:
        found["parts"] = {
            name: _said(model.parts[name], one, top)
            for name, one in answer.parts.items()
        }
    else:
        found |= _said(model.ends, answer, top)
    return json.dumps(found, ensure_ascii=False)


def as_csv(model: local.Model, answer: local.Answer, *, top: int | None) -> str:
    """Returns a record's answer as a line of CSV under `header`; see `as_json`."""
    cells = [""] * len(model.parts or [""])
    values: Sequence[Any] = ()
    if answer.error is None and model.parts:
        cells = [_cell(model.parts[n], one) for n, one in answer.parts.items()]
    elif answer.error is None:
        cells, values = [_cell(model.ends, answer)], _values(model.ends, answer, top)
    return _line([answer.id, *cells, answer.error or "", *values])


def header(model: local.Model, *, top: int | None) -> str:
    """Returns the first line of a CSV: id, label or the names of parts, error, and
    where one class is answered the probabilities."""
    columns: list[str] = []
    if not model.parts and model.ends.form == "classes":
        numbers = range(1, min(top or 0, len(model.labels)) + 1)
        pairs = [name for k in numbers for name in (f"label_{k}", f"probability_{k}")]
        columns = pairs or list(model.labels)
    return _line(["id", *(model.parts or ["label"]), "error", *columns])


def _said(ends: named.Ends, answer: local.Answer, top: int | None) -> dict[str, Any]:
    given = answer.probabilities
    found: dict[str, Any] = {"label": answer.label}
    if ends.form == "classes":
        found["probabilities"] = dict(_ranked(given, ends.labels, top))
    elif ends.form == "tokens" and top:
        tokens = [dict(_ranked(token, ends.labels, top)) for token in given]
        found["probabilities"] = tokens
    elif ends.form == "tokens":
        found["probabilities"] = [float(token.max()) for token in given]
    return found


def _values(ends: named.Ends, answer: local.Answer, top: int | None) -> list[Any]:
    if ends.form != "classes":
        return []
    pairs = _ranked(answer.probabilities, ends.labels, top)
    return [value for pair in pairs for value in (pair if top else pair[1:])]


def _ranked(scores, labels: Sequence[str], top: int | None) -> list[tuple[str, float]]:
    order = (-scores).argsort(kind="stable")[:top] if top else range(len(labels))
    return [(labels[k], float(scores[k])) for k in order]


def _cell(ends: named.Ends, answer: local.Answer) -> Any:
    label = answer.label
    if isinstance(label, list):
        return (" " if ends.form == "tokens" else "|").join(label)
    return label


def _line(values: list) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
