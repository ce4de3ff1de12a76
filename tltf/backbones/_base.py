"""What a backbone file says of its network, without TensorFlow."""

import dataclasses
import pathlib
import re
import typing
from collections.abc import Mapping
from typing import Any

from tltf.backbones import _trunk
from tltf.fetch import weights

Weights = weights.Weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backbone:
    """One variant of an encoder.

    Attributes:
      side: Default input side in pixels.
      least: Smallest side that the network accepts.
      features: Length of the output `vector`.
      groups: Ordered layer groups from input to output, as (name, pattern);
        a layer belongs to the first group whose pattern matches the start of
        its name (`re.match`).
      weights: ImageNet weights, or None when there are none (tiny variants).
      arguments: What differs between the variants of a file.
      parameters: Numbers in all layers, running statistics included.
      frozen_norm: Hold every BatchNormalization in inference while training.
    """

    side: int
    least: int
    features: int
    groups: tuple[tuple[str, str], ...]
    weights: Weights | None = None
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    parameters: int | None = None
    frozen_norm: bool = True
    kind: typing.ClassVar[str] = "image"

    def group_of(self, layer_name: str) -> str:
        """Returns the group of a layer; see `group_of`."""
        return group_of(self.groups, layer_name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextBackbone:
    """One variant of an encoder of texts.

    Attributes:
      codec: File under tltf/codecs that turns texts into its input.
      length: Tokens kept of a text, unless the recipe says otherwise.
      fixed: Whether every batch is padded to that length; otherwise to its
        longest text.
      features: Length of the outputs `vector` and `sequence`.
      groups: As of `Backbone`.
      weights: Where `weights: auto` looks, or None.
      arguments: What differs between the variants of a file.
      parameters: Numbers in all layers but the table of words; None where
        that says nothing.
    """

    codec: str
    length: int
    features: int
    groups: tuple[tuple[str, str], ...]
    fixed: bool = False
    weights: Weights | None = None
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    parameters: int | None = None
    frozen_norm: bool = True
    kind: typing.ClassVar[str] = "text"

    def group_of(self, layer_name: str) -> str:
        """Returns the group of a layer; see `group_of`."""
        return group_of(self.groups, layer_name)


def resolve(module, spec, choice: str, *, name: str) -> pathlib.Path | None:
    """Returns the file or folder of weights that `choice` means, None for random.

    A backbone file whose weights are no single file has a `resolve(spec, choice)`
    of its own. A folder of `tltf export --trunk` fits every backbone.

    Args:
      module: File under tltf/backbones.
      spec: One of its variants.
      choice: As `weights.resolve` takes it.
      name: The backbone as the user wrote it.

    Raises:
      UserError: The weights are not there and cannot be had.
    """
    if kept := _trunk.found(choice):
        return kept
    own = getattr(module, "resolve", None)
    if own and choice != "none":
        return own(spec, choice)
    return weights.resolve(spec.weights, choice, name=name)


def build(module, spec, *, name: str, weights: pathlib.Path | None, **options):
    """Returns the encoder of a variant with its weights.

    Args:
      module: File under tltf/backbones.
      spec: One of its variants.
      name: The backbone, `file/variant`.
      weights: What `resolve` returned.
      **options: `side`, or `words` and `length`.

    Raises:
      UserError: The weights do not fit.
    """
    if weights is None or not _trunk.found(str(weights)):
        return module.build(spec, weights=weights, **options)
    encoder = module.build(spec, weights=None, **options)
    _trunk.load(encoder, weights, name)
    return encoder


def group_of(groups: tuple[tuple[str, str], ...], layer_name: str) -> str:
    """Returns the first group whose pattern matches the start of a layer's name.

    Raises:
      ValueError: No pattern matches: the backbone file is wrong.
    """
    for name, pattern in groups:
        if re.match(pattern, layer_name):
            return name
    raise ValueError(f"layer {layer_name!r} is in none of {groups}")
