"""EXIF orientation of JPEG files, read and applied in the TensorFlow graph."""

import tensorflow as tf

_TAG, _SHORT = 0x0112, 3  # EXIF 2.3, table 4: Orientation, one SHORT
_APP0, _APP15, _COMMENT, _FILL = 0xE0, 0xEF, 0xFE, 0xFF  # markers' second bytes
_LENGTH = [0, 0, 255, 255, 0, 0, 0, 0, 0, 0]  # hides the two bytes of the length
_EXIF = list(b"\xff\xe1\xff\xffExif\0\0")


def orientation(contents: tf.Tensor) -> tf.Tensor:
    """Returns how a JPEG file says that it must be turned, int32 scalar 1..8.

    Args:
      contents: Bytes of one file, string scalar.

    Returns:
      The Orientation of the first EXIF segment ahead of the tables and the
      frame; 1 (upright) where there is none, where it is malformed or out of
      1..8, and for files that are not JPEG.

    Source:
      JPEG segments: ITU-T T.81, annex B; TIFF directory: EXIF 2.3, section 4.6.
    """
    data = tf.io.decode_raw(contents, tf.uint8)
    jpeg = tf.strings.substr(contents, 0, 2) == b"\xff\xd8"
    start, end = _segment(data, tf.where(jpeg, 2, 0))
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


def _segment(data: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Start and end of the TIFF part of the first EXIF segment; 0, 0 if none.

    Args:
      data: Bytes of the file, uint8 `[n]`.
      first: Place of the first marker; 0 to find nothing.
    """
    size = tf.size(data)

    def searching(place, start, end):
        return (start == 0) & (place > 0) & (place + 10 <= size)

    def step(place, start, end):
        head = tf.cast(data[place : place + 10], tf.int32)
        behind = place + 2 + head[2] * 256 + head[3]
        exif = tf.reduce_all((head | _LENGTH) == _EXIF)
        start = tf.where(exif, place + 10, 0)
        return _next(head, place, behind), start, tf.minimum(behind, size)

    zero = tf.constant(0)
    _, start, end = tf.while_loop(searching, step, (first, zero, zero))
    return start, end


def _next(head: tf.Tensor, place: tf.Tensor, behind: tf.Tensor) -> tf.Tensor:
    """Place of the next marker; 0 where what stands here ends the search."""
    kind = head[1]
    more = ((kind >= _APP0) & (kind <= _APP15)) | (kind == _COMMENT)
    go = tf.where(kind == _FILL, place + 1, tf.where(more, behind, 0))
    return tf.where(head[0] == _FILL, go, 0)


def _directory(data: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """The Orientation entry of the directory at `start`; 0 if there is none."""
    part = tf.cast(data[start:end], tf.int32)
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
