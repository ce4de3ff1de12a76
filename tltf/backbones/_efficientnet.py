"""EfficientNet: the published files need a correction to their normalization."""

import pathlib
import typing

import numpy as np

from tltf.backbones import _applications, _base

if typing.TYPE_CHECKING:
    import keras

URL = "https://storage.googleapis.com/keras-applications/"

_MEAN = np.array([0.485, 0.456, 0.406], "float32")
_DEVIATION = np.array([0.229, 0.224, 0.225], "float32")


def build(
    spec: _base.Backbone,
    constructor: str,
    *,
    side: int | None,
    weights: pathlib.Path | None,
) -> "keras.Model":
    """Returns the encoder; arguments and errors as `_applications.build`.

    The published files hold ImageNet's deviations where variances belong
    (tensorflow issue 49930). Keras mends that by one more layer, but only for
    `weights="imagenet"`, not for the same file given as a path; here the
    statistics are set right, whatever the file says.
    """
    import keras

    made = _applications.build(
        spec, constructor, scale=None, side=side, weights=weights
    )
    for layer in made.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.set_weights([_MEAN, _DEVIATION**2, np.zeros((), "int32")])
            layer.finalize_state()
    return made
