"""Whether image files are complete, where Pillow is laxer than TensorFlow."""

import zlib

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


def is_whole(contents: bytes, kind: str) -> bool:
    """Returns whether the file of `kind` has its end.

    Args:
      contents: The whole file.
      kind: `PNG`, `GIF` or `WEBP`; any other is taken for whole.
    """
    if kind == "PNG":
        return _png(contents)
    if kind == "WEBP":
        return int.from_bytes(contents[4:8], "little") + 8 <= len(contents)
    return _gif(contents) if kind == "GIF" else True


def _png(contents: bytes) -> bool:
    """Source: PNG specification (third edition), section 5.3, Chunk layout."""
    place, name = 8, b""
    while name != b"IEND":
        size = int.from_bytes(contents[place : place + 4], "big")
        name, end = contents[place + 4 : place + 8], place + 8 + size
        check = zlib.crc32(contents[place + 4 : end]).to_bytes(4, "big")
        critical = name[:1].isupper()
        if end + 4 > len(contents) or (critical and contents[end : end + 4] != check):
            return False
        place = end + 4
    return True


def _gif(contents: bytes) -> bool:
    """Source: GIF89a specification, sections 15 to 27; a lacking trailer is usual."""
    place = 13 + _colors(contents[10:11])
    images = 0
    while place < len(contents) and contents[place] != _TRAILER:
        if contents[place] == _EXTENSION:
            place = _blocks(contents, place + 2)
        elif contents[place] == _IMAGE:
            place += 10 + _colors(contents[place + 9 : place + 10])
            place, images = _blocks(contents, place + 1), images + 1
        else:
            return images > 0
    return images > 0 and place <= len(contents)


def _blocks(contents: bytes, place: int) -> int:
    """Returns the place behind a chain of blocks, or one behind the end if cut."""
    while place < len(contents) and contents[place]:
        place += contents[place] + 1
    return place + 1


def _colors(flags: bytes) -> int:
    """Returns the bytes of a colour table."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0
