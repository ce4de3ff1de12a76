"""Settings of a pre-training: read, checked, with errors that name the remedy."""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import pydantic

from tltf import errors, registry, specs

_Kind = TypeVar("_Kind", bound=specs.Spec)


def field(default: Any, description: str, **limits) -> Any:
    """Returns a setting with its default, meaning and range."""
    return pydantic.Field(default, description=description, **limits)


def read(kind: type[_Kind], given: Mapping[str, Any]) -> _Kind:
    """Returns the settings that a user gave.

    Raises:
      UserError: Unknown name, or a value that is not possible.
    """
    known = list(kind.model_fields)
    for name in given:
        if name not in known:
            raise errors.UserError(
                registry.unknown(f"no setting {name!r}", name, known)
            )
    try:
        return kind(**given)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0] if first["loc"] else "settings"
        raise errors.UserError(
            f"--set {name}={given.get(name)}: {first['msg'].lower()}"
        ) from None


def shape(chosen: Any) -> dict[str, int]:
    """Returns embedding, hidden and layers of settings that have them."""
    return {name: getattr(chosen, name) for name in ("embedding", "hidden", "layers")}


def enough(train: np.ndarray, valid: np.ndarray, batch: int) -> None:
    """Raises UserError unless both streams have tokens for a step of `batch` rows."""
    if len(train) < 2 * batch + 1:
        raise errors.UserError(
            f"{len(train)} tokens to learn from are too few for {batch} rows; "
            "give more text or --set batch=N"
        )
    if len(valid) < 2:
        raise errors.UserError("the held-out texts have no words; give some by --valid")
