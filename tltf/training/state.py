"""Saves what a run needs to go on exactly where it was."""

import json
import os
import pathlib
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tltf import errors

_META = "meta"


def save(path: pathlib.Path, arrays: Mapping[str, Sequence], meta: Mapping[str, Any]):
    """Writes lists of arrays and JSON values as one file, in one step.

    Args:
      path: An `.npz` file; a reader never sees half of it.
      arrays: Name to arrays or Keras variables.
      meta: JSON values.
    """
    flat = {
        f"{name}/{number}": _array(array)
        for name, list_ in arrays.items()
        for number, array in enumerate(list_)
    }
    text = json.dumps(dict(meta)).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with open(temporary, "wb") as file:
        np.savez(file, **flat, **{_META: np.frombuffer(text, np.uint8)})
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def load(path: pathlib.Path) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]]:
    """Returns what `save` wrote.

    Raises:
      UserError: The file is damaged.
    """
    arrays: dict[str, list[np.ndarray]] = {}
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as found:
            meta = json.loads(found[_META].tobytes())
            for key in found.files:
                name, _, number = key.rpartition("/")
                if name:
                    arrays.setdefault(name, []).append(found[key])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise errors.UserError(
            f"{path}: damaged ({error}); remove it to begin the run anew"
        ) from None
    return arrays, meta


def _array(value) -> np.ndarray:
    # of a variable without dimensions, `numpy()` is a number
    plain = isinstance(value, np.ndarray | np.generic)
    return np.asarray(value if plain else value.numpy())


def put(variables: Sequence, arrays: Sequence[np.ndarray], *, what: str) -> None:
    """Assigns arrays to variables.

    Raises:
      UserError: Number or shapes differ: the run folder is of another recipe.
    """
    shapes = [tuple(v.shape) for v in variables]
    if shapes != [a.shape for a in arrays]:
        raise errors.UserError(
            f"checkpoint: {len(arrays)} {what} do not fit the {len(shapes)} of this "
            "recipe; use the recipe of the run folder, or another --workdir"
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
