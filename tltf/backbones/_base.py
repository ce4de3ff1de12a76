"""What a backbone file says of its network, without TensorFlow."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """Where pre-trained weights of one variant can be had.

    Attributes:
      file: File name in the cache folder.
      url: Download address, or None when only the package has them.
      sha256: Checksum of the file, or None where the publisher gives none.
      md5: The publisher's checksum where it is MD5 (`keras.applications`).
      package: `import_name:path/in/package` of an installable package.
      install: The pip requirement of that package.
      licence: SPDX name.
    """

    file: str
    url: str | None = None
    sha256: str | None = None
    md5: str | None = None
    package: str | None = None
    install: str | None = None
    licence: str = "Apache-2.0"


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
      frozen_norm: Hold every BatchNormalization in inference while training.
    """

    side: int
    least: int
    features: int
    groups: tuple[tuple[str, str], ...]
    weights: Weights | None = None
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
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
