"""Folders that outlive a run."""

import os
import pathlib


def home() -> pathlib.Path:
    """Returns the cache folder: `$TLTF_HOME`, or `~/.cache/tltf`."""
    return _folder("TLTF_HOME", "~/.cache/tltf")


def keras_home() -> pathlib.Path:
    """Returns Keras's folder, `$KERAS_HOME` or `~/.keras`; only read, never written."""
    return _folder("KERAS_HOME", "~/.keras")


def _folder(variable: str, default: str) -> pathlib.Path:
    # an empty variable means unset, as in `TLTF_HOME= tltf train`
    return pathlib.Path(os.environ.get(variable) or default).expanduser()
