"""Reads class folders, `root/<class>/*` or `root/<split>/<class>/*`."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from tltf import errors
from tltf.sources import _base, _rows

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
SPLITS = ("train", "val", "valid", "validation", "test")
HIDDEN = "hidden file"


class _Found(NamedTuple):
    """Image files of one class in one split."""

    split: str
    name: str
    paths: list[str]


class _Walk(NamedTuple):
    """Where we look, how to name it in messages, and what was passed over."""

    top: str
    source: str
    stray: Mapping[str, str]
    skipped: list[tuple[str, str]]

    def id(self, path: str) -> str:
        """Returns the path below the top with `/`, printable in any case."""
        below = os.path.relpath(path, self.top).replace(os.sep, "/")
        return os.fsencode(below).decode("utf-8", "replace")

    def skip(self, path: str, cause: str) -> None:
        """Notes that `path` is no record."""
        self.skipped.append((self.id(path), cause))


def read(
    root: str | os.PathLike[str],
    *,
    source: str,
    strict: bool = True,
    stray: Mapping[str, str] | None = None,
) -> _base.Table:
    """Returns the records of class folders; classes are in sorted order.

    Args:
      root: Folder of class folders, or of split folders that hold them.
      source: How messages name the data set, such as `folder`.
      strict: Raise where a class is empty or missing from a split, or is the
        only one; otherwise list it in `skipped` with a `/` at the end of its
        id, and take files without class folders as one class.
      stray: Files known to be no records, as id: cause.

    Raises:
      UserError: The folder cannot be read, has no images, one class only, or
        (when strict) a class without images in one of its splits.
    """
    top = str(_rows.existing(root, source=source))
    walk = _Walk(top, source, stray or {}, [])
    found = [one for part in _branches(walk) for one in _classes(walk, *part)]
    if not found and not strict:
        walk.skipped.clear()
        found = [_Found("all", os.path.basename(top), _images(walk, top))]
    classes = sorted({one.name for one in found})
    _check_classes(walk, found, classes)
    if len(classes) == 1 and strict:
        raise errors.UserError(
            f"{source}: {top} has one class only, {classes[0]!r}; a classifier needs "
            "two or more class folders"
        )
    _check_splits(walk, found, classes, strict=strict)
    rows = [
        _rows.Row(walk.id(path), path, classes.index(one.name), one.split)
        for one in found
        for path in one.paths
    ]
    return _rows.table(rows, classes, skipped=walk.skipped)


def _branches(walk: _Walk) -> list[tuple[str, str]]:
    """Returns (split, folder) pairs; the split of an unsplit layout is `all`."""
    folders = _folders(walk, walk.top)
    named = {f: os.path.basename(f).lower() for f in folders}
    parts = [f for f in folders if named[f] in SPLITS and _has_folder(walk, f)]
    splits = {named[f] for f in parts}
    if not parts or ("train" not in splits and len(parts) < len(folders)):
        return [("all", walk.top)]
    _pass_over(walk, walk.top, "file beside the split folders")
    for folder in sorted(set(folders) - set(parts)):
        walk.skip(folder, "folder without class folders beside the split folders")
    return [(named[f], f) for f in parts]


def _classes(walk: _Walk, split: str, folder: str) -> list[_Found]:
    _pass_over(walk, folder, "file beside the class folders")
    return [
        _Found(split, os.path.basename(path), _images(walk, path))
        for path in _folders(walk, folder)
    ]


def _images(walk: _Walk, folder: str) -> list[str]:
    kept = []
    for entry in _entries(walk, folder):
        cause = _no_record(walk, entry)
        if cause:
            walk.skip(entry.path, cause)
        else:
            kept.append(entry.path)
    return kept


def _no_record(walk: _Walk, entry: os.DirEntry) -> str | None:
    name = entry.name
    if name.startswith("."):
        return HIDDEN
    if entry.is_dir():
        return "folder inside a class folder"
    if not entry.is_file():
        return "broken link" if entry.is_symlink() else "not a regular file"
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in SUFFIXES:
        return f"extension {suffix or 'missing'}: not one of {' '.join(SUFFIXES)}"
    if not _printable(name):
        return "file name is not UTF-8; rename it"
    return walk.stray.get(walk.id(entry.path)) if walk.stray else None


def _pass_over(walk: _Walk, folder: str, cause: str) -> None:
    for entry in _entries(walk, folder):
        if entry.name.startswith("."):
            walk.skip(entry.path, HIDDEN)
        elif not entry.is_dir():
            walk.skip(entry.path, cause)


def _folders(walk: _Walk, folder: str) -> list[str]:
    entries = _entries(walk, folder)
    return [e.path for e in entries if e.is_dir() and not e.name.startswith(".")]


def _has_folder(walk: _Walk, folder: str) -> bool:
    return bool(_folders(walk, folder))


def _entries(walk: _Walk, folder: str) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise errors.UserError(
            f"{walk.source}: cannot read {folder}: {error.strerror}; "
            "check its permissions"
        ) from error


def _printable(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_classes(walk: _Walk, found: list[_Found], classes: list[str]) -> None:
    if not any(one.paths for one in found):
        raise errors.UserError(
            f"{walk.source}: {walk.top} {_contents(walk, classes)}; expected "
            f"<class>/*.jpg or train/<class>/*.jpg below it"
        )
    for name in classes:
        if not _printable(name):
            shown = os.fsencode(name).decode("utf-8", "replace")
            raise errors.UserError(
                f"{walk.source}: the name of class folder {shown!r} in {walk.top} is "
                "not UTF-8; rename it"
            )


def _contents(walk: _Walk, classes: list[str]) -> str:
    files = sum(cause != HIDDEN for _, cause in walk.skipped)
    if classes:
        return f"has class folders but no images in them ({files} other files)"
    return f"has {files} files but no class folders" if files else "is empty"


def _check_splits(
    walk: _Walk, found: list[_Found], classes: list[str], *, strict: bool
) -> None:
    held = {(one.split, one.name): bool(one.paths) for one in found}
    for split in sorted({one.split for one in found}):
        for name in classes:
            if held.get((split, name)):
                continue
            where = name if split == "all" else f"{split}/{name}"
            cause = (
                "empty class: no images in its folder"
                if (split, name) in held
                else (f"class missing from {split}")
            )
            if strict:
                raise errors.UserError(
                    f"{walk.source}: {os.path.join(walk.top, where)}: {cause}; add "
                    "images or remove the class from every split"
                )
            walk.skipped.append((f"{where}/", cause))
