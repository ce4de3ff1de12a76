"""Version folders of a published model: the next number, taken atomically."""

import contextlib
import errno
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator

from tltf import errors

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def folder(saved_models: pathlib.Path, name: str) -> pathlib.Path:
    """Returns the folder of one model.

    Raises:
      UserError: The name does not fit a URL and a folder.
    """
    if not _NAME.fullmatch(name):
        raise errors.UserError(
            f"--name: {name!r} may hold letters, digits, '.', '_' and '-' only, "
            "as in image_class-mobilenet-flowers"
        )
    return saved_models / name


def versions(model: pathlib.Path) -> list[int]:
    """Returns the published versions in rising order."""
    if not model.is_dir():
        return []
    names = [path.name for path in model.iterdir() if path.is_dir()]
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


@contextlib.contextmanager
def building(model: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives an empty folder on the same file system, gone afterwards if not taken.

    Its name is no number, so a server that watches `model` passes it over.
    """
    model.mkdir(parents=True, exist_ok=True)
    path = pathlib.Path(tempfile.mkdtemp(prefix=".building-", dir=model))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):  # stays where it holds a version
            model.rmdir()


def take(built: pathlib.Path, model: pathlib.Path) -> pathlib.Path:
    """Renames a built folder to the next version and returns that folder.

    Two exports at once take two numbers: a rename onto a folder with files in it
    fails, and the next number is tried.
    """
    number = (versions(model) or [0])[-1] + 1
    os.chmod(built, 0o755)  # a temporary folder is closed to the server's user
    while True:
        try:
            os.rename(built, model / str(number))
            return model / str(number)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            number += 1
