"""Image files named on a command line: files, folders, patterns, a list on stdin."""

import glob
import pathlib
from collections.abc import Iterable, Iterator

from tltf import errors

ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")


def paths(names: Iterable[str], listed: Iterable[str] = ()) -> Iterator[str]:
    """Gives the path of every file, in the order of the names.

    Args:
      names: A file, taken whatever its ending; a folder, of which the files
        with an image's ending are taken in sorted order, with all below it; a
        pattern with `*`, `?` or `[`, where `**` crosses folders; or `-`.
      listed: What `-` stands for, one path a line.

    Raises:
      UserError: A pattern that matches nothing, or a folder without images. A
        path that does not exist is given as it is: its row will say so.
    """
    for name in names:
        path = pathlib.Path(name)
        if name == "-":
            yield from (line.rstrip("\r\n") for line in listed if line.strip())
        elif path.is_dir():
            yield from _below(path)
        elif glob.has_magic(name) and not path.exists():
            yield from _matching(name)
        else:
            yield name


def _below(folder: pathlib.Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    found = sorted(str(path) for path in files if path.is_file())
    if not found:
        raise errors.UserError(
            f"no image in folder {str(folder)!r}; looked for {' '.join(ENDINGS)}"
        )
    return found


def _matching(pattern: str) -> list[str]:
    found = sorted(glob.glob(pattern, recursive=True))
    files = [path for path in found if pathlib.Path(path).is_file()]
    if not files:
        raise errors.UserError(f"no file matches {pattern!r}")
    return files
