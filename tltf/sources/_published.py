"""Finds a published data set: given path, cache folder, download."""

import os
import pathlib
import posixpath
import urllib.parse
from collections.abc import Sequence

from tltf import errors
from tltf.fetch import archive, download, home
from tltf.sources import _base, _rows


def folder(
    name: str, card: _base.Card, path: str | None, *, inner: Sequence[str]
) -> pathlib.Path:
    """Returns the folder of a named set, downloaded if need be.

    It is looked for at `path`, then in the cache folder as `datasets/<name>`;
    else the archive of the card is downloaded and unpacked there. Folders of
    the archive that only wrap the data are stepped into.

    Args:
      name: The source's name.
      card: Its card; `files` holds the archive, if it can be downloaded.
      path: The user's own copy, or None.
      inner: Names of wrapping folders, in the order of stepping.

    Raises:
      UserError: It is nowhere and cannot be downloaded; says where to get it
        and where to put it.
      WorkError: The download broke off.
    """
    if path is not None:
        if not isinstance(path, str | os.PathLike):
            raise errors.UserError(f"data.options.path: {path!r} is not a path")
        return _stepped(_rows.existing(path, source=name), inner)
    target = home.home() / "datasets" / name
    if not (target.is_dir() and any(target.iterdir())):
        _get(name, card, target)
    return _stepped(target, inner)


def _get(name: str, card: _base.Card, target: pathlib.Path) -> None:
    if not card.files:
        raise errors.UserError(
            f"{name} is not here and has no open download; get it from "
            f"{card.homepage} and unpack it into {target}, or set data.options.path"
        )
    for url, sha256, _ in card.files:
        file = posixpath.basename(urllib.parse.urlsplit(url).path)
        kept = home.home() / "downloads" / file
        archive.unpack(download.fetch(url, kept, sha256=sha256), target)


def _stepped(top: pathlib.Path, inner: Sequence[str]) -> pathlib.Path:
    for name in inner:
        if (top / name).is_dir():
            top = top / name
    return top
