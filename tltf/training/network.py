"""Puts encoder and head together."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tltf import errors, registry, specs
from tltf.backbones import _base
from tltf.fetch import weights as fetched
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
      model: {"image": 0..255 `[batch, side, side, 3]`} to float32 logits.
      encoder: The same input to {"vector", "map"}.
      head: float `[batch, features]` to the same logits.
      backbone: Description of the encoder.
      source: Where the weights came from: `choice`, `file`, `sha256`.
    """

    model: keras.Model
    encoder: keras.Model
    head: keras.Model
    backbone: _base.Backbone
    source: dict[str, Any]


def build(recipe: specs.Recipe, outputs: int, *, unit: bool = False) -> Network:
    """Returns the network of a recipe with its starting weights.

    Args:
      recipe: Resolved; `weights: none` gives random ones.
      outputs: Number of classes.
      unit: Scale the vector to unit length before the last layer.

    Raises:
      UserError: The weights cannot be had, or do not fit.
    """
    module, form = registry.variant(recipe.backbone)
    backbone = module.VARIANTS[form]
    path = fetched.resolve(backbone.weights, recipe.weights, name=recipe.backbone)
    with policy(recipe.precision):
        encoder = module.build(backbone, side=recipe.image.side, weights=path)
        layers = registry.find("heads", "linear").layers(
            outputs, unit=unit, dropout=recipe.head.dropout
        )
        model = keras.Model(
            encoder.input, _through(layers, encoder.output["vector"]), name="model"
        )
        vector = keras.Input(encoder.output["vector"].shape[1:], name="vector")
        head = keras.Model(vector, _through(layers, vector), name="head")
    guards.scaled_once(model, side=recipe.image.side)
    source = {"choice": recipe.weights, "file": path.name if path else None}
    source["sha256"] = _file_digest(path) if path else None
    if path and backbone.weights and path.name == backbone.weights.file:
        source["licence"] = backbone.weights.licence
    return Network(
        model=model, encoder=encoder, head=head, backbone=backbone, source=source
    )


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


def _file_digest(path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
