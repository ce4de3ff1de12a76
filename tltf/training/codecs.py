"""The codec of a run: fitted on its train texts, or as the run left it."""

import pathlib
from collections.abc import Sequence

from tltf import registry, specs
from tltf.backbones import _trunk

_FILE = "vocabulary.txt"


def find(recipe: specs.Recipe, backbone, folder: pathlib.Path, train: Sequence[str]):
    """Returns what turns texts into the encoder's input, or None for images.

    Args:
      recipe: Resolved.
      backbone: Description of the encoder.
      folder: Run folder; a vocabulary that stands in it is taken.
      train: Texts to count words in.
    """
    if backbone.kind != "text":
        return None
    if (folder / _FILE).exists():
        return load(recipe, folder)
    kept = _trunk.found(recipe.weights)
    if kept and (kept / _FILE).exists():
        # its table of words has a row for each of its own
        return load(recipe, kept)
    fit = registry.find("codecs", backbone.codec).fit
    return fit(list(train), **_settings(recipe, backbone))


def load(recipe: specs.Recipe, folder: pathlib.Path):
    """Returns the codec of a run that was begun, or None for images."""
    module, form = registry.variant(recipe.backbone)
    backbone = module.VARIANTS[form]
    if backbone.kind != "text":
        return None
    read = registry.find("codecs", backbone.codec).load
    return read(folder, **_settings(recipe, backbone))


def _settings(recipe: specs.Recipe, backbone) -> dict:
    text = recipe.text
    return {
        "words": text.words,
        "least": text.least,
        "length": text.length,
        "keep": text.keep,
        "split": text.split,
        "fixed": backbone.fixed,
    }
