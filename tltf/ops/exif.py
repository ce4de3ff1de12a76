"""EXIF orientation of JPEG files, read and applied in the TensorFlow graph."""

import tensorflow as tf

_TAG, _SHORT = 0x0112, 3  # EXIF 2.3, table 4: Orientation, one SHORT
_START_OF_SCAN, _END_OF_IMAGE, _APP1 = 0xDA, 0xD9, 0xE1
_LONE = (0x01, *range(0xD0, 0xD9))  # markers without a length (ITU-T T.81, B.1.1.3)


def orientation(contents: tf.Tensor) -> tf.Tensor:
    """Returns how a JPEG file says that it must be turned, int32 scalar 1..8.

    Args:
      contents: Bytes of one file, string scalar.

    Returns:
      The Orientation of the first EXIF segment; 1 (upright) where there is
      none, where it is malformed or out of 1..8, and for files that are not JPEG.

    Source:
      JPEG segments: ITU-T T.81, annex B; TIFF directory: EXIF 2.3, section 4.6.
    """
    data = tf.cast(tf.io.decode_raw(contents, tf.uint8), tf.int32)
    start, end = _segment(data)
    found = tf.cond(start > 0, lambda: _directory(data, start, end), lambda: 1)
    return tf.where((found >= 1) & (found <= 8), found, 1)


def upright(image: tf.Tensor, turn: tf.Tensor) -> tf.Tensor:
    """Returns `image` `[h, w, channels]` turned as orientation `turn` asks.

    Equals `PIL.ImageOps.exif_transpose`: 5 to 8 swap height and width.
    """
    return tf.cond(turn == 1, lambda: image, lambda: _turned(image, turn))


def _turned(image: tf.Tensor, turn: tf.Tensor) -> tf.Tensor:
    image = tf.cond(turn >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    mirror = tf.reduce_any(turn == [2, 3, 6, 7])
    image = tf.cond(mirror, lambda: tf.reverse(image, [1]), lambda: image)
    flip = tf.reduce_any(turn == [3, 4, 7, 8])
    return tf.cond(flip, lambda: tf.reverse(image, [0]), lambda: image)


def _segment(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Start and end of the TIFF part of the first EXIF segment; 0, 0 if none."""
    size = tf.size(data)

    def searching(place, start, end):
        return (start == 0) & (place >= 2) & (place + 10 <= size)

    def step(place, start, end):
        head = data[place : place + 10]
        body = 2 + head[2] * 256 + head[3]
        exif = (head[1] == _APP1) & _equal(head[4:], b"Exif\0\0")
        start = tf.where((head[0] == 0xFF) & exif, place + 10, 0)
        end = tf.minimum(place + body, size)
        return place + _stride(head, body), start, end

    first = tf.where((size > 4) & _equal(data[:2], b"\xff\xd8"), 2, 0)
    zero = tf.constant(0)
    _, start, end = tf.while_loop(searching, step, (first, zero, zero))
    return start, end


def _stride(head: tf.Tensor, body: tf.Tensor) -> tf.Tensor:
    """Bytes to the next marker; far beyond the start where the walk must stop."""
    marker = head[1]
    stop = (head[0] != 0xFF) | (marker == _START_OF_SCAN) | (marker == _END_OF_IMAGE)
    stop |= (body < 4) | (marker == 0)
    short = tf.where(marker == 0xFF, 1, 2)  # a fill byte, or a marker alone
    alone = tf.reduce_any(marker == tf.constant((0xFF, *_LONE)))
    return tf.where(alone & (head[0] == 0xFF), short, tf.where(stop, -(2**30), body))


def _directory(data: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """The Orientation entry of the directory at `start`; 0 if there is none."""
    part = data[start:end]
    little = _equal(part[:4], b"II*\0")
    sound = (tf.size(part) >= 10) & (little | _equal(part[:4], b"MM\0*"))
    return tf.cond(sound, lambda: _entry(part, little), lambda: 0)


def _entry(part: tf.Tensor, little: tf.Tensor) -> tf.Tensor:
    size = tf.size(part)
    head = _number(part, tf.constant(4), 4, little)
    table = tf.where((head >= 8) & (head <= size - 2), head, size)
    room = tf.maximum(size - table - 2, 0) // 12
    count = tf.minimum(_number(part, table, 2, little), room)
    at = table + 2 + 12 * tf.range(count)
    tags, kinds = (_number(part, at + field, 2, little) for field in (0, 2))
    values = _number(part, at + 8, 2, little)
    hits = tf.boolean_mask(values, (tags == _TAG) & (kinds == _SHORT))
    return tf.concat([hits, [0]], 0)[0]


def _number(part: tf.Tensor, at: tf.Tensor, width: int, little: tf.Tensor) -> tf.Tensor:
    """Unsigned numbers of `width` bytes at `at`; past the end reads the last byte."""
    places = at[..., None] + tf.range(width)
    digits = tf.gather(part, tf.clip_by_value(places, 0, tf.size(part) - 1))
    powers = 8 * tf.range(width)
    powers = tf.where(little, powers, powers[::-1])
    # a number over 2**31 wraps to a negative one, which no check above accepts
    return tf.reduce_sum(tf.bitwise.left_shift(digits, powers), -1)


def _equal(data: tf.Tensor, text: bytes) -> tf.Tensor:
    want = tf.constant(list(text))
    same = tf.size(data) == len(text)
    return tf.cond(same, lambda: tf.reduce_all(data == want), lambda: False)
