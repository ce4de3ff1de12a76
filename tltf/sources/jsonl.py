"""A JSON lines manifest, jsonl:PATH with image|text, label, split, group, weight."""

import json
from collections.abc import Iterator, Mapping, Sequence

from tltf.sources import _base, _manifest

CARD = _base.Card(title="A JSON lines manifest of images or texts (jsonl:PATH)")


def load(
    argument: str,
    *,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
    multi_label: bool | None = None,
    strict: bool = True,
) -> _base.Table:
    """Returns the records of a file in UTF-8 with one JSON object a line.

    Args:
      argument: The file; image paths are relative to its folder.
      columns: Standard field (image, text, label, split, group, weight, id) to
        the file's own name.
      labels: Fields of 0 and 1, one a class, instead of `label`.
      multi_label: Whether `a|b` are two labels; by default if any line has `|`
        or a list.
      strict: Whether a bad line is an error; otherwise it is skipped.

    Raises:
      UserError: The file or a line of it is bad; names the line.
    """
    path, text = _manifest.contents(argument, source="jsonl")
    lines = list(_lines(text))
    header = list(dict.fromkeys(name for line in lines for name in line.fields))
    options = _manifest.Options(columns, labels, multi_label, strict)
    return _manifest.table(lines, header, path=path, source="jsonl", options=options)


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
