"""ConvNeXt: the last normalization comes after the pooling."""

import pathlib
import typing

from tltf.backbones import _applications, _base, _encoder

if typing.TYPE_CHECKING:
    import keras


def build(
    spec: _base.Backbone,
    constructor: str,
    *,
    side: int | None,
    weights: pathlib.Path | None,
) -> "keras.Model":
    """Returns the encoder; arguments and errors as `_applications.build`.

    The vector is the normalized mean, as in Liu et al. 2022 (arXiv:2201.03545),
    section 2.6; the map is what comes before the mean. The network scales its
    input itself.
    """
    import keras

    image = _encoder.image(spec, side)
    made = _applications.network(
        spec, constructor, image=image, weights=weights, pooling="avg"
    )
    kind = keras.layers.GlobalAveragePooling2D
    pool = [layer for layer in made.layers if isinstance(layer, kind)][-1]
    return _encoder.encoder(image, pool.input, made.output)
