"""What `tltf tune` searches: a YAML file of recipe fields and their values.

No TensorFlow.
"""

import dataclasses
import json
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any, Literal

import pydantic
import yaml
from pydantic import Field

from tltf import config, errors, registry, specs

# what decides which records a trial is judged by, and how: scores of two trials
# could not be compared
_JUDGES = re.compile(r"(parts\.\d+\.)?(data|task|name|label)(\.|$)|(compare|parts)$")
_ALLOWED = ("data.examples_per_class", "data.bad")


class Range(specs.Spec):
    """Numbers between two bounds, both included."""

    low: int | float = Field(description="least value")
    high: int | float = Field(description="greatest value")
    scale: Literal["linear", "log"] = Field("linear", description="how it is drawn")
    step: int | float | None = Field(
        None, gt=0, description="between values; a factor where scale is log"
    )


class Search(specs.Spec):
    """One search."""

    tuner: Literal["random", "bayesian", "hyperband"] = Field(
        "random", description="of Keras Tuner"
    )
    trials: int | None = Field(
        None, ge=1, description="at most; default 20, of hyperband all of its rounds"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="of the values tried")
    keep: int = Field(1, ge=0, description="best runs that keep their checkpoints")
    first: int | None = Field(
        None, ge=1, description="random trials before bayesian learns from them"
    )
    factor: int = Field(3, ge=2, description="of hyperband: trials a round drops by")
    fields: dict[str, Range | tuple[Any, ...]] = Field(
        min_length=1, description="dotted path of a recipe's field to its values"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Domain:
    """The values of one field.

    Attributes:
      path: Dotted, as for `--set`.
      values: To choose from; empty for a range.
      range: Bounds; None for a choice.
      whole: Whether a range has whole numbers only.
    """

    path: str
    values: tuple = ()
    range: Range | None = None
    whole: bool = False

    @property
    def plain(self) -> bool:
        """Whether the values of a choice are what a tuner can order or name itself:
        numbers only, or words only."""
        kinds = {type(value) for value in self.values}
        return kinds in ({int}, {float}, {int, float}, {str})

    @property
    def told(self) -> tuple:
        """The values of a choice as a tuner is told them: of one type."""
        if not self.plain:
            return tuple(map(json.dumps, self.values))
        mixed = len({type(value) for value in self.values}) > 1
        return tuple(map(float, self.values)) if mixed else self.values

    def read(self, value: Any) -> Any:
        """Returns the recipe's value of what a tuner proposed."""
        if self.range is None and not self.plain:
            return json.loads(value)
        return value


def load(path: str | os.PathLike, recipe: specs.Recipe) -> Search:
    """Returns a search, checked against the recipe that it varies.

    Raises:
      UserError: No such file, no YAML, an unknown field or a value that the recipe
        does not take; with the path and the nearest name.
    """
    path = pathlib.Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UserError(f"--search: cannot read {path}: {error}") from None
    except yaml.YAMLError as error:
        raise errors.UserError(f"{path}: not YAML: {_line(error)}") from None
    if not isinstance(raw, dict):
        raise errors.UserError(f"{path}: a search is a mapping such as `fields: ...`")
    return parse(raw, recipe, where=str(path))


def parse(raw: dict, recipe: specs.Recipe, *, where: str) -> Search:
    """Returns a search from plain values; see `load`."""
    try:
        search = Search.model_validate(raw)
    except pydantic.ValidationError as error:
        raise errors.UserError(f"{where}: {_first(error)}") from None
    try:
        _check(search, recipe)
        domains(search, recipe)
    except errors.UserError as error:
        said = str(error).removeprefix("overrides: ").removeprefix("--set ")
        raise errors.UserError(f"{where}: fields: {said}") from None
    return search


def domains(search: Search, recipe: specs.Recipe) -> list[Domain]:
    """Returns the domain of each field, in the order of the file.

    Raises:
      UserError: The recipe does not take one of the values.
    """
    return [_domain(path, given, recipe) for path, given in search.fields.items()]


def overrides(found: Sequence[Domain], values: dict[str, Any]) -> dict[str, Any]:
    """Returns a tuner's values as overrides of the recipe."""
    return {one.path: one.read(values[one.path]) for one in found}


def shortened(recipe: specs.Recipe, epochs: int) -> dict[str, int]:
    """Returns overrides that give a recipe's stages so many epochs together, shared
    as the recipe shares them; each has one at least.

    Args:
      recipe: With stages.
      epochs: Of all stages.
    """
    lengths = [stage.epochs for stage in recipe.stages]
    exact = [length * epochs / sum(lengths) for length in lengths]
    shared = [max(int(one), 1) for one in exact]
    # what rounding down left over goes where it is missed most
    while sum(shared) < epochs:
        missed = [one - given for one, given in zip(exact, shared, strict=True)]
        shared[missed.index(max(missed))] += 1
    return {f"stages.{n}.epochs": count for n, count in enumerate(shared)}


def _check(search: Search, recipe: specs.Recipe) -> None:
    for path in search.fields:
        if _JUDGES.match(path) and path not in _ALLOWED:
            raise errors.UserError(
                f"{path}: says which records a trial is judged by, or how; scores "
                "could not be compared"
            )
    if search.tuner == "hyperband":
        _check_epochs(search, recipe)


def _check_epochs(search: Search, recipe: specs.Recipe) -> None:
    if recipe.stages is None:
        raise errors.UserError(
            f"hyperband gives trials more and more epochs, method {recipe.method} has "
            "none; take tuner: bayesian"
        )
    for path in search.fields:
        if path in ("method", "stages") or path.endswith(".epochs"):
            raise errors.UserError(
                f"{path}: hyperband itself sets the epochs; take it out, or take "
                "tuner: bayesian"
            )


def _domain(path: str, given: Range | tuple, recipe: specs.Recipe) -> Domain:
    if isinstance(given, tuple):
        if len(given) < 2:
            raise errors.UserError(f"{path}: {list(given)} leaves nothing to choose")
        taken = [_taken(recipe, path, value) for value in given]
        return Domain(path=path, values=tuple(taken))
    if given.low >= given.high:
        raise errors.UserError(f"{path}: low {given.low} is not below {given.high}")
    if given.scale == "log" and given.low <= 0:
        raise errors.UserError(f"{path}: scale log needs low above 0, not {given.low}")
    if given.scale == "log" and given.step and given.step <= 1:
        raise errors.UserError(f"{path}: step of scale log is a factor above 1")
    ends = [_taken(recipe, path, value) for value in (given.low, given.high)]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in ends):
        raise errors.UserError(f"{path}: takes no numbers; give a list of values")
    whole = all(isinstance(one, int) for one in ends)
    if whole and given.step and given.step != int(given.step):
        raise errors.UserError(f"{path}: step {given.step} of whole numbers")
    return Domain(path=path, range=given, whole=whole)


def _taken(recipe: specs.Recipe, path: str, value: Any) -> Any:
    """The value as the recipe holds it, plain, once it is checked."""
    changed = config.change(recipe, (), {path: value})
    place: Any = changed.model_dump(mode="json")
    for key in path.split("."):
        place = place[int(key)] if isinstance(place, list) else place[key]
    return place


def _first(error: pydantic.ValidationError) -> str:
    found = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")[0]
    # pydantic adds the name of a union's branch
    keys = [str(k) for k in found["loc"] if k not in ("Range", "int", "float")]
    keys = [key for key in keys if not key.startswith("tuple[")]
    if found["type"] == "extra_forbidden":
        known = Range if keys[0] == "fields" else Search
        return registry.unknown(
            f"{'.'.join(keys)}: no such field", keys[-1], list(known.model_fields)
        )
    if found["type"] == "missing":
        return f"{'.'.join(keys)}: this field is required"
    if found["type"] == "model_type":
        return (
            f"{'.'.join(keys)}: {found['input']!r} is neither a list of values nor a "
            "range such as {low: 1e-5, high: 1e-1, scale: log}"
        )
    return f"{'.'.join(keys)}: {found['msg']}, got {found['input']!r}"


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"{where}{getattr(error, 'problem', None) or error}"
