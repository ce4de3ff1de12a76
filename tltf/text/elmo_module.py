"""ELMo as a SavedModel with the signatures of the TF Hub module."""

import os
import pathlib
import shutil
import tempfile

import keras
import tensorflow as tf

from tltf import errors
from tltf.ops import characters

_TEXT = tf.TensorSpec([None], tf.string, name="text")
_TOKENS = tf.TensorSpec([None, None], tf.string, name="tokens")
_LENGTHS = tf.TensorSpec([None], tf.int32, name="sequence_len")


def export(model: keras.Model, folder: pathlib.Path | str) -> pathlib.Path:
    """Returns `folder`, a new SavedModel that needs TensorFlow only.

    Both signatures give all outputs of the model: `default` for `text`, strings
    `[batch]` that are split on spaces, and `tokens` for `tokens`, strings `[batch,
    tokens]` padded with "", and `sequence_len`, int32 `[batch]`. Variables that the
    model trains can be trained from the SavedModel, too.

    Args:
      model: Of `load_elmo`.
      folder: Where to write, in one step; must not be there yet.

    Raises:
      UserError: There is something at `folder`.

    Source: https://tfhub.dev/google/elmo/3.
    """
    folder = pathlib.Path(folder).expanduser().absolute()
    if folder.exists():
        raise errors.UserError(f"{folder} is there already; give a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        _write(model, half)
        half.chmod(0o755)
        os.replace(half, folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return folder


def _write(model, folder):
    def default(text):
        return model({"chars": characters.padded(characters.split(text))})

    def tokens(tokens, sequence_len):
        return model({"chars": characters.cut(tokens, sequence_len)})

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("default", default, [_TEXT])
    archive.add_endpoint("tokens", tokens, [_TOKENS, _LENGTHS])
    # no path of this machine is written
    options = tf.saved_model.SaveOptions(save_debug_info=False)
    archive.write_out(str(folder), options=options, verbose=False)
