"""Keras layers that Keras lacks; importing this registers them for loading."""

import importlib
import pkgutil

# name -> the module below this one that has it
_PUBLIC = {"HubLayer": "hub"}

# A `.keras` file names its layers; each must be registered before it is read.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def __getattr__(name: str):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'tltf.layers' has no attribute {name!r}")
