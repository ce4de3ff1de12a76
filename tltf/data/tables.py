"""Loads the table of records that a recipe names."""

import inspect
import types
from collections.abc import Mapping
from typing import Any

from tltf import errors, registry
from tltf.sources import _base


def load(source: str, options: Mapping[str, Any] | None = None) -> _base.Table:
    """Returns the records of `folder:PATH`, `csv:PATH`, ... or of a named set.

    Raises:
      UserError: No such source, an option that it does not take, or no data.
    """
    name, argument = registry.source(source)
    module = registry.find("sources", name)
    options = dict(options or {})
    known = taken(module)
    for option in options:
        if option not in known:
            what = f"data.options: source {name!r} has no option {option!r}"
            raise errors.UserError(registry.unknown(what, option, known or ["none"]))
    return module.load(argument, **options)


def taken(module: types.ModuleType) -> list[str]:
    """Returns the options that a source takes."""
    shown = inspect.signature(module.load).parameters.values()
    named = [p.name for p in shown if p.kind is not p.VAR_KEYWORD]
    return [*named[1:], *getattr(module, "OPTIONS", ())]
