"""The configuration of a character-based two-direction language model."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

from tltf import errors

LENGTH = 50  # character ids of a token; ops/characters has them


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What `options.json` of bilm-tf and AllenNLP says.

    Attributes:
      dim: Cells of an LSTM.
      projection: Length of a token's vector and of an LSTM's output.
      layers: LSTMs on each other in each direction.
      cell_clip: Greatest absolute value of a cell, or None.
      proj_clip: The same of a projected output.
      skip: Add each LSTM's input to its output, but for the first.
      activation: `relu` or `tanh`, behind the convolutions.
      embedding: Length of a character's vector.
      filters: (width, number) of each convolution.
      highways: Highway layers behind the convolutions.
      projects_tokens: Whether a matrix leads from the convolutions to `projection`.
      projects_states: Whether one leads from the cells to `projection`.
    """

    dim: int
    projection: int
    filters: tuple[tuple[int, int], ...]
    layers: int = 2
    cell_clip: float | None = 3.0
    proj_clip: float | None = 3.0
    skip: bool = True
    activation: str = "relu"
    embedding: int = 16
    highways: int = 1
    projects_tokens: bool = True
    projects_states: bool = True

    @property
    def convolved(self) -> int:
        """Length of a token's vector behind the convolutions."""
        return sum(number for _, number in self.filters)


def read(path: pathlib.Path | str) -> Options:
    """Returns the options in a JSON file.

    Raises:
      UserError: No such file, no JSON, or a field that is missing or wrong.
    """
    path = pathlib.Path(path).expanduser()
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise errors.UserError(
            f"options: cannot read {path} ({error.strerror}); "
            "give the options.json that came with the weights"
        ) from None
    except ValueError as error:
        raise errors.UserError(f"options: {path} is no JSON: {error}") from None
    return parse(fields, str(path))


def parse(fields: Any, where: str = "options") -> Options:
    """Returns the options in a mapping of the form of `options.json`.

    Keys that do not shape the network, such as `dropout`, are ignored.

    Args:
      fields: What the file holds.
      where: Its name, for messages.

    Raises:
      UserError: A field is missing or wrong.
    """
    look = _Look(fields, where)
    _fixed(look)
    filters = look("char_cnn.filters", _filters, "a list of [width, number]")
    dim = look("lstm.dim", _count, _A_COUNT)
    projection = look("lstm.projection_dim", _count, _A_COUNT)
    return Options(
        dim=dim,
        projection=projection,
        filters=filters,
        layers=look("lstm.n_layers", _count, _A_COUNT),
        cell_clip=look("lstm.cell_clip", _clip, _A_CLIP, None),
        proj_clip=look("lstm.proj_clip", _clip, _A_CLIP, None),
        skip=look("lstm.use_skip_connections", _yes_no, "true or false", False),
        activation=look("char_cnn.activation", _activation, "relu or tanh"),
        embedding=look("char_cnn.embedding.dim", _count, _A_COUNT),
        highways=look("char_cnn.n_highway", _number, "0 or a whole number", 0),
        projects_tokens=sum(n for _, n in filters) != projection,
        projects_states=dim != projection,
    )


def as_json(options: Options, *, characters: int = 262) -> dict:
    """Returns the form of `options.json`.

    Args:
      options: What to write.
      characters: 262 in the files of models in use; bilm-tf writes 261 while
        it trains.
    """
    return {
        "lstm": {
            "cell_clip": options.cell_clip,
            "use_skip_connections": options.skip,
            "n_layers": options.layers,
            "proj_clip": options.proj_clip,
            "projection_dim": options.projection,
            "dim": options.dim,
        },
        "char_cnn": {
            "embedding": {"dim": options.embedding},
            "filters": [list(pair) for pair in options.filters],
            "n_highway": options.highways,
            "n_characters": characters,
            "max_characters_per_token": LENGTH,
            "activation": options.activation,
        },
    }


class _Look:
    """Takes fields by their path, or says what is wrong with them."""

    _REQUIRED = object()

    def __init__(self, fields: Any, where: str):
        self._fields, self._where = fields, where

    def __call__(self, path, accept, wanted, default=_REQUIRED):
        value = self._fields
        for key in path.split("."):
            if not isinstance(value, Mapping):
                self.refuse(path, value, wanted)
            if key not in value:
                if default is not self._REQUIRED:
                    return default
                raise errors.UserError(
                    f"options: {self._where} lacks {path}; give {wanted}"
                )
            value = value[key]
        try:
            return accept(value)
        except (TypeError, ValueError):
            self.refuse(path, value, wanted)

    def refuse(self, path, value, wanted):
        raise errors.UserError(
            f"options: {path} in {self._where} is {value!r:.80}; give {wanted}"
        )


_A_COUNT = "a whole number above 0"
_A_CLIP = "a number above 0, or null for none"


def _fixed(look: _Look) -> None:
    """Refuses what the character ids do not allow."""
    length = look("char_cnn.max_characters_per_token", _count, str(LENGTH), LENGTH)
    if length != LENGTH:
        look.refuse("char_cnn.max_characters_per_token", length, str(LENGTH))
    characters = look("char_cnn.n_characters", _count, "261 or 262", 262)
    if characters not in (261, 262):
        look.refuse("char_cnn.n_characters", characters, "261 or 262")


def _number(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise ValueError
    return int(value)


def _count(value: Any) -> int:
    if _number(value) == 0:
        raise ValueError
    return int(value)


def _clip(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool | str) or not math.isfinite(value) or value < 0:
        raise ValueError
    return float(value) or None  # AllenNLP writes 0 for "no clipping"


def _yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _activation(value: Any) -> str:
    if value not in ("relu", "tanh"):
        raise ValueError
    return value


def _filters(value: Any) -> tuple[tuple[int, int], ...]:
    pairs = tuple((_count(width), _count(number)) for width, number in value)
    if not pairs or max(width for width, _ in pairs) > LENGTH:
        raise ValueError
    return pairs
