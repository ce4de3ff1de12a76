"""What one request, and all of them together, may take."""

import dataclasses
import io
import warnings
from collections.abc import Mapping

import numpy as np
import PIL.Image
from google.protobuf import message
from tensorflow.core.example import example_pb2

from tltf.serving import status

_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
_EXAMPLES = ("examples", "inputs")  # inputs that are tf.Examples by custom
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


def pixels(inputs: Mapping[str, np.ndarray], limit: int) -> int:
    """Returns how many pixels the images in some tensors state in their headers.

    Nothing is decoded. Strings that are no images count as none.

    Args:
      inputs: Tensors by name; of those named `examples` or `inputs` the strings
        may be tf.Examples with images in them.
      limit: Most of them.

    Raises:
      status.Refused: There are more.
    """
    total = 0
    for name, value in inputs.items():
        if value.dtype.kind == "O":
            inside = _inside if name in _EXAMPLES else _itself
            total += sum(_stated(one) for whole in value.flat for one in inside(whole))
    if total > limit:
        raise status.invalid(
            f"images of {total} pixels in one request; the limit is {limit}"
        )
    return total


def _itself(contents: bytes) -> list[bytes]:
    return [contents]


def _inside(contents: bytes) -> list[bytes]:
    """The strings in a serialized tf.Example."""
    try:
        example = example_pb2.Example.FromString(contents)
    except message.DecodeError:
        return [contents]
    features = example.features.feature.values()
    return [one for feature in features for one in feature.bytes_list.value]


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
