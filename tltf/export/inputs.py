"""Records named on a command line: files, folders, patterns, a list on stdin."""

import glob
import pathlib
from collections.abc import Iterable, Iterator

from tltf import errors

ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
OF_TEXTS = (".txt",)


def records(
    names: Iterable[str], listed: Iterable[str], *, reads: str
) -> Iterator[str | tuple[str, bytes]]:
    """Gives what a model is asked: paths, or (name, text) of each line on stdin.

    Args:
      names: As of `paths`.
      listed: Lines of stdin: for images paths, for texts the texts themselves.
      reads: Input of the model, `image_bytes` or `text`.

    Raises:
      UserError: As of `paths`.
    """
    if reads != "text":
        yield from paths(names, listed)
        return
    for name in names:
        if name == "-":
            for number, line in enumerate(listed, 1):
                text = line.rstrip("\r\n").encode("utf-8", "replace")
                yield f"line {number}", text
        else:
            yield from paths([name], endings=OF_TEXTS)


def check(names: Iterable[str]) -> None:
    """Checks that every pattern matches a file, before a model is loaded.

    Raises:
      UserError: One does not.
    """
    for name in names:
        if glob.has_magic(name) and not pathlib.Path(name).exists():
            _matching(name)


def paths(
    names: Iterable[str], listed: Iterable[str] = (), *, endings=ENDINGS
) -> Iterator[str]:
    """Gives the path of every file, in the order of the names.

    Args:
      names: A file, taken whatever its ending; a folder, of which the files
        with one of `endings` are taken in sorted order, with all below it; a
        pattern with `*`, `?` or `[`, where `**` crosses folders; or `-`.
      listed: What `-` stands for, one path a line.
      endings: Of files that are taken from folders, in lower case.

    Raises:
      UserError: A pattern that matches nothing, or a folder without such files.
        A path that does not exist is given as it is: its row will say so.
    """
    for name in names:
        path = pathlib.Path(name)
        if name == "-":
            yield from (line.rstrip("\r\n") for line in listed if line.strip())
        elif path.is_dir():
            yield from _below(path, endings)
        elif glob.has_magic(name) and not path.exists():
            yield from _matching(name)
        else:
            yield name


def _below(folder: pathlib.Path, endings: tuple[str, ...]) -> list[str]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() in endings)
    found = sorted(str(path) for path in files if path.is_file())
    if not found:
        raise errors.UserError(
            f"no {'image' if endings == ENDINGS else 'text'} in folder "
            f"{str(folder)!r}; looked for {' '.join(endings)}"
        )
    return found


def _matching(pattern: str) -> list[str]:
    found = sorted(glob.glob(pattern, recursive=True))
    files = [path for path in found if pathlib.Path(path).is_file()]
    if not files:
        raise errors.UserError(f"no file matches {pattern!r}")
    return files
