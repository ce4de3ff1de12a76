"""Ten patterns of cloth, drawn as photographs: `textures`, made on first use."""

import concurrent.futures
import os
import pathlib
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence

from absl import logging

from tltf import errors
from tltf.fetch import home
from tltf.sources import _base, _layout, _textures_patterns, _textures_scene

VERSION = 1  # of the drawing; raise it whenever pixels change
SPLITS = ("train", "valid", "test")
CARD = _base.Card(
    title="Ten patterns of cloth, drawn: folds, light, clutter, blur and noise",
    licence="Apache-2.0, drawn by this package",
)

_QUALITY = 88  # of the JPEG files
_LIMIT = 100_000  # files


def load(
    argument: str = "",
    *,
    side: int = 224,
    per_class: Sequence[int] = (20, 10, 25),
    seed: int = 0,
) -> _base.Table:
    """Returns the drawn images, after drawing those that the cache lacks.

    All classes share the distribution of colours, light and clutter. The same
    image at a larger side shows the same scene in finer detail.

    Args:
      argument: Nothing; the set has no variants.
      side: Pixels of the square images, 32 to 1792. Only at 448 and above can
        the finest patterns be told.
      per_class: Images of each class in train, valid and test.
      seed: Of the drawing, 0 to 2**31 - 1. Another seed gives other images.

    Raises:
      UserError: An option is out of range, or the cache folder
        cannot be written.
    """
    _check(argument, side, per_class, seed)
    counts = "x".join(map(str, per_class))
    folder = home.home() / "datasets" / "textures" / f"{VERSION}-{side}-{seed}-{counts}"
    if not folder.is_dir():
        try:
            _build(folder, side, tuple(per_class), seed)
        except OSError as error:
            raise errors.UserError(
                f"textures: cannot write {folder}: {error.strerror}; set TLTF_HOME to "
                "a folder with room"
            ) from error
    return _layout.read(folder, source="textures")


def _check(argument: str, side: int, per_class: Sequence[int], seed: int) -> None:
    if argument:
        raise errors.UserError(
            f"data.source: textures takes no argument, got {argument!r}; "
            "options go into data.options"
        )
    _whole("side", side, 32, 1792)
    _whole("seed", seed, 0, 2**31 - 1)
    if isinstance(per_class, str) or not isinstance(per_class, Sequence):
        per_class = ()
    if len(per_class) != len(SPLITS):
        raise errors.UserError(
            "data.options.per_class: give three counts, for train, valid and test, "
            "such as [20, 10, 25]"
        )
    for count, least in zip(per_class, (1, 0, 0), strict=True):
        _whole("per_class", count, least, _LIMIT // len(_textures_patterns.PATTERNS))


def _whole(name: str, value: object, low: int, high: int) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise errors.UserError(
            f"data.options.{name}: {value!r} is not a whole number in {low}..{high}"
        )


def _build(folder: pathlib.Path, side: int, counts: tuple[int, ...], seed: int) -> None:
    """Draws into a folder beside the final one, then renames it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.")
    try:
        _fill(pathlib.Path(draft), side, counts, seed)
        os.chmod(draft, 0o755)
        os.rename(draft, folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster; its files are equal
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(draft: pathlib.Path, side: int, counts: tuple[int, ...], seed: int) -> None:
    jobs = list(_jobs(counts))
    for split, name, _ in jobs:
        (draft / split / name).mkdir(parents=True, exist_ok=True)
    logging.info("drawing %d textures of side %d, once", len(jobs), side)
    # NumPy and Pillow let go of the lock, so threads use all cores
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(_draw, draft, job, side, seed) for job in jobs]
        try:
            for done, future in enumerate(futures, 1):
                future.result()
                logging.log_every_n_seconds(
                    logging.INFO, "  %d of %d", 5, done, len(jobs)
                )
        finally:
            pool.shutdown(cancel_futures=True)


def _jobs(counts: tuple[int, ...]) -> Iterator[tuple[str, str, int]]:
    for split, count in zip(SPLITS, counts, strict=True):
        for name in _textures_patterns.PATTERNS:
            for index in range(count):
                yield split, name, index


def _draw(draft: pathlib.Path, job: tuple[str, str, int], side: int, seed: int) -> None:
    from PIL import Image

    split, name, index = job
    # the name and not its place, so that a new class changes no old image
    key = (VERSION, seed, SPLITS.index(split), zlib.crc32(name.encode()), index)
    pixels = _textures_scene.photograph(name, side, key)
    path = draft / split / name / f"{index:03d}.jpg"
    Image.fromarray(pixels).save(path, quality=_QUALITY)
