"""Histograms of oriented gradients of whole images (Dalal and Triggs, 2005)."""

import concurrent.futures
import os
from collections.abc import Sequence

import numpy as np

from tltf import errors

_AT_ONCE = 256  # descriptors in flight: memory does not grow with the data set


def vectors(
    paths: Sequence[str], *, side: int | tuple[int, int] = 128, gray: bool = False
) -> np.ndarray:
    """Returns one descriptor an image, float32 `[n, d]`, in the order of `paths`.

    Images are turned upright by EXIF and stretched to `side`. Nine unsigned
    orientations, cells of 8x8 pixels, blocks of 2x2 cells, L2-Hys with a limit
    of 0.2, square-root gamma; of a colour image the channel with the largest
    gradient counts at each pixel. A 64x128 window gives 3780 numbers.

    Args:
      paths: Image files that Pillow reads.
      side: Pixels of the square, or (height, width); at least 16 each.
      gray: Whether to use ITU-R 601 luminance alone.

    Raises:
      UserError: scikit-image is not installed, a file does not decode, or the
        side is below 16.

    Source:
      Dalal and Triggs 2005, section 6. Departures, from `skimage.feature.hog`:
      no Gaussian weight within a block, and votes go to one cell and bin.
    """
    shape = (side, side) if isinstance(side, int) else side
    if min(shape) < 16:
        raise errors.UserError(f"hog: side {side} is below 16, the size of one block")
    feature = _feature()
    out = np.empty((len(paths), _length(shape)), np.float32)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), _AT_ONCE):
            part = paths[start : start + _AT_ONCE]
            made = pool.map(lambda path: _one(feature, path, shape, gray), part)
            for row, vector in enumerate(made, start):
                out[row] = vector
    return out


def _feature():
    try:
        from skimage import feature
    except ImportError as error:
        raise errors.UserError(
            'method hog needs scikit-image: pip install "tltf[hog]"'
        ) from error
    return feature


def _length(shape: tuple[int, int]) -> int:
    blocks = [pixels // 8 - 1 for pixels in shape]
    return blocks[0] * blocks[1] * 4 * 9


def _one(feature, path: str, shape: tuple[int, int], gray: bool) -> np.ndarray:
    return feature.hog(
        _pixels(path, shape, gray),
        orientations=9,
        pixels_per_cell=(8, 8),
        cells_per_block=(2, 2),
        block_norm="L2-Hys",
        transform_sqrt=True,
        channel_axis=None if gray else -1,
    )


def _pixels(path: str, shape: tuple[int, int], gray: bool) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as picture:
            # a JPEG is decoded at the nearest larger of libjpeg's scales
            picture.draft("RGB", (shape[1], shape[0]))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise errors.UserError(
            f"{path}: does not decode ({error}); `tltf data check` lists such files"
        ) from error
    if gray:
        upright = upright.convert("L")
    small = upright.resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(small)
