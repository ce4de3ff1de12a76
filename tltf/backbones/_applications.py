"""Encoders from `keras.applications`, with the range change inside."""

import pathlib
import typing
from collections.abc import Callable, Mapping

from tltf.backbones import _base, _encoder

if typing.TYPE_CHECKING:
    import keras

URL = "https://storage.googleapis.com/tensorflow/keras-applications/"


def build(
    spec: _base.Backbone,
    constructor: str,
    *,
    scale: str | None,
    side: int | None,
    weights: pathlib.Path | None,
) -> "keras.Model":
    """Returns the encoder of one constructor.

    Args:
      spec: The variant; its `arguments` go to the constructor.
      constructor: Name under `keras.applications`.
      scale: The range that its weights were trained on: `tf` (-1..1), `caffe`
        (BGR less the mean), `torch` (mean and deviation), or None where the
        constructor brings its own.
      side: Pixels, or None for the default.
      weights: A file, or None for a random start.

    Raises:
      UserError: The side is too small or the weights do not fit.
    """
    import keras

    image = _encoder.image(spec, side)
    network = getattr(keras.applications, constructor)(
        include_top=False,
        weights=None,
        input_tensor=_SCALES[scale](image),
        input_shape=image.shape[1:],
        **spec.arguments,
    )
    if weights:
        _encoder.load(network, weights)
    return _encoder.encoder(image, network.output)


def _symmetric(image: "keras.KerasTensor") -> "keras.KerasTensor":
    import keras

    # float32 whatever the policy: bfloat16 has no room for a resized pixel
    return keras.layers.Rescaling(
        1 / 127.5, offset=-1.0, dtype="float32", name="scale"
    )(image)


def _caffe(image: "keras.KerasTensor") -> "keras.KerasTensor":
    import keras

    # means of ImageNet in red, green, blue: keras.applications.imagenet_utils
    centred = keras.layers.Rescaling(
        1.0, offset=[-123.68, -116.779, -103.939], dtype="float32", name="scale"
    )(image)
    return keras.ops.flip(centred, axis=-1)


def _torch(image: "keras.KerasTensor") -> "keras.KerasTensor":
    import keras

    # the same file; deviations of ImageNet in 0..1
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return keras.layers.Rescaling(
        [1 / (255 * d) for d in deviation],
        offset=[-m / d for m, d in zip(mean, deviation, strict=True)],
        dtype="float32",
        name="scale",
    )(image)


def _own(image: "keras.KerasTensor") -> "keras.KerasTensor":
    return image


_SCALES: Mapping[str | None, Callable[["keras.KerasTensor"], "keras.KerasTensor"]] = {
    "tf": _symmetric,
    "caffe": _caffe,
    "torch": _torch,
    None: _own,
}
