"""Encoders from `keras.applications`, with the range change inside."""

import collections
import pathlib
import re
import typing
from collections.abc import Callable, Mapping

from tltf.backbones import _base, _encoder

if typing.TYPE_CHECKING:
    import keras

URL = "https://storage.googleapis.com/tensorflow/keras-applications/"

Groups = tuple[tuple[str, str], ...]


def weights(
    path: str, checksum: str | None, *, url: str = URL, file: str | None = None
) -> _base.Weights:
    """Returns where the no-top weights of `keras.applications` are.

    Args:
      path: Folder and file below `url`.
      checksum: As in Keras: MD5 with 32 digits, SHA-256 with 64, or None.
      url: The bucket.
      file: What Keras calls it in its cache, if not as in `path`.
    """
    kind = {0: {}, 32: {"md5": checksum}, 64: {"sha256": checksum}}
    file = file or path.rpartition("/")[2]
    return _base.Weights(file=file, url=url + path, **kind[len(checksum or "")])


def variants(
    *,
    side: int,
    features: int,
    parameters: int,
    groups: Groups,
    weights: _base.Weights,
    least: int = 32,
) -> dict[str, _base.Backbone]:
    """Returns the variants of a constructor without a width: `full` and `tiny`."""
    shared = {
        "least": least,
        "features": features,
        "parameters": parameters,
        "groups": groups,
    }
    return {
        "full": _base.Backbone(side=side, weights=weights, **shared),
        "tiny": _base.Backbone(side=least, **shared),
    }


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
    image = _encoder.image(spec, side)
    made = network(spec, constructor, image=_SCALES[scale](image), weights=weights)
    return _encoder.encoder(image, made.output)


def network(
    spec: _base.Backbone,
    constructor: str,
    *,
    image: "keras.KerasTensor",
    weights: pathlib.Path | None,
    pooling: str | None = None,
) -> "keras.Model":
    """Returns the network of a constructor on `image`, weights loaded."""
    import keras

    made = getattr(keras.applications, constructor)(
        include_top=False,
        weights=None,
        input_tensor=image,
        input_shape=image.shape[1:],
        pooling=pooling,
        **spec.arguments,
    )
    _settle_names(made)
    if weights:
        _encoder.load(made, weights)
    return made


def _settle_names(made: "keras.Model") -> None:
    """Numbers the layers that Keras named from zero, in order of creation.

    Keras counts through the life of the process, so that the second network in
    it would have other names, and groups go by name.
    """
    numbered = collections.defaultdict(list)
    for layer in made.layers:
        found = re.fullmatch(r"(.*?)(?:_(\d+))?", layer.name)
        if found[1].replace("_", "") == type(layer).__name__.lower():
            numbered[found[1]].append((int(found[2] or 0), layer))
    for name, layers in numbered.items():
        for place, (_, layer) in enumerate(sorted(layers, key=lambda pair: pair[0])):
            layer.name = f"{name}_{place}" if place else name


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
