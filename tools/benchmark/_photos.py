"""JPEG files to measure with: those of a data set, or drawn ones."""

import pathlib

import numpy as np
from PIL import Image

# the published sizes of Hymenoptera and of cats and dogs are about these
_SIZE = (500, 375)


def folder(data: str, root: pathlib.Path, count: int) -> pathlib.Path:
    """Returns a folder of one class with `count` JPEG files under `root`.

    Args:
      data: `folder:PATH`, whose files are linked under running numbers, again
        and again if there are fewer; or "" to draw files.
      root: An empty folder.
      count: Files wanted.
    """
    if data:
        found = sorted(pathlib.Path(data.removeprefix("folder:")).rglob("*.jp*g"))
        originals = [path.resolve() for path in found]
        if not originals:
            raise SystemExit(f"--data: no JPEG files under {data}")
    else:
        originals = _drawn(root / "drawn", min(count, 200))
    target = root / "linked" / "photos"
    target.mkdir(parents=True)
    for i in range(count):
        (target / f"{i:06}.jpg").symlink_to(originals[i % len(originals)])
    return target.parent


def _drawn(root: pathlib.Path, count: int) -> list[pathlib.Path]:
    root.mkdir(parents=True)
    random = np.random.default_rng(0)
    made = []
    for i in range(count):
        # noise of three sizes: as many bytes a pixel as a photograph has
        layers = [
            Image.fromarray(random.integers(0, 255, (n, n, 3), np.uint8)).resize(_SIZE)
            for n in (4, 30, 250)
        ]
        pixels = sum(
            np.asarray(layer) * share
            for layer, share in zip(layers, (0.6, 0.3, 0.1), strict=True)
        )
        made.append(root / f"{i:06}.jpg")
        Image.fromarray(pixels.astype(np.uint8)).save(made[-1], quality=90)
    return made
