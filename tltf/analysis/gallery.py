"""Thumbnails of image files as data that a page carries in itself."""

import base64
import io
from typing import BinaryIO

import PIL.Image
import PIL.ImageOps

SIDE = 176  # pixels of the longer side


def thumbnail(file: str | BinaryIO) -> str | None:
    """Returns a JPEG as a data URI, upright; None where there is no such image."""
    try:
        with PIL.Image.open(file) as image:
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            small = PIL.ImageOps.exif_transpose(image).convert("RGB")
            small.thumbnail((SIDE, SIDE))
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
