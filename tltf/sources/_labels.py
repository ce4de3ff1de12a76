"""What a manifest's label cells say: names, flags, numbers, or tags of tokens."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tltf import errors

SEPARATOR = "|"
FORMS = ("names", "numbers", "tokens")
_FLAGS = {"0": 0, "0.0": 0, "1": 1, "1.0": 1, "False": 0, "True": 1}
_SHOWN = 8  # declared classes in a message
_LARGEST = float(np.finfo(np.float32).max)


class Options(NamedTuple):
    """What a recipe may say of a manifest.

    Attributes:
      columns: Standard column name to the manifest's own.
      labels: Columns of 0 and 1, one a class, in output order; or None.
      multi_label: Whether `a|b` are two labels; None: if any line has a `|`.
      strict: Whether a bad line is an error; otherwise it goes to `skipped`.
      form: What a label is, one of `FORMS`.
      classes: Declared names in output order, such as levels; a label must be
        one of them. None: all that occur, sorted.
      range: Least and largest number allowed, or None.
      empty: `skip`: a record whose label cell is empty is none of this label;
        `error`: it is a bad line.
    """

    columns: Mapping[str, str] | None = None
    labels: Sequence[str] | None = None
    multi_label: bool | None = None
    strict: bool = True
    form: str = "names"
    classes: Sequence[str] | None = None
    range: Sequence[float] | None = None
    empty: str = "error"


class Bad(NamedTuple):
    """Why a label cannot be read."""

    cause: str


def options(**given: Any) -> Options:
    """Returns checked options.

    Raises:
      UserError: A value that an option does not take, or two that exclude each
        other.
    """
    found = Options(**given)
    _choice("form", found.form, FORMS)
    _choice("empty", found.empty, ("error", "skip"))
    if found.form != "names":
        for name in ("labels", "multi_label"):
            if getattr(found, name):
                raise errors.UserError(
                    f"data.options.{name}: goes with form: names, not {found.form}"
                )
    if found.classes is not None:
        found = found._replace(classes=_classes(found))
    if found.range is not None:
        found = found._replace(range=_range(found))
    return found


def read(cells: Mapping[str, Any], column: str, found: Options) -> Any:
    """Returns a label before it is encoded; None if its cell is empty.

    Args:
      cells: The line, by column.
      column: Of the label; not read where `labels` names columns of flags.
      found: See `Options`.

    Returns:
      A name, a list of names, a tuple of flags, a float, or `Bad`.
    """
    if found.labels:
        return _flags(cells, found.labels)
    cell = cells.get(column)
    if found.form == "numbers":
        return _number(cell, found.range)
    if found.form == "tokens":
        return _tags(cell, found.classes)
    if isinstance(cell, list):
        names = [text(one).strip() for one in cell]
        return _unknown(names, found.classes) or names
    name = text(cell).strip()
    if not name:
        several = found.multi_label and found.empty == "error"
        return "" if several else None
    parts = [name] if found.multi_label is False else parted(name)
    if found.classes and name in found.classes:
        return name
    return _unknown(parts, found.classes) or name


def encoded(labels: Sequence[Any], found: Options) -> tuple[list[Any], list[str]]:
    """Returns labels as a table's rows take them, and the class names.

    Args:
      labels: What `read` gave of each record.
      found: See `Options`.
    """
    if found.form == "numbers":
        return list(labels), []
    if found.labels:
        return list(labels), list(found.labels)
    several = _several(labels, found)
    held = [_held(label, several) for label in labels]
    classes = list(found.classes or sorted({name for names in held for name in names}))
    place = {name: number for number, name in enumerate(classes)}
    if found.form == "tokens":
        tags = [np.array([place[name] for name in names], np.int32) for names in held]
        return tags, classes
    if several:
        flags = [tuple(int(c in set(names)) for c in classes) for names in held]
        return flags, classes
    return [place[names[0]] for names in held], classes


def tokens(cell: Any) -> list[str] | Bad:
    """Returns the tokens of a text that is a list, or is parted by white space."""
    found = (
        [text(one) for one in cell] if isinstance(cell, list) else text(cell).split()
    )
    for number, token in enumerate(found, 1):
        if "\0" in token:  # the end of a text to NumPy
            return Bad(f"token {number} holds a zero byte: {token!r:.40}")
        if token.split() != [token]:
            return Bad(f"token {number} is empty or holds white space: {token!r}")
    return found


def text(value: Any) -> str:
    """Returns a cell as text; nothing is the empty text."""
    return "" if value is None else str(value)


def parted(name: str) -> list[str]:
    """Returns the names in `a|b`."""
    return [part.strip() for part in name.split(SEPARATOR) if part.strip()]


def _several(labels: Iterable[Any], found: Options) -> bool:
    if found.form == "tokens":
        return False
    if found.multi_label is not None:
        return found.multi_label
    return any(
        isinstance(x, list) or (SEPARATOR in x and x not in (found.classes or ()))
        for x in labels
    )


def _held(label: str | list[str], several: bool) -> list[str]:
    if isinstance(label, list):
        return [name for name in label if name]
    return parted(label) if several else [label]


def _flags(cells: Mapping[str, Any], columns: Sequence[str]):
    flags = [text(cells.get(name)).strip() for name in columns]
    if not any(flags):
        return None
    for name, flag in zip(columns, flags, strict=True):
        if flag not in _FLAGS:
            return Bad(f"bad flag: column {name!r} holds {flag!r}, not 0 or 1")
    return tuple(_FLAGS[flag] for flag in flags)


def _number(cell: Any, bounds: Sequence[float] | None) -> float | Bad | None:
    shown = text(cell).strip()
    if not shown:
        return None
    try:
        # Python's own spelling 1_000 is no number elsewhere
        number = float("x" if "_" in shown else shown)
    except ValueError:
        return Bad(f"bad label: {shown!r:.40} is not a number")
    if not math.isfinite(number) or abs(number) > _LARGEST:
        return Bad(f"bad label: {shown:.40} is not a finite number of float32")
    if bounds and not bounds[0] <= number <= bounds[1]:
        low, high = bounds
        return Bad(f"bad label: {shown} is outside the range {low:g} to {high:g}")
    return number


def _tags(cell: Any, classes: Sequence[str] | None) -> list[str] | Bad | None:
    tags = tokens(cell)
    if isinstance(tags, Bad):
        return tags._replace(cause=f"tag of {tags.cause}")
    return _unknown(tags, classes) or tags or None


def _unknown(names: Sequence[str], classes: Sequence[str] | None) -> Bad | None:
    strange = [name for name in names if classes and name not in classes]
    if not strange:
        return None
    shown = ", ".join(classes[:_SHOWN]) + (", ..." if len(classes) > _SHOWN else "")
    return Bad(f"unknown label: {strange[0]!r:.40}, declared are {shown}")


def _classes(found: Options) -> tuple[str, ...]:
    if found.form == "numbers" or found.labels:
        other = "labels" if found.labels else "form: numbers"
        raise errors.UserError(f"data.options.classes: does not go with {other}")
    if isinstance(found.classes, str) or not isinstance(found.classes, Sequence):
        raise errors.UserError(
            f"data.options.classes: {found.classes!r} is not a list of names"
        )
    names = tuple(text(name).strip() for name in found.classes)
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        raise errors.UserError(
            f"data.options.classes: {list(names)} are not two or more different names"
        )
    return names


def _range(found: Options) -> tuple[float, float]:
    given = found.range
    if found.form != "numbers":
        raise errors.UserError("data.options.range: goes with form: numbers only")
    numbers = isinstance(given, Sequence) and all(
        isinstance(bound, int | float) and not isinstance(bound, bool)
        for bound in given
    )
    # of infinities the test of order fails for equal ones only, which is right
    if not numbers or len(given) != 2 or not given[0] < given[1]:
        raise errors.UserError(
            f"data.options.range: {given!r} is not [low, high] with low below high"
        )
    return float(given[0]), float(given[1])


def _choice(name: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise errors.UserError(
            f"data.options.{name}: {value!r} is not one of {', '.join(known)}"
        )
