"""EXIF orientation of JPEG files, read and applied in the TensorFlow graph."""

import tensorflow as tf

_TAG, _SHORT = 0x0112, 3  # EXIF 2.3, table 4: Orientation, one SHORT
# Ten bytes from a marker on, as five big-endian numbers: marker, length, "Exif\0\0"
_EXIF = (0xFFE1, 0xFFFF, 0x4578, 0x6966, 0x0000)
_ANY_LENGTH = (0, 0xFFFF, 0, 0, 0)
_APP0, _APP15, _COMMENT, _FILL = 0xFFE0, 0xFFEF, 0xFFFE, 0xFFFF


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
    place, found = _segment(contents)
    found = tf.cond(found, lambda: _directory(contents, place), lambda: 1)
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


def _segment(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Place of the first EXIF segment, and whether there is one."""
    size = tf.strings.length(contents)

    def step(place, go, found):
        words = _words(contents, tf.minimum(place, size))
        marker = words[0]
        found = tf.reduce_all((words | _ANY_LENGTH) == _EXIF)
        other = ((marker >= _APP0) & (marker <= _APP15)) | (marker == _COMMENT)
        fill = marker == _FILL
        length = tf.where(fill, 1, 2 + words[1])
        behind = place + tf.where(found, 0, length)
        return behind, (other | fill) & tf.logical_not(found), found

    jpeg = tf.strings.substr(contents, 0, 2) == b"\xff\xd8"
    start = (tf.constant(2), jpeg, tf.constant(False))
    place, _, found = tf.while_loop(lambda place, go, found: go, step, start)
    return place, found


def _words(contents: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Five big-endian numbers of two bytes, zeros behind the end, int32 `[5]`."""
    text = tf.strings.substr(contents, place, 10)
    words = tf.io.decode_raw(text, tf.uint16, little_endian=False, fixed_length=10)
    return tf.cast(words, tf.int32)


def _directory(contents: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """The Orientation entry of the EXIF segment at `place`; 0 if there is none."""
    length = _words(contents, place)[1] - 8
    # a file may be cut right behind the segment's head
    start = tf.minimum(place + 10, tf.strings.length(contents))
    text = tf.strings.substr(contents, start, tf.maximum(length, 0))
    part = tf.cast(tf.io.decode_raw(text, tf.uint8), tf.int32)
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
