"""A two-direction language model on disk: read to start from, and written."""

import json
import os
import pathlib
from collections.abc import Sequence

import h5py
import keras
import numpy as np

from tltf import errors
from tltf.fetch import files
from tltf.text import elmo, elmo_options, elmo_weights

_OPTIONS, _WEIGHTS, _SOFTMAX = "options.json", "weights.hdf5", "softmax.hdf5"
_WORDS = "vocabulary.txt"


def start(
    words: Sequence[str], options: elmo_options.Options, place: str | None
) -> tuple[keras.Model, elmo_options.Options, tuple[np.ndarray, np.ndarray]]:
    """Returns the model to train, its options, and the softmax over `words`.

    Args:
      words: To predict.
      options: Sizes where nothing is adapted.
      place: Folder of `write`, or OPTIONS,WEIGHTS of bilm-tf; None for random
        weights. A folder's softmax is taken over word by word, new words get
        the mean of its rows; a pair of files has none, so that it starts anew.

    Raises:
      UserError: Files are missing or do not fit.
    """
    if place is None:
        model = elmo.load_elmo(options, None, trainable="all")
        return model, options, _fresh(len(words), options)
    paths = _paths(place)
    options, _ = elmo.opened(*paths)
    model = elmo.load_elmo(*paths, trainable="all")
    softmax = _fresh(len(words), options)
    if pathlib.Path(place).is_dir():
        softmax = _taken(pathlib.Path(place), words, options)
    return model, options, softmax


def write(
    folder: pathlib.Path,
    model: keras.Model,
    options: elmo_options.Options,
    top: tuple[Sequence[str], np.ndarray, np.ndarray],
) -> None:
    """Writes options.json, weights.hdf5, vocabulary.txt and softmax.hdf5.

    Args:
      folder: Where to.
      model: With the layers of `load_elmo`.
      options: Its sizes.
      top: Words, and the softmax over them: `[words, P]` and `[words]`.
    """
    words, matrix, bias = top
    text = json.dumps(elmo_options.as_json(options), indent=2) + "\n"
    half = folder / f".{_SOFTMAX}"
    with h5py.File(half, "w") as file:
        file["softmax/W"], file["softmax/b"] = matrix, bias
    os.replace(half, folder / _SOFTMAX)
    files.write_text(folder / _WORDS, "\n".join(words) + "\n")
    files.write_text(folder / _OPTIONS, text)
    elmo_weights.write(model, options, folder / _WEIGHTS)


def _paths(place: str) -> tuple[pathlib.Path, pathlib.Path]:
    options, comma, weights = place.partition(",")
    if comma:
        return pathlib.Path(options), pathlib.Path(weights)
    folder = pathlib.Path(place).expanduser()
    if not folder.is_dir():
        raise errors.UserError(
            f"start: {place} is no folder; give one with {_OPTIONS} and {_WEIGHTS}, "
            "or OPTIONS.json,WEIGHTS.hdf5"
        )
    return folder / _OPTIONS, folder / _WEIGHTS


def _fresh(count: int, options: elmo_options.Options) -> tuple[np.ndarray, np.ndarray]:
    spread = 1 / np.sqrt(options.projection)  # bilm-tf
    drawn = keras.random.normal([count, options.projection], stddev=spread)
    return keras.ops.convert_to_numpy(drawn), np.zeros(count, np.float32)


def _taken(folder, words, options):
    """Returns the softmax of a folder, its rows in the order of `words`."""
    if not (folder / _SOFTMAX).is_file():
        return _fresh(len(words), options)
    try:
        text = (folder / _WORDS).read_text(encoding="utf-8")
        with h5py.File(folder / _SOFTMAX) as file:
            matrix, bias = file["softmax/W"][()], file["softmax/b"][()]
    except (OSError, KeyError) as error:
        raise errors.UserError(f"start: {folder} is damaged: {error}") from None
    rows = {word: number for number, word in enumerate(text.split("\n")[:-1])}
    if matrix.shape != (len(rows), options.projection) or bias.shape != (len(rows),):
        raise errors.UserError(
            f"start: {_SOFTMAX} in {folder} has {matrix.shape[0]} rows for "
            f"{len(rows)} words of {_WORDS}; give the files of one model"
        )
    place = np.array([rows.get(word, len(rows)) for word in words])
    matrix = np.concatenate([matrix, matrix.mean(0, keepdims=True)])
    return matrix[place], np.append(bias, bias.mean())[place]
