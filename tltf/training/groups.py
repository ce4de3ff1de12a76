"""Which weights learn in a stage: ordered layer groups."""

import dataclasses

import keras

from tltf import errors
from tltf.backbones import _base


def order(backbone: _base.Backbone) -> list[str]:
    """Returns the names of the groups from input to output, `head` last."""
    return [name for name, _ in backbone.groups] + ["head"]


def of(layer: keras.layers.Layer, backbone: _base.Backbone) -> str:
    """Returns the group of a layer that has weights."""
    if layer.name.startswith("head_"):
        return "head"
    return backbone.group_of(layer.name)


def weighted(network: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers with weights, in the order of the network."""
    return [layer for layer in network.layers if layer.weights]


def head(network: keras.Model, *, trainable: bool = False) -> list:
    """Returns the variables of all heads of a network, or those that learn."""
    heads = [layer for layer in network.layers if layer.name.startswith("head_")]
    kind = "trainable_weights" if trainable else "variables"
    return [weight for layer in heads for weight in getattr(layer, kind)]


def select(network, backbone, train, *, norm: str) -> dict[str, list]:
    """Freezes all but the groups `train`; returns group to weights, top first.

    Args:
      network: The whole network; its `trainable` flags are set.
      backbone: Its description.
      train: Names of groups, or `"all"`.
      norm: `frozen` holds every BatchNormalization of the encoder, `adapt`
        lets those of the chosen groups learn. Passing `training=False` while
        building is not enough in Keras 3: a call of the outer network with
        `training=True` reaches every layer.

    Raises:
      UserError: A name that is no group.
    """
    names = order(backbone)
    chosen_names = names if train == "all" else list(train)
    if unknown := sorted(set(chosen_names) - set(names)):
        raise errors.UserError(f"stages.train: no groups {unknown}; there is {names}")
    chosen: dict[str, list] = {n: [] for n in reversed(names) if n in chosen_names}
    for layer in weighted(network):
        group = of(layer, backbone)
        held = group != "head" and _held(layer, norm)
        _switch(layer, group in chosen and not held)
        if layer.trainable:
            _follow(layer)
            chosen[group] += layer.trainable_weights
    return {name: weights for name, weights in chosen.items() if weights}


def _switch(layer, trainable: bool) -> None:
    # Keras skips the assignment when the flag already has the value, and then
    # inner weights may disagree with it; a real change reaches all of them.
    layer.trainable = not trainable
    layer.trainable = trainable


def _follow(layer: keras.layers.Layer) -> None:
    # Networks for ImageNet average their statistics over hundreds of steps; a
    # small data set has fewer, and would be judged by the random start's. 0.9 is
    # PyTorch's default, and so that of the deck's own comparison.
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.momentum = min(layer.momentum, 0.9)


def _held(layer: keras.layers.Layer, norm: str) -> bool:
    return norm == "frozen" and isinstance(layer, keras.layers.BatchNormalization)


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the parameter table.

    Attributes:
      group: Name of the group.
      layers: Layers with weights.
      parameters: Numbers in them, statistics of normalisation included.
      stages: Stages that train it, counted from 1.
    """

    group: str
    layers: int
    parameters: int
    stages: tuple[int, ...]


def table(network: keras.Model, backbone: _base.Backbone, stages) -> list[Line]:
    """Returns the parameter table that `--dry_run` prints, from input to output."""
    lines = []
    for name in order(backbone):
        layers = [x for x in weighted(network) if of(x, backbone) == name]
        trained = [
            number
            for number, stage in enumerate(stages or (), 1)
            if stage.train == "all" or name in stage.train
        ]
        count = sum(layer.count_params() for layer in layers)
        lines.append(Line(name, len(layers), count, tuple(trained)))
    return lines
