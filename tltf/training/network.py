"""Puts encoder and head together."""

import contextlib
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from tltf import errors, registry, specs
from tltf.backbones import _base
from tltf.training import guards

_POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """An encoder with its head; the layers are shared between the models.

    Attributes:
      model: {"image": 0..255 `[batch, side, side, 3]`}, {"tokens"} or {"chars"},
        to float32 logits.
      encoder: The same input to {"vector", ...}.
      head: What the head reads, float `[batch, ...]`, to the same logits.
      reads: Which output of the encoder that is.
      backbone: Description of the encoder.
      source: Where the weights came from: `choice`, `file`, `sha256`.
    """

    model: keras.Model
    encoder: keras.Model
    head: keras.Model
    reads: str
    backbone: _base.Backbone | _base.TextBackbone
    source: dict[str, Any]


def build(
    recipe: specs.Recipe,
    outputs: int,
    *,
    unit: bool = False,
    words: Sequence[str] = (),
) -> Network:
    """Returns the network of a recipe with its starting weights.

    Args:
      recipe: Resolved; `weights: none` gives random ones.
      outputs: Number of classes.
      unit: Scale the vector to unit length before the last layer.
      words: Word of each id, for encoders of words.

    Raises:
      UserError: The weights cannot be had, or do not fit; or the head reads
        what this encoder does not give.
    """
    module, form = registry.variant(recipe.backbone)
    backbone = module.VARIANTS[form]
    path = _base.resolve(module, backbone, recipe.weights, name=recipe.backbone)
    kind = registry.find("heads", recipe.head.kind)
    with policy(recipe.precision):
        encoder = _encoder(module, backbone, recipe, path, words)
        _check_head(encoder, recipe, kind.READS)
        layers = kind.layers(outputs, unit=unit, dropout=recipe.head.dropout)
        shown = encoder.output[kind.READS]
        model = keras.Model(encoder.input, _through(layers, shown), name="model")
        # a Masking layer of the head reads zeros, not the sequence's own mask
        alone = keras.Input(shown.shape[1:], dtype=shown.dtype, name=kind.READS)
        head = keras.Model(alone, _through(layers, alone), name="head")
    guards.scaled_once(model, side=recipe.image.side)
    return Network(
        model=model,
        encoder=encoder,
        head=head,
        reads=kind.READS,
        backbone=backbone,
        source=_source(recipe, backbone, path),
    )


def cacheable(recipe: specs.Recipe) -> bool:
    """Whether the head reads vectors of one size, which are worth keeping."""
    return registry.find("heads", recipe.head.kind).READS != "sequence"


def _encoder(module, backbone, recipe: specs.Recipe, path, words) -> keras.Model:
    if backbone.kind == "text":
        length = recipe.text.length
        return module.build(backbone, words=words, length=length, weights=path)
    return module.build(backbone, side=recipe.image.side, weights=path)


def _check_head(encoder: keras.Model, recipe: specs.Recipe, reads: str) -> None:
    if reads not in encoder.output:
        raise errors.UserError(
            f"head.kind: {recipe.head.kind} reads {reads!r}, which {recipe.backbone} "
            f"does not give; it gives {', '.join(sorted(encoder.output))}"
        )


def _source(recipe: specs.Recipe, backbone, path) -> dict[str, Any]:
    source = {"choice": recipe.weights, "file": path.name if path else None}
    source["sha256"] = _digest(path) if path and path.exists() else None
    if path and backbone.weights and path.name == backbone.weights.file:
        source["licence"] = backbone.weights.licence
    return source


@contextlib.contextmanager
def policy(precision: str) -> Iterator[None]:
    """Builds layers under a precision, then restores the one before."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def graft(network: Network, weight: np.ndarray, bias: np.ndarray) -> None:
    """Sets the last layer to a solved one, weight `[features, classes]`.

    Raises:
      WorkError: The shapes do not fit the head.
    """
    layer = network.head.get_layer("head_logits")
    if layer.kernel.shape != weight.shape:
        raise errors.WorkError(
            f"solved head is {weight.shape}, the network's is {layer.kernel.shape}"
        )
    layer.set_weights([weight.astype(np.float32), bias.astype(np.float32)])


def _through(layers, tensor):
    for layer in layers:
        tensor = layer(tensor)
    return tensor


def _digest(path: pathlib.Path) -> str:
    if path.is_file():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    parts = sorted(part for part in path.rglob("*") if part.is_file())
    names = [f"{part.relative_to(path)} {_digest(part)}" for part in parts]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
