"""A folder with an AWD-LSTM language model: arrays, words, what it is."""

import dataclasses
import json
import os
import pathlib
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tltf import errors
from tltf.fetch import files

_WEIGHTS, _WORDS, _ABOUT = "lm.npz", "vocabulary.txt", "lm.json"
_SHAPE = ("embedding", "hidden", "layers")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LanguageModel:
    """Weights of an AWD-LSTM, each layer's gates as input, forget, candidate, output.

    Attributes:
      words: Word of each row.
      arrays: Float32: `words/table` `[words, embedding]`, `words/bias`
        `[words]`, and for each layer `lstm_N/kernel`, `lstm_N/recurrent`,
        `lstm_N/bias`.
      backward: Reads texts from their end.
      about: How it came to be, JSON values.
    """

    words: tuple[str, ...]
    arrays: Mapping[str, np.ndarray]
    backward: bool
    about: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def shape(self) -> dict[str, int]:
        """Returns embedding, hidden and layers, as a backbone's arguments name them."""
        layers = sum(name.endswith("/recurrent") for name in self.arrays)
        hidden = len(self.arrays["lstm_0/recurrent"])
        embedding = self.arrays["words/table"].shape[1]
        return {"embedding": embedding, "hidden": hidden, "layers": layers}


def save(model: LanguageModel, folder: pathlib.Path, *, half: bool = False) -> None:
    """Writes lm.npz, vocabulary.txt and, last, lm.json.

    Args:
      model: What to write.
      folder: Made where missing.
      half: Keep weights as float16, half the size.
    """
    dtype = np.float16 if half else np.float32
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{_WEIGHTS}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **{k: v.astype(dtype) for k, v in model.arrays.items()})
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, folder / _WEIGHTS)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise
    files.write_text(folder / _WORDS, "".join(f"{word}\n" for word in model.words))
    about = {**model.about, **model.shape, "backward": model.backward}
    files.write_text(folder / _ABOUT, json.dumps(about, indent=2) + "\n")


def load(folder: pathlib.Path) -> LanguageModel:
    """Returns what `save` wrote, as float32.

    Raises:
      UserError: The folder holds no language model, or parts do not fit.
    """
    folder = pathlib.Path(folder)
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        words = (folder / _WORDS).read_text(encoding="utf-8").split("\n")[:-1]
        with open(folder / _WEIGHTS, "rb") as file, np.load(file) as found:
            arrays = {name: found[name].astype(np.float32) for name in found.files}
        backward = bool(about["backward"])
    except FileNotFoundError as error:
        raise errors.UserError(
            f"{folder} is no language model: {pathlib.Path(error.filename).name} is "
            "missing; `tltf pretrain --method=awd_lstm` makes such a folder"
        ) from None
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise errors.UserError(f"{folder}: damaged language model ({error})") from None
    model = LanguageModel(
        words=tuple(words), arrays=arrays, backward=backward, about=about
    )
    check(model, str(folder))
    return model


def check(model: LanguageModel, where: str) -> None:
    """Raises UserError unless all arrays fit each other and the words."""
    for name, array in model.arrays.items():
        expected = expected_shapes(model, where).get(name)
        if expected != array.shape:
            raise errors.UserError(
                f"{where}: {name} is {array.shape}, expected {expected}"
            )
        if not np.isfinite(array).all():
            raise errors.UserError(f"{where}: {name} holds numbers that are not finite")


def expected_shapes(model: LanguageModel, where: str) -> dict[str, tuple[int, ...]]:
    """Returns the shape that each array must have.

    Raises:
      UserError: An array that others depend on is missing.
    """
    try:
        shape = model.shape
    except (KeyError, IndexError) as error:
        raise errors.UserError(f"{where}: no array {error}") from None
    shapes = {"words/table": (len(model.words), shape["embedding"])}
    shapes["words/bias"] = (len(model.words),)
    for number, (given, units) in enumerate(sizes(**shape)):
        shapes[f"lstm_{number}/kernel"] = (given, 4 * units)
        shapes[f"lstm_{number}/recurrent"] = (units, 4 * units)
        shapes[f"lstm_{number}/bias"] = (4 * units,)
    if missing := shapes.keys() - model.arrays.keys():
        raise errors.UserError(f"{where}: no array {sorted(missing)[0]}")
    return shapes


def sizes(*, embedding: int, hidden: int, layers: int) -> list[tuple[int, int]]:
    """Returns (input, output) of each layer: the last one gives a word's length."""
    ends = [embedding, *[hidden] * (layers - 1), embedding]
    return list(zip(ends[:-1], ends[1:], strict=True))


def remap(model: LanguageModel, words: Sequence[str]) -> LanguageModel:
    """Returns the model for another vocabulary; new words get the mean of all rows.

    Args:
      model: Of any vocabulary.
      words: Word of each new id.

    Source:
      Howard & Ruder 2018 (arXiv:1801.06146) code: mean row and mean offset.
    """
    known = {word: row for row, word in enumerate(model.words)}
    rows = np.array([known.get(word, -1) for word in words], np.int64)
    arrays = dict(model.arrays)
    for name in ("words/table", "words/bias"):
        old = model.arrays[name]
        mean = old.mean(0, dtype=np.float64).astype(np.float32)
        padded = np.concatenate([old, mean[None]])
        arrays[name] = padded[rows]
    return dataclasses.replace(model, words=tuple(words), arrays=arrays)
