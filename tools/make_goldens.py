"""Stores 8 numbers of an encoder's vector for a fixed picture.

    python tools/make_goldens.py efficientnet_lite0/full

Run by hand when weights are added, after another check has shown that they are
right (a photograph's class, the publisher's own code); tests hold later versions
to the file in tests/goldens/.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np

from tltf import models, registry
from tltf.fetch import weights

FOLDER = pathlib.Path(__file__).parents[1] / "tests" / "goldens"
SIDE = 96


def picture(side: int = SIDE) -> np.ndarray:
    """Returns a fixed picture of waves, float32 `[1, side, side, 3]` in 0..255."""
    down, across = np.mgrid[:side, :side] / side
    waves = [
        np.sin(7 * down + 3 * across),
        np.cos(11 * across * down),
        np.sin(17 * (across - down)),
    ]
    return (127.5 + 127.5 * np.stack(waves, -1))[None].astype("float32")


def numbers(vector: np.ndarray) -> list[float]:
    """Returns the means of 8 stretches of the vector; single ones are often 0."""
    return [float(part.mean()) for part in np.array_split(vector, 8)]


def main(name: str) -> None:
    module, form = registry.variant(name)
    path = weights.resolve(module.VARIANTS[form].weights, "auto", name=name)
    encoder = models.create_model(name, side=SIDE)
    vector = np.asarray(encoder({"image": picture()}, training=False)["vector"])[0]
    golden = {
        "backbone": name,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "origin": "tools/make_goldens.py; waves of picture()",
        "side": SIDE,
        "vector": numbers(vector),
    }
    target = FOLDER / f"{name.replace('/', '_')}.json"
    target.write_text(json.dumps(golden, indent=1) + "\n")
    print(target)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        main(argument)
