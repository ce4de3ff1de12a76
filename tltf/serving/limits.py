"""What one request, and all of them together, may take."""

import dataclasses
import io
import warnings
from collections.abc import Iterable

import numpy as np
import PIL.Image

from tltf.serving import status

_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of a server.

    Attributes:
      body: Bytes of one request, after it is unpacked.
      held: Bytes of all requests that are read or wait for their answers.
      pixels: Of all images in one request, and in one batch of requests.
      batch: Rows that go through a signature together.
      wait: Seconds that a batch waits for more rows; with 0 what has come while
        the one before ran goes together.
      queue: Requests that wait for one version.
      seconds: From the first byte of a request to its answer.
      slow: Seconds for the headers of a request to come.
    """

    body: int = 32 << 20
    held: int = 256 << 20
    pixels: int = 64_000_000
    batch: int = 32
    wait: float = 0.0
    queue: int = 256
    seconds: float = 30.0
    slow: float = 10.0


def pixels(values: Iterable[np.ndarray], limit: int) -> int:
    """Returns how many pixels the images in some tensors state in their headers.

    Nothing is decoded. Strings that are no images count as none.

    Args:
      values: Tensors; those of other types than bytes are passed over.
      limit: Most of them.

    Raises:
      status.Refused: There are more.
    """
    total = 0
    for value in values:
        if value.dtype.kind == "O":
            total += sum(map(_stated, value.flat))
    if total > limit:
        raise status.invalid(
            f"images of {total} pixels in one request; the limit is {limit}"
        )
    return total


def _stated(contents: bytes) -> int:
    if not contents.startswith(_STARTS):
        return 0
    with warnings.catch_warnings():
        # Pillow warns of many pixels, which is what is asked here.
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        try:
            with PIL.Image.open(io.BytesIO(contents), formats=_FORMATS) as image:
                wide, high = image.size
        except PIL.Image.DecompressionBombError:
            return 2 * PIL.Image.MAX_IMAGE_PIXELS
        except (OSError, ValueError, SyntaxError):
            return 0  # the graph says what is wrong with it
    return wide * high
