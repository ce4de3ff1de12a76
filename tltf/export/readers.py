"""What a request carries and how the graph reads it: image files, or texts."""

import base64
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tltf import registry, specs
from tltf.export import run as runs
from tltf.ops import images

# Images of a request that are decoded at the same time.
_PARALLEL = 16
_PIXEL = base64.b64decode(  # a PNG of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNg"
    "AAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


class Images(tf.Module):
    """Files of images to pixels.

    Attributes:
      name_of_input: Of the signatures.
      stand_in: A record that can always be read.
    """

    name_of_input = "image_bytes"
    stand_in = _PIXEL

    def __init__(self, image: specs.Image):
        super().__init__(name="images")
        self._image = image

    def read(self, contents: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {"image": float32 `[b, side, side, 3]`} of files, string `[b]`."""
        image = self._image

        def load(one):
            return images.load(
                one,
                side=image.side,
                fit=image.fit,
                margin=image.margin,
                gray=image.gray,
            )

        pixels = tf.map_fn(
            load,
            contents,
            parallel_iterations=_PARALLEL,
            fn_output_signature=tf.TensorSpec([image.side, image.side, 3]),
        )
        return {"image": pixels}


class Texts(tf.Module):
    """Texts to the ids of their words or characters.

    Attributes:
      name_of_input: Of the signatures.
      stand_in: A record that can always be read.
    """

    name_of_input = "text"
    stand_in = b""

    def __init__(self, codec: tf.Module):
        super().__init__(name="texts")
        self._codec = codec  # an attribute, so that saving finds its tables

    def read(self, contents: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns what the codec makes of texts, string `[b]`."""
        return self._codec.encode(contents)


def reader(run: runs.Run) -> Images | Texts:
    """Returns what reads the requests to a run's network."""
    module, form = registry.variant(run.recipe.backbone)
    backbone = module.VARIANTS[form]
    if backbone.kind == "image":
        return Images(run.recipe.image)
    text = run.recipe.text
    load = registry.find("codecs", backbone.codec).load
    return Texts(
        load(
            run.workdir,
            words=text.words,
            least=text.least,
            length=text.length,
            keep=text.keep,
            split=text.split,
            fixed=backbone.fixed,
        )
    )


def raw(row: Mapping[str, Any]) -> bytes:
    """Returns the bytes that an answered record would send."""
    if "text" in row:
        return row["text"].encode("utf-8", "replace")
    return pathlib.Path(row["file"]).read_bytes()
