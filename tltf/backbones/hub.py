"""TensorFlow Hub modules of images or texts; `weights` names the module."""

import pathlib

from tltf import errors
from tltf.backbones import _encoder
from tltf.backbones._base import Backbone, TextBackbone
from tltf.fetch import hub

_GROUPS = (("hub", r".*"),)
# `features` 0: known only when a module is loaded, so the names are not listed
VARIANTS = {
    "full": Backbone(side=224, least=1, features=0, groups=_GROUPS),
    "text": TextBackbone(codec="raw", length=512, features=0, groups=_GROUPS),
}

# Names of the one vector a record, where a module answers with a dict: of
# TensorFlow Hub's conventions for images and texts, and of its BERT models
_VECTORS = ("default", "feature_vector", "pooled_output")


def resolve(spec, choice: str) -> pathlib.Path:
    """Returns the folder of the module that `choice` means.

    Args:
      spec: One of `VARIANTS`.
      choice: A folder with saved_model.pb, or an address; see
        `tltf.fetch.hub.resolve`.

    Raises:
      UserError: No module there, or no network.
    """
    if choice in ("auto", "imagenet"):
        raise _no_module(choice)
    return pathlib.Path(hub.resolve(choice))


def build(spec, *, side=None, words=(), length=None, weights=None):
    """Returns the encoder, with `features` as the module has them.

    A module of images takes RGB in 0..1, as TensorFlow Hub's convention has it;
    the encoder takes 0..255 as all ours. It gives `vector`, and `map` if the
    module gives one. A module of texts takes strings `[b]` and gives `vector`.
    Statistics that normalise are held while the module learns.

    Args:
      spec: One of `VARIANTS`.
      side: Pixels; the module's own where it takes one size only.
      words: Not used: a module has its own.
      length: Not used: texts are not cut.
      weights: Folder or address of the module.

    Raises:
      UserError: No module was given, it takes something else, or images of
        another size; or it gives no vector.
    """
    if weights is None:
        raise _no_module("none")
    if spec.kind == "text":
        return _texts(weights)
    return _images(spec, weights, side)


def _no_module(choice: str) -> errors.UserError:
    return errors.UserError(
        f"weights: {choice}: hub has no module of its own; set weights to the folder "
        "of a module or to its address, such as https://tfhub.dev/google/elmo/3"
    )


def _images(spec, weights, side):
    import keras

    layer = _layer(weights)
    if not _takes(layer, "float32", 4):
        raise errors.UserError(
            f"weights: module {weights} does not take images [b, side, side, 3]; for "
            "texts set backbone to hub/text"
        )
    own = layer.takes.shape[1] if layer.takes.shape.rank else None
    if own and side not in (None, own):
        raise errors.UserError(
            f"image.side: {side}, but module {weights} takes {own} only; set it so"
        )
    image = _encoder.image(spec, own or side)
    scale = keras.layers.Rescaling(1 / 255, dtype="float32", name="scale")
    found = _vector(layer, scale(image), weights)
    if len(found.shape) == 4:
        return _encoder.encoder(image, found)
    return keras.Model({"image": image}, {"vector": _named(found)}, name="encoder")


def _texts(weights):
    import keras

    layer = _layer(weights)
    if not _takes(layer, "string", 1):
        raise errors.UserError(
            f"weights: module {weights} does not take texts, string [b]; for images "
            "set backbone to hub/full"
        )
    text = keras.Input((), name="text", dtype="string")
    found = _named(_vector(layer, text, weights))
    return keras.Model({"text": text}, {"vector": found}, name="encoder")


def _takes(layer, dtype: str, rank: int) -> bool:
    spec = layer.takes
    return spec is not None and spec.dtype == dtype and spec.shape.rank in (rank, None)


def _layer(weights):
    from tltf import layers

    held = {"training": False}
    return layers.HubLayer(str(weights), arguments=held, trainable=True, name="hub")


def _vector(layer, tensor, weights):
    """Returns the one output that stands for a record."""
    found = layer(tensor)
    if isinstance(found, dict):
        name = next((name for name in _VECTORS if name in found), None)
        found = found.get(name)
    if found is None or len(found.shape) not in (2, 4) or not found.shape[-1]:
        raise errors.UserError(
            f"weights: module {weights} gives no vector [b, features]; a module of "
            "feature vectors does"
        )
    return found


def _named(vector):
    import keras

    return keras.layers.Activation("linear", dtype="float32", name="vector")(vector)
