"""Settings of TensorFlow Serving that stand beside a model's versions."""

import os
import pathlib
import re

from absl import logging

from tltf import errors
from tltf.export import publish
from tltf.fetch import files

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
_NAMES = (
    "models.config",
    "batching_parameters.txt",
    "monitoring.config",
    "docker-compose.yml",
    "kubernetes.yaml",
)
_KEPT = re.compile(r"(?s)    # kept by tltf export\n.*?    # end of what is kept\n")
_BEFORE = "    model_version_policy { latest { num_versions: 1 } }\n"  # of tltf 0.1
_BLOCK = """\
    # kept by tltf export
    model_version_policy {{ specific {{ {versions} }} }}
{labels}    # end of what is kept
"""
_LABEL = re.compile(r'version_labels \{ key: "(\w+)" value: (\d+) \}')


def write(model: pathlib.Path, *, canary: bool = False) -> None:
    """Writes the settings that are missing, and labels the newest version.

    Other values stay as they stand, for they are there to be tuned by hand.

    Args:
      model: Folder with at least one version.
      canary: Whether the newest version is `canary` only and `stable` stays where
        it was; else it is both.
    """
    newest = publish.versions(model)[-1]
    for name in _NAMES:
        if not (model / name).exists():
            files.write_text(model / name, _filled(name, model.name))
    stable = labels(model).get("stable", newest) if canary else newest
    try:
        _label(model, stable=stable, canary=newest)
    except errors.UserError as error:
        logging.warning("%s", error)


def labels(model: pathlib.Path) -> dict[str, int]:
    """Returns the version numbers in `models.config` by label; none without it."""
    try:
        text = (model / "models.config").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {name: int(number) for name, number in _LABEL.findall(text)}


def promote(model: pathlib.Path) -> dict[str, int]:
    """Moves the label `stable` to the version labelled `canary`; returns all labels.

    Raises:
      UserError: There is no such model, or it has no canary.
    """
    found = _labelled(model)
    return _label(model, stable=found["canary"], canary=found["canary"])


def rollback(model: pathlib.Path) -> dict[str, int]:
    """Moves `stable` to the version before; returns all labels.

    Nothing is deleted. A canary of the same version goes back too, so that the
    version is served no more; another canary stays.

    Raises:
      UserError: There is no such model, or no version before.
    """
    found = _labelled(model)
    stable = found["stable"]
    older = [number for number in publish.versions(model) if number < stable]
    if not older:
        raise errors.UserError(
            f"{model}: stable is version {stable} and there is none before it"
        )
    before = older[-1]
    canary = before if found["canary"] == stable else found["canary"]
    return _label(model, stable=before, canary=canary)


def _labelled(model: pathlib.Path) -> dict[str, int]:
    found = labels(model)
    if not {"stable", "canary"} <= found.keys():
        raise errors.UserError(
            f"{model / 'models.config'} has no labels stable and canary; "
            "`tltf export` writes them with the next version"
        )
    return found


def _label(model: pathlib.Path, *, stable: int, canary: int) -> dict[str, int]:
    path = model / "models.config"
    text = path.read_text(encoding="utf-8")
    found = {"canary": canary, "stable": stable}
    block = _block(found)
    if _BEFORE in text:
        changed = text.replace(_BEFORE, block)
    elif _KEPT.search(text):
        changed = _KEPT.sub(lambda _: block, text, count=1)
    else:
        raise errors.UserError(
            f"{path} was changed by hand where the labels stand; set versions and "
            f"labels there yourself (stable {stable}, canary {canary}), or delete the "
            "file to have it written anew"
        )
    files.write_text(path, changed)
    return found


def _block(found: dict[str, int]) -> str:
    versions = " ".join(f"versions: {n}" for n in sorted(set(found.values())))
    lines = "".join(
        f'    version_labels {{ key: "{name}" value: {number} }}\n'
        for name, number in sorted(found.items())
    )
    return _BLOCK.format(versions=versions, labels=lines)


def _filled(name: str, model: str) -> str:
    """A template with the name of the model and this machine's cores in it."""
    text = (_TEMPLATES / name).read_text(encoding="utf-8")
    host = re.sub(r"[^a-z0-9]+", "-", f"model-{model.lower()}")[:50].strip("-")
    values = {"NAME": model, "HOST": host, "CORES": str(os.cpu_count() or 1)}
    return re.sub(r"@(\w+)@", lambda found: values[found[1]], text)
