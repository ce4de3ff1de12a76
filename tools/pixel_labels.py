"""Adds labels that pixels alone decide to a folder of classified images.

Usage: python tools/pixel_labels.py --images=FOLDER --out=labels.jsonl

FOLDER has a folder for each class. A line of the manifest has `image`, `texture` (the
folder), `color` (the commonest of red, yellow, green, blue and gray: hue of the pixels
with a saturation of .25 or more, else gray) and `brightness` (mean luminance by
ITU-R 601, 0 to 100). With --forget=.3 that share of each label is left empty, by the
content of the file, to show how parts with absent labels learn.
"""

import argparse
import hashlib
import json
import os
import pathlib

import numpy as np
import PIL.Image
import PIL.ImageOps

# degrees of hue; beyond the last it is red again
_BOUNDS = (25, 70, 170, 270, 330)
_NAMES = ("red", "yellow", "green", "blue", "blue", "red")
_SATURATED = 0.25 * 255
_SIDE = 128  # pixels; colours of a thumbnail are those of the image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--forget", type=float, default=0.0)
    flags = parser.parse_args()
    endings = (".jpg", ".jpeg", ".png")
    files = sorted(
        path
        for path in flags.images.absolute().rglob("*")
        if path.suffix.lower() in endings
    )
    flags.out.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(line(path, flags.out, flags.forget)) for path in files]
    half = flags.out.with_name(f".{flags.out.name}")
    half.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(half, flags.out)
    print(f"{len(lines)} images in {flags.out}")


def line(path: pathlib.Path, out: pathlib.Path, forget: float) -> dict:
    """Returns the manifest's line of one image."""
    with PIL.Image.open(path) as image:
        upright = PIL.ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((_SIDE, _SIDE))
    found = {
        "texture": path.parent.name,
        "color": color(upright),
        "brightness": round(float(np.asarray(upright.convert("L")).mean() / 2.55), 2),
    }
    digest = hashlib.sha256(path.read_bytes()).digest()
    for place, name in enumerate(found):
        if digest[place] / 256 < forget:
            found[name] = ""
    relative = os.path.relpath(path, out.absolute().parent)
    return {"image": relative, **found}


def color(image: PIL.Image.Image) -> str:
    """Returns the commonest colour of an RGB image."""
    hue, saturation, _ = np.moveaxis(np.asarray(image.convert("HSV"), float), -1, 0)
    names = np.array(_NAMES)[np.digitize(hue * 360 / 256, _BOUNDS)]
    names = np.where(saturation < _SATURATED, "gray", names)
    kinds, counts = np.unique(names, return_counts=True)
    return str(kinds[np.argmax(counts)])


if __name__ == "__main__":
    main()
