"""Writes a split as a manifest that `csv:` reads back."""

import csv
import os
import pathlib
import types
from collections.abc import Mapping

import numpy as np

from tltf import errors
from tltf.sources import _base

_SEPARATOR = "|"
_END = "\r\n"


def text(
    table: _base.Table, chosen: Mapping[str, np.ndarray], *, folder: str | None = None
) -> str:
    """Returns a CSV of the rows of each role, the role in the column `split`.

    Args:
      table: Records.
      chosen: Row numbers of each role.
      folder: Where the manifest will stand; files below it are named relative
        to it, others by their absolute path.

    Raises:
      UserError: A class name holds the separator of labels.
    """
    for name in table.classes if table.form != "tokens" else ():
        if _SEPARATOR in name:
            raise errors.UserError(
                f"class {name!r} holds {_SEPARATOR!r}, which parts labels in a "
                "manifest; rename it"
            )
    lines: list[str] = []
    # so that a carriage return in a text is quoted too, and not a line end later
    into = types.SimpleNamespace(write=lines.append)
    writer = csv.writer(into, lineterminator=_END)
    writer.writerow(["id", table.kind, "label", "split", "group", "weight"])
    for role, rows in chosen.items():
        for row in rows:
            value = _value(table, row, folder)
            extra = table.groups[row], f"{table.weights[row]:g}"
            writer.writerow([table.ids[row], value, _label(table, row), role, *extra])
    return "".join(line.removesuffix(_END) + "\n" for line in lines)


def write(
    path: pathlib.Path, table: _base.Table, chosen: Mapping[str, np.ndarray]
) -> None:
    """Writes the manifest at `path`, in one step.

    Raises:
      UserError: As of `text`, or the file cannot be written.
    """
    made = text(table, chosen, folder=os.path.abspath(path.parent))
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(made, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise errors.UserError(f"cannot write {path}: {error.strerror}") from error


def _value(table: _base.Table, row: int, folder: str | None) -> str:
    value = str(table.values[row])
    if table.kind == "image" and folder and value.startswith(folder + os.sep):
        return os.path.relpath(value, folder).replace(os.sep, "/")
    return value


def _label(table: _base.Table, row: int) -> str:
    label = table.label(row)
    if isinstance(label, list):
        return (" " if table.form == "tokens" else _SEPARATOR).join(label)
    return str(label)
