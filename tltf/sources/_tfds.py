"""Prepares a TFDS builder, and fails at once where there is no network."""

import contextlib
import difflib
import os
import pathlib
import re
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

from tltf import errors

_SECONDS = 1.7  # for a name to resolve
_LONGEST = 400  # characters of a message
_CATALOG = "see https://www.tensorflow.org/datasets/catalog/overview"


def module() -> Any:
    """Returns `tensorflow_datasets`, with its look-ups in the cloud turned off.

    Raises:
      UserError: It is not installed.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise errors.UserError(
            "tfds: tensorflow_datasets is not installed; "
            "pip install tensorflow-datasets"
        ) from error
    tfds.core.utils.gcs_utils._is_gcs_disabled = True
    return tfds


def builder(name: str, data_dir: str | None) -> Any:
    """Returns the builder of `NAME[/CONFIG][:VERSION]`, prepared or not.

    Raises:
      UserError: No such set, configuration or version.
    """
    tfds, base = module(), re.split(r"[/:]", name)[0]
    folder = pathlib.Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()
    # with community sets, TFDS would load TensorFlow and ask the network
    known = tfds.list_builders(with_community_datasets=False)
    if base not in known and not (folder / base).is_dir():
        raise errors.UserError(_unknown(name, known))
    try:
        with _quiet():
            return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        raise errors.UserError(_unknown(name, known)) from error
    except (ValueError, AssertionError) as error:
        raise errors.UserError(_first(f"tfds:{name}", error)) from error


def prepare(made: Any) -> None:
    """Makes the data of a builder be on disk, downloaded if need be.

    Raises:
      UserError: It is not there and there is no network, or it wants files
        that only the user can get.
      WorkError: The download or preparation failed.
    """
    where = f"tfds:{made.name}"
    with _quiet():
        if made.is_prepared():
            return
    _reach(where, made)
    try:
        made.download_and_prepare()
    except AssertionError as error:  # a manual download that is not there
        raise errors.UserError(_first(where, error)) from error
    except Exception as error:  # builders of strangers raise what they like
        raise errors.WorkError(_first(where, error)) from error


def feature(made: Any, kind: str, name: str | None, *, option: str) -> str:
    """Returns the name of the only feature of a kind, or the one asked for.

    Raises:
      UserError: There is none, or several and none was asked for.
    """
    with _quiet():
        features = dict(made.info.features)
    held = [key for key, one in features.items() if type(one).__name__ == kind]
    if name in held or (name is None and len(held) == 1):
        return name or held[0]
    where, hint = f"tfds:{made.name}", f"it has {', '.join(features)}"
    if not held:
        raise errors.UserError(
            f"{where} has no {kind} feature, {hint}; take a set of image classification"
        )
    raise errors.UserError(
        f"{where} has {len(held)} {kind} features, {', '.join(held)}; "
        f"set data.options.{option} to one of them"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides the warnings of TFDS about what is not prepared; our error says it."""
    from absl import logging

    kept = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(kept)


def _reach(where: str, made: Any) -> None:
    """Passes if the host of the set's files has an address.

    Without this TFDS tries for minutes; look-up obeys no time limit, so it runs
    in a thread that may be left behind.
    """
    hosts = [urllib.parse.urlsplit(url).hostname for url in _urls(made)]
    hint = (
        f"prepare it where there is one (tfds build {made.name}) and copy it to "
        f"{made.data_dir}"
    )
    if os.environ.get("TLTF_OFFLINE", "0") not in ("", "0") and hosts:
        raise errors.UserError(
            f"{where} is not prepared and TLTF_OFFLINE is set; {hint}"
        )
    for host in [host for host in hosts if host][:1]:
        found: list[str] = []
        look = threading.Thread(target=_resolve, args=(host, found), daemon=True)
        look.start()
        look.join(_SECONDS)
        if not found:
            raise errors.UserError(
                f"{where} is not prepared and there is no way to {host}; {hint}"
            )


def _urls(made: Any) -> list[str]:
    try:
        return [str(url) for url in made.url_infos]
    except (AttributeError, OSError):
        return []


def _resolve(host: str, found: list[str]) -> None:
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return
    found.append(host)


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.partition("/")[0], known, n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else _CATALOG
    return f"tfds:{name}: tensorflow_datasets has no such set; {hint}"


def _first(where: str, error: Exception) -> str:
    """Returns the first sentence of what TFDS says, which may be pages."""
    text = " ".join(str(error).split()) or type(error).__name__
    return f"{where}: {text.partition('. ')[0][:_LONGEST]}; {_CATALOG}"
