"""Finds TensorFlow Hub modules: local folder, cache folder, download."""

import contextlib
import hashlib
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile
import types
import urllib.parse
import warnings

from tltf import errors
from tltf.fetch import archive, download, home

_GRAPHS = ("saved_model.pb", "saved_model.pbtxt")
_REMOTE = ("gs://", "s3://", "hdfs://")  # file systems that TensorFlow reads itself


def resolve(handle: str) -> str:
    """Returns the folder of a module, downloaded if need be.

    A web address is looked for in the cache folder under the SHA-1 of the
    handle, as tensorflow_hub does, so that a folder filled by either serves
    both; else it is asked for with `?tf-hub-format=compressed`.

    Args:
      handle: A local folder with saved_model.pb, an address such as
        https://tfhub.dev/google/elmo/3 or one of https://www.kaggle.com/models,
        or a folder on a file system of TensorFlow's (gs://).

    Raises:
      UserError: No module there, no network, or what came is no module; says
        where to put it.
      WorkError: The download broke off.
    """
    text = os.fspath(handle)
    if text.startswith(("http://", "https://")):
        folder = cached(text)
        return str(folder if _is_module(folder) else _download(text, folder))
    if text.startswith(_REMOTE):
        return text
    return str(_local(text))


def cache() -> pathlib.Path:
    """Returns `$TFHUB_CACHE_DIR`, or the folder `hub` in our own cache."""
    given = os.environ.get("TFHUB_CACHE_DIR")
    return pathlib.Path(given).expanduser() if given else home.home() / "hub"


def cached(handle: str) -> pathlib.Path:
    """Returns where the module of an address stands, or would, in the cache."""
    return cache() / hashlib.sha1(handle.encode()).hexdigest()


def library() -> types.ModuleType:
    """Returns tensorflow_hub, also where setuptools no longer has pkg_resources.

    Nothing in tltf needs it: modules are loaded by TensorFlow alone, for
    tensorflow_hub brings Keras 2 along and stops at import without
    pkg_resources, gone since setuptools 82. This is for those who want its
    other functions.

    Raises:
      UserError: tensorflow_hub is not installed.
    """
    if importlib.util.find_spec("tensorflow_hub") is None:
        raise errors.UserError(
            "tensorflow_hub is not installed; run `pip install tensorflow-hub`"
        )
    with _versions(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pkg_resources and of Keras 2
        import tensorflow_hub
    return tensorflow_hub


@contextlib.contextmanager
def _versions():
    """Stands in for the one name of pkg_resources that tensorflow_hub asks for."""
    name = "pkg_resources"
    if name in sys.modules or importlib.util.find_spec(name):
        yield
        return
    from packaging import version

    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].parse_version = version.parse
    try:
        yield
    finally:
        del sys.modules[name]


def _is_module(folder: pathlib.Path) -> bool:
    return any((folder / name).is_file() for name in _GRAPHS)


def _local(text: str) -> pathlib.Path:
    folder = pathlib.Path(os.path.abspath(os.path.expanduser(text)))
    if _is_module(folder):
        return folder
    if folder.is_dir():
        inner = sorted(p.name for p in folder.iterdir() if _is_module(p))
        hint = f"give its folder {inner[-1]}" if inner else "is it the right one?"
        raise errors.UserError(f"module {folder} holds no {_GRAPHS[0]}; {hint}")
    if folder.exists():
        raise errors.UserError(
            f"module {folder} is a file; unpack it and give the folder"
        )
    raise errors.UserError(
        f"no module {folder}; give a folder with {_GRAPHS[0]}, or an address such "
        "as https://tfhub.dev/google/elmo/3"
    )


def _download(handle: str, folder: pathlib.Path) -> pathlib.Path:
    packed = folder.with_name(folder.name + ".tar.gz")
    try:
        download.fetch(_address(handle), packed)
    except errors.UserError as error:
        raise errors.UserError(
            f"module {handle}: {error}; or unpack the module into {folder}"
        ) from error
    holder = pathlib.Path(tempfile.mkdtemp(prefix=".module-", dir=folder.parent))
    try:
        _unpack(handle, packed, holder / "module")
        _place(holder / "module", folder)
    finally:
        packed.unlink(missing_ok=True)
        shutil.rmtree(holder, ignore_errors=True)
    return folder


def _address(handle: str) -> str:
    parts = urllib.parse.urlsplit(handle)
    asked = urllib.parse.parse_qsl(parts.query) + [("tf-hub-format", "compressed")]
    return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(asked)))


def _unpack(handle: str, packed: pathlib.Path, target: pathlib.Path) -> None:
    try:
        archive.unpack(packed, target)
    except errors.UserError as error:
        raise errors.UserError(
            f"{handle} did not answer with a module ({error}); get it by hand and "
            f"unpack it into {cached(handle)}"
        ) from error
    if not _is_module(target):
        raise errors.UserError(
            f"{handle} answered with an archive without {_GRAPHS[0]}; get the module "
            f"by hand and unpack it into {cached(handle)}"
        )


def _place(module: pathlib.Path, folder: pathlib.Path) -> None:
    try:
        os.replace(module, folder)
    except OSError:
        if not _is_module(folder):
            raise  # else: another process was first
