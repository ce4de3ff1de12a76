"""Turns the lines of a manifest into the table; names each bad line."""

import math
import os
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tltf import errors
from tltf.sources import _base, _labels, _rows

_FIELDS = ("image", "text", "label", "split", "group", "weight", "id")
_SPLIT = re.compile(r"[\w.-]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON can spell one, text cannot hold it
_LISTED = 5  # line numbers in a message


class Line(NamedTuple):
    """One record of a manifest; `cause` says why it could not be read."""

    number: int
    fields: Mapping[str, Any]
    cause: str = ""


class _Draft(NamedTuple):
    number: int
    id: str
    value: str
    label: Any
    split: str
    group: str
    weight: float


def contents(argument: str, *, source: str) -> tuple[pathlib.Path, str]:
    """Returns the absolute path and the text of a manifest in UTF-8.

    Raises:
      UserError: There is no such file, or it is not UTF-8; names the line.
    """
    path = pathlib.Path(os.path.abspath(os.path.expanduser(argument)))
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is not there"
        raise errors.UserError(f"{source}: {path} {what}; check data.source")
    try:
        raw = path.read_bytes()
        return path, raw.decode("utf-8-sig")
    except OSError as error:
        raise errors.UserError(
            f"{source}: cannot read {path}: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise errors.UserError(
            f"{source}: {path} line {line}: byte {raw[error.start]:#04x} is not UTF-8; "
            "save the file as UTF-8"
        ) from error


def table(
    lines: Iterable[Line],
    header: Sequence[str],
    *,
    path: pathlib.Path,
    source: str,
    options: _labels.Options,
) -> _base.Table:
    """Returns the records that the lines of a manifest name.

    Args:
      lines: Records with their fields by the manifest's column names.
      header: All column names.
      path: The manifest; files are relative to its folder.
      source: `csv` or `jsonl`, for messages.
      options: See `_labels.Options`.

    Raises:
      UserError: A column is missing; a line is bad (when strict); there are no
        lines, or one class only.
    """
    where = f"{source}: {path}"
    names = _columns(header, options, where)
    drafts, bad, seen, labels = [], [], {}, []
    for line in lines:
        label = None
        if not line.cause:
            label = _labels.read(line.fields, names.get("label", ""), options)
            labels.append(label)
            if label is None and options.empty == "skip":
                continue
        draft = line.cause or _draft(line, label, names, options, path.parent)
        if not isinstance(draft, str) and draft.id in seen:
            draft = f"repeated id: {draft.id!r}, first on line {seen[draft.id]}"
        if isinstance(draft, str):
            bad.append((line.number, draft))
        else:
            seen[draft.id] = line.number
            drafts.append(draft)
    if labels and all(label is None for label in labels):
        raise errors.UserError(_all_empty(where, names, options))
    if bad and options.strict:
        raise errors.UserError(_listed(where, bad))
    rows, classes = _labelled(drafts, options)
    _check(rows, classes, where, options)
    skipped = [(f"{path}:{number}", cause) for number, cause in bad]
    kind = "image" if "image" in names else "text"
    return _rows.table(rows, classes, kind=kind, skipped=skipped)


def _columns(
    header: Sequence[str], options: _labels.Options, where: str
) -> dict[str, str]:
    """Returns the manifest's column of each standard field that it has."""
    given = dict(options.columns or {})
    for field in given:
        if field not in _FIELDS:
            raise errors.UserError(
                f"data.options.columns: no field {field!r}; "
                f"there is {', '.join(_FIELDS)}"
            )
    names = {field: field for field in _FIELDS if field in header}
    if not names.keys() & {"image", "text"} and "path" in header:
        names["image"] = "path"
    names.update(given)
    if "image" in names:
        names.pop("text", None)
    needed = [*names.values(), *(options.labels or [])]
    if not names.keys() & {"image", "text"}:
        needed.append("image")
    if options.form == "tokens" and "image" in names:
        raise errors.UserError(f"{where}: form: tokens is of texts, not of images")
    if not options.labels and "label" not in names:
        needed.append("label")
    lacking = [name for name in needed if name not in header]
    if lacking:
        raise errors.UserError(
            f"{where} has no column {lacking[0]!r}; it has "
            f"{', '.join(map(repr, header)) or 'no header'}; rename it or set "
            "data.options.columns"
        )
    return names


def _draft(line: Line, label: Any, names: Mapping[str, str], options, folder):
    """Returns the record of a line, or why it is bad."""
    value = _value(line, names, options)
    if isinstance(value, _labels.Bad):
        return value.cause
    if label is None:
        return "empty label"
    if isinstance(label, _labels.Bad):
        return label.cause
    if options.form == "tokens" and len(label) != value.count(" ") + 1:
        return f"{len(label)} tags for {value.count(' ') + 1} tokens"
    split, weight = _field(line, names, "split"), _weight(_field(line, names, "weight"))
    if weight is None:
        return (
            f"bad weight: {_field(line, names, 'weight')!r}, not a number of 0 or more"
        )
    if "split" in names and not _SPLIT.fullmatch(split):
        return f"bad split: {split!r} is empty or no plain word"
    name = _field(line, names, "id")
    if "image" in names:
        name, value = name or value, os.path.normpath(os.path.join(folder, value))
        if not os.path.isfile(value):
            return f"no such file: {value}"
    group = _field(line, names, "group")
    name = name or f"line {line.number}"
    return _Draft(line.number, name, value, label, split or "all", group, weight)


def _value(line: Line, names: Mapping[str, str], options) -> str | _labels.Bad:
    """Returns the name of the file, or the text."""
    kind = "image" if "image" in names else "text"
    cell = line.fields.get(names[kind])
    value = _labels.text(cell)
    # one manifest may label texts and their tokens: a list is one text for both
    if options.form == "tokens" or (kind == "text" and isinstance(cell, list)):
        tokens = _labels.tokens(cell)
        if isinstance(tokens, _labels.Bad):
            return tokens
        value = " ".join(tokens)
    if not value.strip():
        return _labels.Bad(f"empty {kind}")
    if _SURROGATE.search(value):
        what = "half of a pair that UTF-8 has no form for"
        return _labels.Bad(f"broken character in {kind}: {what}")
    return value


def _weight(text: str) -> float | None:
    try:
        weight = float(text or 1)
    except ValueError:
        return None
    return weight if math.isfinite(weight) and weight >= 0 else None


def _field(line: Line, names: Mapping[str, str], field: str) -> str:
    return _labels.text(line.fields.get(names[field])).strip() if field in names else ""


def _labelled(
    drafts: Sequence[_Draft], options: _labels.Options
) -> tuple[list[_rows.Row], list[str]]:
    """Returns rows with encoded labels, and the classes."""
    labels, classes = _labels.encoded([draft.label for draft in drafts], options)
    rows = [
        _rows.Row(d.id, d.value, label, d.split, d.group, d.weight)
        for d, label in zip(drafts, labels, strict=True)
    ]
    return rows, classes


def _check(rows, classes: Sequence[str], where: str, options) -> None:
    if not rows:
        raise errors.UserError(
            f"{where} has no records; it needs lines below its header"
        )
    if options.strict and options.form != "numbers" and len(classes) < 2:
        raise errors.UserError(
            f"{where} has one class only, {classes}; a classifier needs two or more"
        )


def _all_empty(where: str, names: Mapping[str, str], options) -> str:
    columns = options.labels or [names["label"]]
    shown = ", ".join(map(repr, columns))
    return (
        f"{where}: column {shown} is empty on every line; fill it, or name another "
        "column in data.options.columns"
    )


def _listed(where: str, bad: Sequence[tuple[int, str]]) -> str:
    number, cause = bad[0]
    more = [str(other) for other, _ in bad[1 : 1 + _LISTED]]
    dots = ", ..." if len(bad) > 1 + _LISTED else ""
    tail = f" ({len(bad) - 1} more bad lines: {', '.join(more)}{dots})" if more else ""
    return f"{where} line {number}: {cause}; mend it{tail}"
