"""Transfer learning for Keras 3 and TensorFlow."""

import importlib
from typing import Any

__version__ = "0.1.0"

# name -> module that has it; looked up late, for `import tltf` takes no TensorFlow
_PUBLIC = {
    "list_models": "tltf.models",
    "create_model": "tltf.models",
    "train": "tltf.runs.train",
}
_PARTS = ("layers", "text")


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return importlib.import_module(f"tltf.{name}")
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'tltf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC, *_PARTS])
