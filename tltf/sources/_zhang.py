"""Reads the CSV layout of Zhang, Zhao and LeCun's text sets: no header, class first."""

import csv
import io
import pathlib
from collections.abc import Iterator, Sequence

from tltf import errors
from tltf.sources import _base, _texts

CITATION = (
    "X. Zhang, J. Zhao, Y. LeCun, Character-level Convolutional Networks for Text "
    "Classification, NeurIPS 2015"
)
_PATH = r"(?:^|/)(train\.csv|test\.csv|classes\.txt)$"
_LONGEST = 1 << 24  # characters of a field; Python's own limit is 131072


def read(source: str, where: pathlib.Path, classes: Sequence[str]) -> _base.Table:
    """Returns the records of `train.csv` and `test.csv`.

    A line is the class as a number from 1, then one or more fields of text, which
    are joined by line breaks; a backslash and an `n` in them is a line break too.
    Ids are split and line, as `train/12`. `classes.txt`, where it is there, names
    the classes.

    Args:
      source: The source's name.
      where: Folder or archive.
      classes: Names in the order of their numbers.

    Raises:
      UserError: A file is missing or no such CSV; names the line.
    """
    found = {match[1]: data for match, data in _texts.members(where, _PATH)}
    lacking = [name for name in ("train.csv", "test.csv") if name not in found]
    if lacking:
        raise errors.UserError(
            f"{source}: {where} has no {lacking[0]}; check data.options.path"
        )
    named = [x for x in _texts.decoded(found.get("classes.txt", b"")).split("\n") if x]
    names = [name.strip() for name in named] or list(classes)
    texts = [
        text
        for split in ("train", "test")
        for text in _lines(f"{source}: {where}", split, found[f"{split}.csv"], names)
    ]
    return _texts.table(texts, names, source=source, where=where)


def _lines(
    where: str, split: str, data: bytes, names: Sequence[str]
) -> Iterator[_texts.Text]:
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
    reader = csv.reader(io.StringIO(_texts.lines(data), newline=""), strict=True)
    file = f"{where} {split}.csv line"
    try:
        for fields in reader:
            if fields:
                label = _label(fields, names, f"{file} {reader.line_num}")
                text = "\n".join(filter(None, map(_unescaped, fields[1:])))
                yield _texts.Text(f"{split}/{reader.line_num}", text, label, split)
    except csv.Error as error:
        raise errors.UserError(f"{file} {reader.line_num}: {error}; mend it") from error


def _label(fields: Sequence[str], names: Sequence[str], where: str) -> int:
    number = fields[0].strip()
    if len(fields) < 2 or not number.isdecimal() or not 1 <= int(number) <= len(names):
        raise errors.UserError(
            f"{where}: {','.join(fields)!r:.60} is no class of 1 to {len(names)} "
            "with a text; mend it"
        )
    return int(number) - 1


def _unescaped(field: str) -> str:
    return field.replace("\\n", "\n").strip()
