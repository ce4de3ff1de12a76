"""What every image encoder shares: its input, its outputs, its weights file."""

import pathlib
import typing
import warnings

from tltf import errors
from tltf.backbones import _base

if typing.TYPE_CHECKING:
    import keras


def image(spec: _base.Backbone, side: int | None) -> "keras.KerasTensor":
    """Returns the input, float32 RGB `[batch, side, side, 3]` in 0..255.

    Raises:
      UserError: The side is below the least that the network takes.
    """
    import keras

    side = spec.side if side is None else side
    if side < spec.least:
        raise errors.UserError(
            f"image.side: {side} is too small for this backbone; "
            f"give at least {spec.least}"
        )
    return keras.Input((side, side, 3), name="image", dtype="float32")


def encoder(
    image: "keras.KerasTensor",
    features: "keras.KerasTensor",
    vector: "keras.KerasTensor | None" = None,
) -> "keras.Model":
    """Returns the model from `{"image"}` to `{"vector", "map"}`.

    The vector is the mean of the map over its places unless the network has its
    own, in float32 also where the network computes in less.
    """
    import keras

    if vector is None:
        pool = keras.layers.GlobalAveragePooling2D(dtype="float32", name="vector")
        vector = pool(features)
    else:
        vector = keras.layers.Activation("linear", dtype="float32", name="vector")(
            vector
        )
    outputs = {"vector": vector, "map": features}
    return keras.Model({"image": image}, outputs, name="encoder")


def load(model: "keras.Model", path: pathlib.Path) -> None:
    """Loads a Keras weights file, `.weights.h5` or the older `.h5`, in place.

    Raises:
      UserError: The file is none, or belongs to another network.
    """
    # Keras tells the formats apart by name, and ours may come from anywhere
    if path.suffix not in (".h5", ".hdf5"):
        raise errors.UserError(
            f"weights: {path} has to be a .weights.h5 or .h5 file for this backbone"
        )
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that the file does not have, and leaves
            # them random
            warnings.filterwarnings("error", "Skipping", UserWarning)
            model.load_weights(path)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        cause = " ".join(str(error).split())
        raise errors.UserError(
            f"weights: {path} does not fit this backbone: {cause:.200}"
        ) from None
