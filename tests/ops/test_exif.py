"""EXIF orientation: well-formed headers, odd ones, broken ones."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tltf.ops import exif

_ORIENTATION, _SHORT = 0x0112, 3


def _entry(order, tag, kind, value):
    return struct.pack(order + "HHIHH", tag, kind, 1, value, 0)


def _tiff(order, entries, *, gap=0, count=None):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    count = len(entries) if count is None else count
    table = struct.pack(order + "H", count) + b"".join(entries)
    return mark + struct.pack(order + "I", 8 + gap) + bytes(gap) + table + bytes(4)


def _segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _exif(tiff):
    return _segment(0xE1, b"Exif\0\0" + tiff)


def _file(*segments):
    tail = _segment(0xDB, bytes(65)) + _segment(0xDA, bytes(10)) + bytes(40)
    return b"\xff\xd8" + b"".join(segments) + tail + b"\xff\xd9"


def _found(contents):
    return int(exif.orientation(contents))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_both_byte_orders_are_read(order, turn):
    tiff = _tiff(order, [_entry(order, _ORIENTATION, _SHORT, turn)])
    assert _found(_file(_exif(tiff))) == turn


def test_entry_is_found_among_others_and_behind_a_gap():
    entries = [_entry("<", tag, _SHORT, 5) for tag in (0x10F, 0x110)]
    entries += [_entry("<", _ORIENTATION, _SHORT, 6), _entry("<", 0x11A, _SHORT, 3)]
    assert _found(_file(_exif(_tiff("<", entries, gap=30)))) == 6


def test_segments_ahead_are_walked_over():
    other = _segment(0xE0, b"JFIF\0" + bytes(9))
    extended = _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + bytes(3000))
    note = _segment(0xFE, b"Exif\0\0 in a comment is none")
    tiff = _tiff(">", [_entry(">", _ORIENTATION, _SHORT, 8)])
    assert _found(_file(other, note, extended, b"\xff\xff", _exif(tiff))) == 8


@pytest.mark.parametrize("turn", [0, 9, 255, 65535])
def test_values_out_of_range_mean_upright(turn):
    tiff = _tiff("<", [_entry("<", _ORIENTATION, _SHORT, turn)])
    assert _found(_file(_exif(tiff))) == 1


@pytest.mark.parametrize(
    "tiff",
    [
        b"",
        b"II*\0",
        b"XX*\0" + bytes(30),
        _tiff("<", [], count=60_000),
        _tiff("<", [_entry("<", _ORIENTATION, 7, 6)]),
        b"II*\0\xff\xff\xff\xff" + bytes(20),
        b"MM\0*\x7f\xff\xff\xff" + bytes(20),
        _tiff("<", [_entry("<", _ORIENTATION, _SHORT, 6)])[:16],
    ],
    ids="empty mark order count kind offset far cut".split(),  # noqa: SIM905
)
def test_malformed_header_means_upright(tiff):
    assert _found(_file(_exif(tiff))) == 1


def test_count_beyond_the_segment_still_finds_the_entry():
    tiff = _tiff("<", [_entry("<", _ORIENTATION, _SHORT, 3)], count=5000)
    assert _found(_file(_exif(tiff))) == 3


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP", "WEBP"])
def test_other_formats_are_upright(form):
    file = io.BytesIO()
    Image.new("RGB", (4, 3)).save(file, form)
    assert _found(file.getvalue()) == 1


def test_pillow_files_are_read():
    header = Image.Exif()
    header[_ORIENTATION], header[0x010F] = 5, "a maker"
    file = io.BytesIO()
    Image.new("RGB", (4, 3)).save(file, "JPEG", exif=header)
    assert _found(file.getvalue()) == 5


_WHOLE = _file(
    _segment(0xE0, b"JFIF\0" + bytes(9)),
    _exif(_tiff("<", [_entry("<", _ORIENTATION, _SHORT, 6)])),
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(_WHOLE)), st.binary(max_size=12))
def test_any_bytes_give_an_orientation(at, junk):
    broken = _WHOLE[:at] + junk + _WHOLE[at + len(junk) :]
    assert 1 <= _found(broken) <= 8
    assert 1 <= _found(_WHOLE[:at]) <= 8


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=64))
def test_any_header_gives_an_orientation(junk):
    assert 1 <= _found(_file(_exif(b"II*\0\x08\0\0\0" + junk))) <= 8
    assert 1 <= _found(junk) <= 8
