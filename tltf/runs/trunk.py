"""Keeps the encoder of a finished run, to begin other runs with."""

import pathlib

from tltf import config, errors
from tltf.training import codecs, finish
from tltf.training import network as networks
from tltf.training import trunk as trunks


def save(workdir: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Writes the encoder of a run, without its heads, and its vocabulary.

    `weights: FOLDER` of a recipe with the same backbone begins with it.

    Args:
      workdir: Run folder.
      folder: Made where it is missing.

    Raises:
      UserError: The run is not finished, or has no network.
    """
    finish.read(workdir)
    recipe = config.load(workdir / "recipe.yaml")
    path = workdir / "checkpoints" / "model.keras"
    if not path.is_file():
        raise errors.UserError(
            f"{path} is missing: method {recipe.method} left no network to keep"
        )
    model = networks.read(path)
    trunks.save(model, folder, recipe, codecs.load(recipe, workdir))
    return folder
