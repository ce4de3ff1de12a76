"""Format and size of an image file from its first bytes, in the TensorFlow graph."""

import tensorflow as tf

FORMATS = ("png", "gif", "bmp", "webp")  # beside JPEG


def jpeg(contents: tf.Tensor) -> tf.Tensor:
    """Returns whether a file starts as JPEG does, bool."""
    return tf.strings.substr(contents, 0, 3) == b"\xff\xd8\xff"


def read(contents: tf.Tensor) -> tf.Tensor:
    """Returns the first 32 bytes of a file as int32 `[32]`, zeros behind its end."""
    head = tf.strings.substr(contents, 0, 32)
    return tf.cast(tf.io.decode_raw(head, tf.uint8, fixed_length=32), tf.int32)


def form(head: tf.Tensor) -> tf.Tensor:
    """Returns the place in `FORMATS` of a file that starts with `head`, int32.

    The bytes decide, never a file's name. Any other file has the number behind
    the last one.
    """
    tests = (
        _starts(head, b"\x89PNG\r\n\x1a\n"),
        _starts(head, b"GIF8"),
        _starts(head, b"BM"),
        _starts(head, b"RIFF") & _starts(head[8:], b"WEBP"),
        True,
    )
    return tf.argmax(tf.stack(tests), output_type=tf.int32)


def size(head: tf.Tensor) -> tf.Tensor:
    """Returns height and width that the header states, int32 `[2]`.

    Args:
      head: What `read` gave for a file of one of `FORMATS`.
    """
    big, little = [24, 16, 8, 0], [0, 8, 16, 24]
    branches = (
        lambda: _pair(head[20:24], head[16:20], big),
        lambda: _pair(head[8:10], head[6:8], little[:2]),
        lambda: tf.abs(_pair(head[22:26], head[18:22], little)),
        lambda: _webp(head),
    )
    return tf.switch_case(form(head), branches)


def webp_alpha(head: tf.Tensor) -> tf.Tensor:
    """Returns whether a WebP file stores transparency, bool.

    Source: RFC 9649, sections 2.7 (VP8X flags) and 3.4 (VP8L alpha_is_used).
    """
    flag = tf.where(_starts(head[12:], b"VP8L"), head[24], head[20]) & 0x10
    return (flag > 0) & tf.logical_not(_starts(head[12:], b"VP8 "))


def _webp(head: tf.Tensor) -> tf.Tensor:
    """Source: RFC 9649, sections 2.5 to 2.7; RFC 6386, section 9.1."""
    plain = _pair(head[28:30], head[26:28], [0, 8]) & 0x3FFF
    packed = _pair(head[21:25], head[21:25], [0, 8, 16, 24])
    packed = tf.bitwise.right_shift(packed, [14, 0]) & 0x3FFF
    wide = _pair(head[27:30], head[24:27], [0, 8, 16])
    lossless = tf.where(_starts(head[12:], b"VP8L"), packed + 1, wide + 1)
    return tf.where(_starts(head[12:], b"VP8 "), plain, lossless)


def _pair(height: tf.Tensor, width: tf.Tensor, shifts: list[int]) -> tf.Tensor:
    shifted = tf.bitwise.left_shift(tf.stack([height, width]), shifts)
    return tf.reduce_sum(shifted, -1)


def _starts(head: tf.Tensor, text: bytes) -> tf.Tensor:
    return tf.reduce_all(head[: len(text)] == list(text))
