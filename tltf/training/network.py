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
from tltf.training import devices, guards

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
        to float32 logits, or to {part: logits}.
      encoder: The same input to {"vector", ...}.
      head: What the heads read, float `[batch, ...]`, to the same logits; None where
        heads read different outputs.
      reads: Which output of the encoder that is; "" where there are several.
      backbone: Description of the encoder.
      source: Where the weights came from: `choice`, `file`, `sha256`.
    """

    model: keras.Model
    encoder: keras.Model
    head: keras.Model | None
    reads: str
    backbone: _base.Backbone | _base.TextBackbone
    source: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Top:
    """What stands on the encoder for one answer.

    Attributes:
      head: Of the recipe, or of a part.
      outputs: Width of the last layer.
      units: Mean and spread of train's numbers, which the network puts on its
        output; None where labels are no numbers.
      unit: Scale the vector to unit length first.
      name: Of the part; empty for the one answer of a plain recipe.
    """

    head: specs.Head
    outputs: int
    units: tuple[float, float] | None = None
    unit: bool = False
    name: str = ""


def build(recipe: specs.Recipe, top: Top, *, words: Sequence[str] = ()) -> Network:
    """Returns the network of a recipe with its starting weights.

    Args:
      recipe: Resolved; `weights: none` gives random ones.
      top: What stands on the encoder.
      words: Word of each id, for encoders of words.

    Raises:
      UserError: The weights cannot be had, or do not fit; or the head reads
        what this encoder does not give.
    """
    return _network(recipe, [top], words, lambda outputs: outputs[""])


def joined(
    recipe: specs.Recipe, tops: Sequence[Top], *, words: Sequence[str] = ()
) -> Network:
    """Returns one encoder with several heads, whose model gives {part: logits}.

    Args:
      recipe, words: As of `build`.
      tops: What stands on the encoder, one for each part.

    Raises:
      UserError: As `build`.
    """
    return _network(recipe, tops, words, lambda outputs: outputs)


def _network(recipe, tops: Sequence[Top], words, outward) -> Network:
    module, form = registry.variant(recipe.backbone)
    backbone = module.VARIANTS[form]
    path = _base.resolve(module, backbone, recipe.weights, name=recipe.backbone)
    with policy(recipe.precision), devices.current().scope():
        encoder = _encoder(module, backbone, recipe, path, words)
        layers = {top.name: _layers(top) for top in tops}
        shown = {top.name: _shown(encoder, top, recipe) for top in tops}
        made = {name: _through(layers[name], shown[name]) for name in layers}
        model = keras.Model(encoder.input, outward(made), name="model")
        head, reads = _alone(tops, layers, shown, outward)
    guards.scaled_once(model, side=recipe.image.side)
    return Network(
        model=model,
        encoder=encoder,
        head=head,
        reads=reads,
        backbone=backbone,
        source=_source(recipe, backbone, path),
    )


def _alone(tops, layers, shown, outward) -> tuple[keras.Model | None, str]:
    """The heads as a network of their own, if all of them read one output."""
    kinds = {registry.find("heads", top.head.kind).READS for top in tops}
    if len(kinds) > 1:
        return None, ""
    [reads] = kinds
    first = next(iter(shown.values()))
    # a Masking layer of the head reads zeros, not the sequence's own mask
    alone = keras.Input(first.shape[1:], dtype=first.dtype, name=reads)
    made = {name: _through(layers[name], alone) for name in layers}
    return keras.Model(alone, outward(made), name="head"), reads


def _layers(top: Top) -> list[keras.layers.Layer]:
    kind = registry.find("heads", top.head.kind)
    made = kind.layers(top.outputs, unit=top.unit, dropout=top.head.dropout)
    if top.units:
        mean, spread = top.units
        made.append(
            keras.layers.Rescaling(spread, mean, dtype="float32", name="head_units")
        )
    for layer in made if top.name else ():
        layer.name = f"head_{top.name}_{layer.name.removeprefix('head_')}"
    return made


def _shown(encoder: keras.Model, top: Top, recipe: specs.Recipe):
    """What the head of a part reads of the encoder."""
    reads = registry.find("heads", top.head.kind).READS
    if reads not in encoder.output:
        raise errors.UserError(
            f"head.kind: {top.head.kind} reads {reads!r}, which {recipe.backbone} "
            f"does not give; it gives {', '.join(sorted(encoder.output))}"
        )
    return encoder.output[reads]


def cacheable(heads: Sequence[specs.Head]) -> bool:
    """Whether the heads read one vector of fixed size, which is worth keeping."""
    kinds = {registry.find("heads", head.kind).READS for head in heads}
    return len(kinds) == 1 and "sequence" not in kinds


def _encoder(module, backbone, recipe: specs.Recipe, path, words) -> keras.Model:
    options = {"side": recipe.image.side}
    if backbone.kind == "text":
        options = {"words": words, "length": recipe.text.length}
    return _base.build(module, backbone, name=recipe.backbone, weights=path, **options)


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


def read(path: pathlib.Path) -> keras.Model:
    """Returns a network that a run saved, whatever layers of ours are in it."""
    from tltf import layers  # noqa: F401  registers the layers that Keras lacks

    return keras.saving.load_model(path, compile=False)


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
