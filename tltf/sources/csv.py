"""A CSV manifest, csv:PATH with columns image|text, label, split, group, weight."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from tltf import errors
from tltf.sources import _base, _labels, _manifest

CARD = _base.Card(title="A CSV manifest of images or texts (csv:PATH)")

_LONGEST = 1 << 24  # characters of a field; Python's own limit is 131072
OPTIONS = _labels.Options._fields


def load(argument: str, *, delimiter: str = ",", **options: Any) -> _base.Table:
    """Returns the records of a CSV file in UTF-8 with a header line.

    Args:
      argument: The file; image paths are relative to its folder.
      delimiter: What parts the fields, one character.
      **options: See `_labels.Options`.

    Raises:
      UserError: The file or a line of it is bad; names the line.
    """
    path, text = _manifest.contents(argument, source="csv")
    found = _labels.options(**options)
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise errors.UserError(
            f"data.options.delimiter: {delimiter!r} is not one character"
        )
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        lines = list(_lines(reader, header))
    except csv.Error as error:
        raise errors.UserError(
            f"csv: {path} line {reader.line_num}: {error}; mend it"
        ) from error
    return _manifest.table(lines, header, path=path, source="csv", options=found)


def _lines(reader, header: list[str]) -> Iterator[_manifest.Line]:
    number = reader.line_num + 1
    for fields in reader:
        if fields:
            cause = ""
            if len(fields) != len(header):
                cause = f"wrong number of fields: {len(fields)}, not {len(header)}"
            named = dict(zip(header, fields, strict=False))
            yield _manifest.Line(number, named, cause)
        number = reader.line_num + 1
