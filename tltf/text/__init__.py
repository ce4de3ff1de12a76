"""Word vectors and language models as plain functions."""

import importlib
from typing import Any

# name -> module that has it; looked up late, for vectors need no TensorFlow
_PUBLIC = {
    "load_vectors": "tltf.text.vectors",
    "load_elmo": "tltf.text.elmo",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'tltf.text' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
