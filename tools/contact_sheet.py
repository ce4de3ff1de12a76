"""Draws the first pictures of each class of a data set on one sheet.

python tools/contact_sheet.py textures --out=sheet.png
"""

import argparse

import numpy as np
import PIL.Image

from tltf.data import tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("--out", required=True)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--side", type=int, default=96)
    asked = parser.parse_args()
    table = tables.load(asked.source)
    size = asked.columns * asked.side, len(table.classes) * asked.side
    sheet = PIL.Image.new("RGB", size, "white")
    for line in range(len(table.classes)):
        rows = np.flatnonzero(table.labels == line)[: asked.columns]
        for column, row in enumerate(rows):
            picture = PIL.Image.open(table.values[row]).convert("RGB")
            picture = picture.resize((asked.side - 2, asked.side - 2))
            sheet.paste(picture, (column * asked.side, line * asked.side))
    sheet.save(asked.out)


if __name__ == "__main__":
    main()
