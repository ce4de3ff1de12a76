"""What decoding an image file in full says about it, remembered by content."""

import concurrent.futures
import contextlib
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageOps

from tltf.data import _memory, _whole

LIMIT_PIXELS = 64_000_000  # what `ops.images` decodes; a test keeps them equal
HASH_SIDE = 16
_RULES = 1  # raise when `look` changes its mind, so that old verdicts are forgotten
_THREADS = os.cpu_count() or 1
_AT_ONCE = 256  # files between two writes of the memory, so that a stop loses little
_HEAD = 32  # bytes: magic, and the IHDR chunk of a PNG
_ORIENTATION = 0x0112
_DECODERS_RAISE = (
    *(SyntaxError, ValueError, TypeError, EOFError, LookupError, OverflowError),
    *(MemoryError, struct.error, zlib.error, PIL.Image.DecompressionBombError),
)
_MAGIC = (
    ("JPEG", b"\xff\xd8\xff"),
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("GIF", b"GIF8"),
    ("BMP", b"BM"),
    ("WEBP", b"RIFF"),
)
_FORMATS = tuple(name for name, _ in _MAGIC)


class Look(NamedTuple):
    """What one file's content is.

    Attributes:
      fatal: Why the image cannot be used, or None.
      format: Pillow's name, such as `JPEG`; empty where there is none.
      converted: Properties that decoding changes, such as `CMYK`.
      noted: Properties to know of that change nothing.
      hash: Difference hash, of rows then of columns, 128 hex digits; empty where
        there is no image.
    """

    fatal: str | None
    format: str = ""
    converted: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    hash: str = ""


def looks(
    paths: Sequence[str],
    digests: Sequence[str],
    *,
    limit_pixels: int = LIMIT_PIXELS,
    progress: Callable[[int, int], None] | None = None,
) -> list[Look]:
    """Returns a look at each file, decoded in full by threads.

    Equal files are decoded once, and never again once seen.

    Args:
      paths: Absolute paths.
      digests: SHA-256 of each file, hex; empty for a file that cannot be read.
      limit_pixels: A file whose header says more is not decoded.
      progress: Called with files done and files to do.

    Raises:
      UserError: The cache folder cannot be written.
    """
    keys = [f"{_RULES}:{limit_pixels}:{digest}" for digest in digests]
    found = {key: _revived(v) for key, v in _memory.read("looks", keys).items()}
    first = {key: row for row, key in reversed(list(enumerate(keys)))}
    fresh = [
        row
        for row, key in enumerate(keys)
        if key not in found and (not digests[row] or first[key] == row)
    ]
    with contextlib.closing(
        _made([paths[row] for row in fresh], limit_pixels, progress)
    ) as made:
        alone = _gathered(fresh, made, keys, found)
    return [alone.get(row) or found[key] for row, key in enumerate(keys)]


def _gathered(
    fresh: list[int], made: Iterator[Look], keys: list[str], found: dict[str, Look]
) -> dict[int, Look]:
    """Puts looks into `found` and the memory; returns those without a digest."""
    alone = {}
    for start in range(0, len(fresh), _AT_ONCE):
        new = {row: next(made) for row in fresh[start : start + _AT_ONCE]}
        alone.update({row: one for row, one in new.items() if keys[row][-1] == ":"})
        named = {keys[row]: one for row, one in new.items() if row not in alone}
        _memory.write("looks", ((key, list(one)) for key, one in named.items()))
        found.update(named)
    return alone


def look(path: str, *, limit_pixels: int = LIMIT_PIXELS) -> Look:
    """Returns what the file at `path` is; the size is checked before decoding."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            size = os.fstat(file.fileno()).st_size
            if not size:
                return Look("zero bytes")
            file.seek(0)
            seen = _decoded(file, limit_pixels, head)
            return seen if _is_whole(file, seen) else Look("truncated", seen.format)
    except PIL.UnidentifiedImageError:
        kind = _kind(head)
        cause = f"truncated or damaged {kind} header" if kind else "not an image"
        return Look(cause, kind)
    except OSError as error:
        if error.errno is not None:
            return Look(f"unreadable: {error.strerror}")
        return Look(_damage(error, path, _kind(head)), _kind(head))
    except _DECODERS_RAISE as error:
        return Look(_damage(error, path, _kind(head)), _kind(head))


def _decoded(file: BinaryIO, limit_pixels: int, head: bytes) -> Look:
    with PIL.Image.open(file) as image:
        kind = "JPEG" if image.format == "MPO" else image.format or ""
        width, height = image.size
        if width * height > limit_pixels:
            return Look(
                f"over the pixel limit: {width} x {height} is more than {limit_pixels}",
                kind,
            )
        if kind not in _FORMATS:
            return Look(f"format {kind}: not one of {', '.join(_FORMATS)}", kind)
        if kind == "BMP" and head[28] not in (24, 32):
            return Look(f"palette BMP: {head[28]} bits a pixel, not 24 or 32", kind)
        frames = getattr(image, "n_frames", 1) if kind in ("GIF", "WEBP", "PNG") else 1
        if kind == "WEBP" and frames > 1:
            return Look(f"animated WebP: {frames} frames, save one of them", kind)
        mode = image.mode
        alpha = kind != "GIF" and "transparency" in image.info
        image.load()
        deep = kind == "PNG" and head[24:25] == b"\x10"  # IHDR's bit depth
        converted = _converted(mode, deep, mode in ("P", "PA") and alpha)
        turned = _orientation(image)
        noted = [f"EXIF orientation {turned} (applied)"] if turned > 1 else []
        noted += [f"animated: {frames} frames, the first is used"] if frames > 1 else []
        return Look(None, kind, converted, tuple(noted), _hash(image, turned))


def _is_whole(file: BinaryIO, seen: Look) -> bool:
    if seen.fatal or seen.format == "JPEG":
        return True  # Pillow is strict there
    file.seek(0)
    return _whole.is_whole(file.read(), seen.format)


def _converted(mode: str, deep: bool, clear: bool) -> tuple[str, ...]:
    marks = (
        ("CMYK", mode == "CMYK"),
        ("16-bit", deep or mode.startswith("I;16")),
        ("palette with alpha", clear),
    )
    return tuple(name for name, is_so in marks if is_so)


def _orientation(image: PIL.Image.Image) -> int:
    if image.format not in ("JPEG", "MPO"):
        return 1  # `ops.images` reads it of JPEG alone
    try:
        turned = image.getexif().get(_ORIENTATION, 1)
    except (SyntaxError, ValueError, OSError, IndexError):
        return 1  # damaged EXIF says nothing; browsers show such a file as it is
    return turned if isinstance(turned, int) and 1 <= turned <= 8 else 1


def _hash(image: PIL.Image.Image, turned: int) -> str:
    upright = PIL.ImageOps.exif_transpose(image) if turned > 1 else image
    flat = upright.convert("RGB") if upright.mode in ("CMYK", "P", "PA") else upright
    gray = flat.convert("L")
    return _steps(gray, (HASH_SIDE + 1, HASH_SIDE), 1) + _steps(
        gray, (HASH_SIDE, HASH_SIDE + 1), 0
    )


def _steps(gray: PIL.Image.Image, size: tuple[int, int], axis: int) -> str:
    """Returns where brightness rises along an axis of the shrunken image, hex."""
    small = np.asarray(gray.resize(size, PIL.Image.Resampling.BOX), np.int16)
    return np.packbits(np.diff(small, axis=axis) > 0).tobytes().hex()


def _kind(head: bytes) -> str:
    return next((name for name, start in _MAGIC if head.startswith(start)), "")


def _damage(error: Exception, path: str, kind: str) -> str:
    text = " ".join(str(error).split())
    if kind in ("GIF", "WEBP") and not _whole.is_whole(_bytes(path), kind):
        return "truncated"  # Pillow gives no reason
    cut = any(word in text.lower() for word in ("truncat", "eof", "end of file"))
    return "truncated" if cut else f"damaged: {text}"


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _revived(value: list) -> Look:
    fatal, kind, converted, noted, mark = value
    return Look(fatal, kind, tuple(converted), tuple(noted), mark)


def _made(
    paths: list[str],
    limit_pixels: int,
    progress: Callable[[int, int], None] | None,
) -> Iterator[Look]:
    with (
        _unlimited(),
        concurrent.futures.ThreadPoolExecutor(_THREADS) as pool,
    ):
        tasks = pool.map(lambda p: look(p, limit_pixels=limit_pixels), paths)
        for done, seen in enumerate(tasks, 1):
            if progress:
                progress(done, len(paths))
            yield seen


@contextlib.contextmanager
def _unlimited() -> Iterator[None]:
    """Lifts Pillow's size limit, for ours is checked instead, from the header."""
    kept = PIL.Image.MAX_IMAGE_PIXELS
    PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on odd metadata
            yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = kept
