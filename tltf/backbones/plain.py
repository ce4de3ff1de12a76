"""Three convolutions: a stand-in where a real network would only cost time."""

from tltf.backbones import _encoder
from tltf.backbones._base import Backbone

_GROUPS = (("stem", "stem"), ("low", "low"), ("high", "high"))

VARIANTS = {
    "full": Backbone(
        side=64,
        least=16,
        features=64,
        groups=_GROUPS,
        arguments={"filters": (16, 32, 64)},
        parameters=23_712,
    ),
    "tiny": Backbone(
        side=32,
        least=16,
        features=16,
        groups=_GROUPS,
        arguments={"filters": (8, 8, 16)},
        parameters=2_008,
    ),
}


def build(spec, *, side=None, weights=None):
    """Returns the encoder.

    Args:
      spec: One of `VARIANTS`.
      side: Pixels, or None for the default.
      weights: A Keras weights file, or None for a random start.

    Raises:
      UserError: The side is too small or the weights do not fit.
    """
    import keras

    image = _encoder.image(spec, side)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32", name="scale")(
        image
    )
    for (group, _), filters in zip(spec.groups, spec.arguments["filters"], strict=True):
        x = keras.layers.Conv2D(
            filters, 3, strides=2, padding="same", activation="relu", name=group
        )(x)
        if group == "low":
            x = keras.layers.BatchNormalization(name="low_norm")(x)
    model = _encoder.encoder(image, x)
    if weights:
        _encoder.load(model, weights)
    return model
