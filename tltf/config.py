"""Reads a recipe from YAML and `--set` overrides. No TensorFlow."""

import os
import pathlib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pydantic
import yaml

from tltf import _parts, errors, registry, specs

# What a method does not read; setting one of these gets a warning.
_UNREAD = {
    "featurize": ("optimizer", "smoothing", "norm", "keep", "patience"),
    "hog": (
        *("optimizer", "smoothing", "norm", "keep", "patience"),
        *("weights", "augment", "tta", "precision", "engine"),
    ),
    "multitask": ("task", "head"),
}


def load(
    path: str | os.PathLike,
    sets: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
) -> specs.Recipe:
    """Returns the resolved recipe: every default filled in.

    Args:
      path: YAML file.
      sets: Overrides as `a.b=value`; list items by number, `stages.0.rate=1e-4`.
      overrides: The same as a mapping from dotted path to value.

    Raises:
      UserError: No such file, no YAML, or a field that is unknown, missing or
        out of range. One line with the full path and the nearest name.
    """
    raw = _read(pathlib.Path(path))
    return override(raw, _changes(sets, overrides), where=str(path))


def change(
    recipe: specs.Recipe, sets: Sequence[str], overrides: Mapping[str, Any] | None
) -> specs.Recipe:
    """Returns the recipe with overrides applied, as `load` applies them."""
    raw = recipe.model_dump(mode="json")
    return override(raw, _changes(sets, overrides), where="overrides")


def unread(recipe: specs.Recipe) -> list[str]:
    """Returns the fields that are set and that the recipe's method does not read."""
    fields = specs.Recipe.model_fields
    return [
        name
        for name in _UNREAD.get(recipe.method, ())
        if getattr(recipe, name) != fields[name].default
    ]


def override(raw: dict, overrides: Mapping[str, Any], *, where: str) -> specs.Recipe:
    """Returns the resolved recipe of a mapping with dotted overrides applied.

    Args:
      raw: A recipe as plain values; changed in place.
      overrides: Value by dotted path.
      where: Named in the message of an error.
    """
    # the method first, for the default stages depend on it
    for dotted in sorted(overrides, key=lambda name: name != "method"):
        _put(raw, dotted, overrides[dotted])
    return resolve(_recipe(raw, where))


def dump(recipe: specs.Recipe) -> str:
    """Returns the recipe as YAML that `load` reads back to an equal object."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def resolve(recipe: specs.Recipe) -> specs.Recipe:
    """Returns the recipe with stages and side filled, and every name checked.

    Raises:
      UserError: A method, task, backbone, source or engine that does not exist.
    """
    registry.find_name("methods", recipe.method)
    registry.find_name("tasks", recipe.task)
    if recipe.engine != "auto":
        registry.find_name("engines", recipe.engine)
    recipe = recipe.model_copy(update={"parts": _parts.filled(recipe)})
    if not recipe.parts:
        registry.source(recipe.data.source)
        registry.find_name("heads", recipe.head.kind)
    module, form = registry.variant(recipe.backbone)
    backbone = module.VARIANTS[form]
    for row, overrides in () if recipe.parts else recipe.compare.items():
        registry.find_name("methods", overrides.get("method", row))
    stages = None
    if recipe.method in specs.STAGES:
        stages = recipe.stages or specs.STAGES[recipe.method]
    _check_groups(recipe.backbone, backbone, stages or ())
    file = recipe.backbone.partition("/")[0]
    return recipe.model_copy(
        update={
            "backbone": f"{file}/{form}",
            "stages": stages,
            **_sized(recipe, backbone),
        }
    )


def _sized(recipe: specs.Recipe, backbone: Any) -> dict[str, specs.Spec]:
    if backbone.kind == "text":
        length = recipe.text.length or backbone.length
        return {"text": recipe.text.model_copy(update={"length": length})}
    side = recipe.image.side or backbone.side
    if side < backbone.least:
        raise errors.UserError(
            f"image.side: {side} is too small for {recipe.backbone}; "
            f"it takes {backbone.least} and more"
        )
    return {"image": recipe.image.model_copy(update={"side": side})}


def _check_groups(name: str, backbone: Any, stages: Iterable[specs.Stage]) -> None:
    known = [group for group, _ in backbone.groups] + ["head"]
    for number, stage in enumerate(stages):
        for group in () if stage.train == "all" else stage.train:
            if group not in known:
                raise errors.UserError(
                    registry.unknown(
                        f"stages.{number}.train: {name} has no group {group!r}",
                        group,
                        known,
                    )
                )


def _read(path: pathlib.Path) -> dict:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise errors.UserError(f"--config: no file {str(path)!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UserError(f"--config: cannot read {path}: {error}") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or error
        raise errors.UserError(f"{path}{line}: not YAML: {problem}") from None
    if not isinstance(raw, dict):
        raise errors.UserError(f"{path}: a recipe is a mapping such as `method: ...`")
    return raw


def _changes(sets: Sequence[str], overrides: Mapping[str, Any] | None) -> dict:
    return dict([_pair(text) for text in sets]) | dict(overrides or {})


def _pair(text: str) -> tuple[str, Any]:
    dotted, equals, value = text.partition("=")
    if not equals or not dotted:
        raise errors.UserError(f"--set: {text!r} is not of the form a.b=value")
    try:
        return dotted, yaml.safe_load(value)
    except yaml.YAMLError:
        return dotted, value


def _put(raw: dict, dotted: str, value: Any) -> None:
    keys = dotted.split(".")
    if keys[0] == "compare" and len(keys) > 2:
        # what differs by method is itself kept by dotted path
        keys = [*keys[:2], ".".join(keys[2:])]
    if keys[0] == "stages" and len(keys) > 1 and raw.get("stages") is None:
        method = raw.get("method")
        if method in registry.names("methods") and method not in specs.STAGES:
            raise errors.UserError(f"--set {dotted}: method {method} has no stages")
        stages = specs.STAGES.get(method, ())
        raw["stages"] = [stage.model_dump(mode="json") for stage in stages]
    place: Any = raw
    for depth, key in enumerate(keys[:-1]):
        here = ".".join(keys[: depth + 1])
        if isinstance(place, dict):
            place = place.setdefault(key, {})
        else:
            place = _item(place, key, here)
    if isinstance(place, dict):
        place[keys[-1]] = value
    else:
        _item(place, keys[-1], dotted)
        place[int(keys[-1])] = value


def _item(place: Any, key: str, here: str) -> Any:
    if not isinstance(place, list):
        raise errors.UserError(f"--set {here}: there is nothing below this field")
    if not key.isdigit() or int(key) >= len(place):
        raise errors.UserError(f"--set {here}: the list has {len(place)} items, from 0")
    return place[int(key)]


def _recipe(raw: dict, where: str) -> specs.Recipe:
    try:
        return specs.Recipe.model_validate(raw)
    except pydantic.ValidationError as error:
        raise errors.UserError(f"{where}: {_first(error)}") from None


def _first(error: pydantic.ValidationError) -> str:
    # Unknown keys come first: a misspelt name also shows as a missing one.
    found = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")[0]
    keys = [k for k in found["loc"] if not _branch(k)]
    dotted = ".".join(map(str, keys)) or "recipe"
    if found["type"] == "extra_forbidden":
        return registry.unknown(
            f"{dotted}: no such field", str(keys[-1]), _fields(keys[:-1])
        )
    if found["type"] == "missing":
        return f"{dotted}: this field is required"
    return f"{dotted}: {found['msg']}, got {found['input']!r}"


def _branch(key: int | str) -> bool:
    # pydantic puts the name of a union's branch into the path of an error
    return isinstance(key, str) and ("[" in key or key.startswith("literal"))


def _fields(keys: Sequence[int | str]) -> list[str]:
    place: Any = specs.Recipe
    for key in keys:
        if isinstance(key, str):
            place = _model(place.model_fields[key].annotation)
    return list(place.model_fields)


def _model(annotation: Any) -> type[specs.Spec]:
    if isinstance(annotation, type) and issubclass(annotation, specs.Spec):
        return annotation
    inside = typing.get_args(annotation)
    if isinstance(annotation, types.UnionType) or inside:
        for part in inside:
            found = _model(part) if part is not type(None) else None
            if found:
                return found
    return None
