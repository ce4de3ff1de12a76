"""Finds components by file name. The folder is the registry."""

import ast
import difflib
import importlib
import pathlib
import pkgutil
import types

from tltf import errors

# Sources named with a colon read the user's own files and need what follows it.
_WITH_PATH = ("folder", "csv", "jsonl", "tfds", "squad")


def names(kind: str) -> list[str]:
    """Lists what stands under `tltf/<kind>/`, without importing it."""
    path = importlib.import_module(f"tltf.{kind}").__path__
    return sorted(m.name for m in pkgutil.iter_modules(path) if m.name[0] != "_")


def find_name(kind: str, name: str) -> str:
    """Returns `name` when `tltf/<kind>/<name>.py` stands, without importing it.

    Raises:
      UserError: There is no such file. The message names the nearest ones.
    """
    known = names(kind)
    if name not in known:
        raise errors.UserError(unknown(f"no {name!r} among {kind}", name, known))
    return name


def find(kind: str, name: str) -> types.ModuleType:
    """Imports `tltf.<kind>.<name>`.

    Raises:
      UserError: As `find_name`.
    """
    return importlib.import_module(f"tltf.{kind}.{find_name(kind, name)}")


def source(text: str) -> tuple[str, str]:
    """Returns (file name, argument) of `folder:PATH` or of a named set.

    Raises:
      UserError: No such source, or the part after the colon is missing.
    """
    name, _, argument = text.partition(":")
    find_name("sources", name)
    if name in _WITH_PATH and not argument:
        raise errors.UserError(
            f"data.source: {text!r} needs a path or name, as in {name}:NAME"
        )
    if name not in _WITH_PATH and argument:
        raise errors.UserError(
            f"data.source: {name!r} takes nothing after a colon; "
            f"give data.options instead of {argument!r}"
        )
    return name, argument


def variant(name: str) -> tuple[types.ModuleType, str]:
    """Splits `"resnet50/full"` into the backbone's module and a variant it has.

    Raises:
      UserError: No such file or variant. A name without a slash means `full`.
    """
    file, _, form = name.partition("/")
    module = find("backbones", file)
    form = form or "full"
    if form not in module.VARIANTS:
        known = [f"{file}/{key}" for key in module.VARIANTS]
        raise errors.UserError(unknown(f"no backbone {name!r}", name, known))
    return module, form


def unknown(what: str, name: str, known: list[str]) -> str:
    """Returns `what` with the names nearest to `name`, or all when none is near."""
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        return f"{what}; did you mean {' or '.join(repr(n) for n in near)}?"
    return f"{what}; there is {', '.join(known)}"


def first_line(kind: str, name: str) -> str:
    """Returns the first line of a file's docstring, read without importing it."""
    path = importlib.import_module(f"tltf.{kind}").__path__[0]
    tree = ast.parse((pathlib.Path(path) / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]
