"""A JSON lines manifest, jsonl:PATH with image|text, label, split, group, weight."""

import json
from collections.abc import Iterator
from typing import Any

from tltf.sources import _base, _labels, _manifest

CARD = _base.Card(title="A JSON lines manifest of images or texts (jsonl:PATH)")
OPTIONS = _labels.Options._fields


def load(argument: str, **options: Any) -> _base.Table:
    """Returns the records of a file in UTF-8 with one JSON object a line.

    Args:
      argument: The file; image paths are relative to its folder.
      **options: See `_labels.Options`.

    Raises:
      UserError: The file or a line of it is bad; names the line.
    """
    path, text = _manifest.contents(argument, source="jsonl")
    lines = list(_lines(text))
    header = list(dict.fromkeys(name for line in lines for name in line.fields))
    found = _labels.options(**options)
    return _manifest.table(lines, header, path=path, source="jsonl", options=found)


def _lines(text: str) -> Iterator[_manifest.Line]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield _manifest.Line(number, {}, f"not JSON: {error}")
            continue
        if isinstance(fields, dict):
            yield _manifest.Line(number, fields)
        else:
            yield _manifest.Line(number, {}, "not a JSON object, as in {...}")
