"""Makes one image file of each kind that data can be wrong in."""

import io
import pathlib

import numpy as np
from PIL import Image


def photo(seed: int, *, width: int = 96, height: int = 64) -> Image.Image:
    """Returns a smooth random picture, another for each seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    """Returns the bytes of a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def save(path: pathlib.Path, seed: int, kind: str = "JPEG", **options) -> pathlib.Path:
    """Writes a sound picture and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(photo(seed), kind, **options))
    return path


def folder(root: pathlib.Path, *, classes=("cats", "dogs"), each=3) -> pathlib.Path:
    """Writes a sound folder of classes and returns it."""
    for place, name in enumerate(classes):
        for number in range(each):
            save(root / name / f"{number}.jpg", 100 * place + number)
    return root


def bomb() -> bytes:
    """Returns a PNG of 1 kB whose header states 40000 x 40000 pixels."""
    good = bytearray(encoded(photo(0), "PNG"))
    good[16:24] = (40_000).to_bytes(4, "big") * 2
    import zlib

    good[29:33] = zlib.crc32(bytes(good[12:29])).to_bytes(4, "big")
    return bytes(good)


def oriented(orientation: int) -> bytes:
    """Returns a JPEG with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(photo(1), exif=exif)


def deep() -> bytes:
    """Returns a 16-bit grey PNG."""
    return encoded(
        Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16), "PNG"
    )


def deep_color() -> bytes:
    """Returns a 16-bit RGB PNG, which Pillow cannot write itself."""
    import struct
    import zlib

    def chunk(name: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    rows = np.random.default_rng(0).integers(0, 256, (8, 48), dtype=np.uint8)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def palette_alpha() -> bytes:
    """Returns a palette PNG with transparency."""
    return encoded(photo(2).convert("P"), "PNG", transparency=0)


def animation(kind: str) -> bytes:
    """Returns a picture of two frames."""
    first, second = (photo(seed) for seed in (3, 4))
    return encoded(first, kind, save_all=True, append_images=[second])


# name of the file -> (bytes, cause as `tltf data check` begins it, action)
KINDS = {
    "zero.jpg": (b"", "zero bytes", "skipped"),
    "cut.jpg": (encoded(photo(10))[:-300], "truncated", "skipped"),
    "cut.png": (encoded(photo(11), "PNG")[:-300], "truncated", "skipped"),
    "cut.gif": (encoded(photo(12), "GIF")[:-300], "truncated", "skipped"),
    "cut.bmp": (encoded(photo(13), "BMP")[:-300], "truncated", "skipped"),
    "cut.webp": (encoded(photo(14), "WEBP")[:-300], "truncated", "skipped"),
    "head.jpg": (
        encoded(photo(15))[:20],
        "truncated or damaged JPEG header",
        "skipped",
    ),
    "page.jpg": (b"<html>404 not found</html>", "not an image", "skipped"),
    "tiff.png": (encoded(photo(16), "TIFF"), "format TIFF: not one of", "skipped"),
    "palette.bmp": (
        encoded(photo(17).convert("P"), "BMP"),
        "palette BMP: 8 bits",
        "skipped",
    ),
    "bomb.png": (bomb(), "over the pixel limit: 40000 x 40000", "skipped"),
    "gif.jpg": (
        encoded(photo(18), "GIF"),
        "wrong extension: a GIF called .jpg",
        "noted",
    ),
    "cmyk.jpg": (encoded(photo(19).convert("CMYK")), "CMYK", "converted"),
    "deep.png": (deep(), "16-bit", "converted"),
    "deep_color.png": (deep_color(), "16-bit", "converted"),
    "clear.png": (palette_alpha(), "palette with alpha", "converted"),
    "turned.jpg": (oriented(6), "EXIF orientation 6 (applied)", "noted"),
    "moving.webp": (animation("WEBP"), "animated WebP: 2 frames", "skipped"),
    "moving.gif": (animation("GIF"), "animated: 2 frames", "noted"),
}


def all_kinds(root: pathlib.Path) -> pathlib.Path:
    """Writes every kind of `KINDS` beside sound files and returns the folder."""
    folder(root)
    for name, (contents, _, _) in KINDS.items():
        (root / "cats" / name).write_bytes(contents)
    return root
