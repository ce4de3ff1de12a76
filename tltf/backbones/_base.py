"""What a backbone file says of its network, without TensorFlow."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

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

    def group_of(self, layer_name: str) -> str:
        """Returns the group of a layer.

        Raises:
          ValueError: No pattern matches: the backbone file is wrong.
        """
        for name, pattern in self.groups:
            if re.match(pattern, layer_name):
                return name
        raise ValueError(f"layer {layer_name!r} is in none of {self.groups}")
