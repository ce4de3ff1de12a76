"""Finds components by file name. The folder is the registry."""

import difflib
import importlib
import pkgutil
import types

from tltf import errors


def names(kind: str) -> list[str]:
    """Lists what stands under `tltf/<kind>/`, without importing it."""
    path = importlib.import_module(f"tltf.{kind}").__path__
    return sorted(m.name for m in pkgutil.iter_modules(path) if m.name[0] != "_")


def find(kind: str, name: str) -> types.ModuleType:
    """Imports `tltf.<kind>.<name>`.

    Raises:
      UserError: There is no such file. The message names the nearest ones.
    """
    known = names(kind)
    if name not in known:
        raise errors.UserError(unknown(f"no {name!r} in {kind}", name, known))
    return importlib.import_module(f"tltf.{kind}.{name}")


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
