"""The encoder of a trained network, apart from its heads."""

import pathlib

import keras

from tltf import errors, specs
from tltf.backbones import _trunk


def save(model: keras.Model, folder: pathlib.Path, recipe: specs.Recipe, codec) -> None:
    """Writes the encoder's weights and the vocabulary; see `backbones._trunk`.

    Args:
      model: Trained network; layers named `head_*` are left out.
      folder: Made where it is missing.
      recipe: Of the run.
      codec: Of the run; None for images.

    Raises:
      UserError: The network is one of two encoders, or its sizes stand nowhere.
    """
    encoders = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if encoders or recipe.backbone == "elmo/own":
        raise errors.UserError(
            f"--trunk: the encoder of {recipe.method} with {recipe.backbone} cannot be "
            "kept alone; its own files can be: `tltf convert`"
        )
    layers = [x for x in model.layers if not x.name.startswith("head_")]
    _trunk.save(folder, recipe.backbone, layers)
    if codec:
        codec.save(folder)
