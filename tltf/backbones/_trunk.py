"""The encoder of a finished run, kept to begin other runs with."""

import json
import os
import pathlib
import re
import typing
import zipfile
from collections.abc import Sequence

import numpy as np

from tltf import errors
from tltf.fetch import files

if typing.TYPE_CHECKING:
    import keras

FILE = "trunk.json"
_WEIGHTS = "encoder.npz"
# Keras counts layers without a name of their own over the whole process
_COUNTED = re.compile(r"_(\d+)$")


def found(choice: str) -> pathlib.Path | None:
    """Returns the folder that `choice` names if an encoder was kept in it."""
    path = pathlib.Path(choice).expanduser()
    return path if (path / FILE).is_file() else None


def save(
    folder: pathlib.Path, name: str, layers: Sequence["keras.layers.Layer"]
) -> None:
    """Writes the weights of an encoder's layers.

    Args:
      folder: Made where it is missing.
      name: The backbone, `file/variant`.
      layers: Of the encoder; heads are not among them.
    """
    arrays = {
        f"{key}/{number}": value
        for key, layer in _keyed(layers).items()
        for number, value in enumerate(layer.get_weights())
    }
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{_WEIGHTS}"
    with open(half, "wb") as file:
        np.savez(file, **arrays)
    os.replace(half, folder / _WEIGHTS)
    files.write_text(folder / FILE, json.dumps({"backbone": name}) + "\n")


def load(encoder: "keras.Model", folder: pathlib.Path, name: str) -> None:
    """Puts kept weights into an encoder of the same backbone.

    Raises:
      UserError: The folder is damaged, or of another backbone or size.
    """
    layers = _keyed(encoder.layers)
    given: dict[str, list[np.ndarray]] = {}
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))["backbone"]
        with np.load(folder / _WEIGHTS, allow_pickle=False) as arrays:
            for key in arrays.files:
                given.setdefault(key.rpartition("/")[0], []).append(arrays[key])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise errors.UserError(f"weights: {folder} is damaged: {error}") from None
    if kept != name:
        raise errors.UserError(
            f"weights: {folder} keeps an encoder of {kept}; set backbone: {kept}"
        )
    for key in sorted({*layers, *given}):
        there = [w.shape for w in given.get(key, [])]
        if key not in layers or there != [tuple(w.shape) for w in layers[key].weights]:
            raise errors.UserError(
                f"weights: {folder} does not fit {name} here: layer {key} has {there}; "
                "use the words and the tltf of the run that kept it"
            )
        layers[key].set_weights(given[key])


def _keyed(layers) -> dict[str, "keras.layers.Layer"]:
    """Layers with weights by a name that is the same in every process."""
    kinds: dict[str, list] = {}
    for layer in layers:
        if layer.weights:
            kinds.setdefault(_COUNTED.sub("", layer.name), []).append(layer)

    def place(layer) -> int:
        number = _COUNTED.search(layer.name)
        return int(number[1]) if number else -1

    return {
        f"{kind}#{number}": layer
        for kind, alike in kinds.items()
        for number, layer in enumerate(sorted(alike, key=place))
    }
