"""Image files to pixels in the TensorFlow graph: one path for every use."""

from typing import Literal

import tensorflow as tf

from tltf.ops import exif, headers

Fit = Literal["crop", "stretch", "pad"]

PIXELS = 64_000_000  # a file that states more is refused before it is decoded
BORDER = (
    114.0  # of `pad`: Azure-Samples/MachineLearningSamples-ImageClassificationUsingCntk
)
_RATIOS = (1, 2, 4, 8)  # scales at which libjpeg decodes
# Autograph has nothing to convert here, and took longer than the tracing itself.


@tf.autograph.experimental.do_not_convert
def decode(contents: tf.Tensor, *, gray: bool = False) -> tf.Tensor:
    """Returns the pixels of one image file, uint8 `[h, w, 3]`, upright.

    JPEG (also CMYK and progressive), PNG, GIF (first frame), BMP and WebP are
    told by their bytes. Of 16-bit PNG the high byte is kept. Transparent
    pixels of PNG and WebP are laid on white, as on a web page. The EXIF
    orientation of JPEG is applied; that of PNG and WebP is not read.

    Args:
      contents: Bytes of one file, string scalar.
      gray: Whether to give ITU-R 601 luminance on all channels, rounded as
        `PIL.Image.convert("L")` does.

    Raises:
      InvalidArgumentError: The bytes are no image, a broken one, or state more
        than `PIXELS` pixels; animated or 16-bit BMP kinds TensorFlow lacks.
    """
    pixels = tf.cond(
        headers.jpeg(contents),
        lambda: _upright(contents, _colored(_whole(contents), gray)),
        lambda: _colored(_other(contents), gray),
    )
    return tf.ensure_shape(_three(pixels), [None, None, 3])


@tf.autograph.experimental.do_not_convert
def resize(image: tf.Tensor, *, side: int, fit: Fit, margin: float) -> tf.Tensor:
    """Returns `image` as a square, float32 `[side, side, 3]` in 0..255.

    Mean over the covered area where both axes shrink (OpenCV's INTER_AREA),
    else bilinear, with the filter widened on an axis that shrinks.

    Args:
      image: Pixels 0..255, uint8 or float `[h, w, 3]`.
      side: Pixels of the result.
      fit: `crop` keeps the centre square, to the nearest pixel on both ends;
        `stretch` changes the aspect; `pad` scales the longer side to
        `side` and adds grey borders of 114.
      margin: Share of the shorter side that `crop` keeps, in (0, 1].
    """
    image = tf.convert_to_tensor(image)
    image = _cut(image, lambda size: _bounds(size, fit, margin))
    frame = _frame(tf.shape(image)[:2], side, fit)
    return _bordered(_sampled(image, frame), side, fit)


@tf.autograph.experimental.do_not_convert
def load(
    contents: tf.Tensor,
    *,
    side: int,
    fit: Fit = "crop",
    margin: float = 0.875,
    gray: bool = False,
) -> tf.Tensor:
    """Returns one image file as the network sees it, float32 `[side, side, 3]`.

    The one function that training, featurizing and serving use. It stands for
    `resize(decode(contents))`, but of a JPEG only the part that `fit` keeps is
    decoded, at the smallest of libjpeg's scales 1, 1/2, 1/4, 1/8 that still
    has the needed size.

    Args:
      contents: Bytes of one file, string scalar.
      side: Pixels of the result.
      fit: See `resize`.
      margin: See `resize`.
      gray: See `decode`.

    Raises:
      InvalidArgumentError: As of `decode`.
    """

    def kept(size):
        return _bounds(size, fit, margin)

    def jpeg():
        size = _limited(tf.image.extract_jpeg_shape(contents)[:2])
        frame = _frame(size, side, fit)
        pixels = _colored(_part(contents, size, frame, kept), gray)
        # turned when small: every fit commutes with turns
        return _upright(contents, _sampled(pixels, frame))

    def other():
        pixels = _cut(_colored(_other(contents), gray), kept)
        return _sampled(pixels, _frame(tf.shape(pixels)[:2], side, fit))

    image = tf.cond(headers.jpeg(contents), jpeg, other)
    return _bordered(_three(image), side, fit)


def _upright(contents, image):
    return exif.upright(image, exif.orientation(contents))


def _limited(size):
    few = tf.debugging.Assert(
        tf.reduce_prod(tf.cast(size, tf.int64)) <= PIXELS,
        [f"image over the limit of {PIXELS} pixels; height and width", size],
    )
    with _after(few):
        return tf.identity(size)


def _after(operation: tf.Operation | None):
    return tf.control_dependencies([] if operation is None else [operation])


def _bounds(size, fit, margin):
    """Border `[2]` that the fit cuts off on both ends of each axis, pixels."""
    if fit != "crop":
        return tf.zeros([2], tf.int32)
    kept = margin * tf.cast(tf.reduce_min(size), tf.float32)
    border = tf.cast(tf.round((tf.cast(size, tf.float32) - kept) / 2), tf.int32)
    return tf.minimum(border, (size - 1) // 2)


def _cut(image, kept):
    size = tf.shape(image)[:2]
    (top, left), (bottom, right) = map(tf.unstack, (kept(size), size - kept(size)))
    return image[top:bottom, left:right]


def _frame(size, side, fit):
    """Size `[2]` to which an image of `size` is scaled, before borders."""
    if fit != "pad":
        return tf.constant([side, side])
    whole = tf.cast(size, tf.float32)
    exact = whole * (side / tf.reduce_max(whole))
    return tf.clip_by_value(tf.cast(tf.round(exact), tf.int32), 1, side)


def _sampled(image, frame):
    """Area mean where both axes shrink, else triangle filter."""
    size = tf.shape(image)[:2]

    def shrunk():  # 0.35 ms, where ScaleAndTranslate took 1.1 ms
        return tf.raw_ops.ResizeArea(images=image[None], size=frame)[0]

    def scaled():
        return tf.raw_ops.ScaleAndTranslate(
            images=image[None],
            size=frame,
            scale=tf.cast(frame, tf.float32) / tf.cast(size, tf.float32),
            translation=tf.zeros([2]),
            kernel_type="triangle",
            antialias=True,
        )[0]

    return tf.cond(tf.reduce_all(frame <= size), shrunk, scaled)


def _bordered(image, side, fit):
    if fit == "pad":
        free = side - tf.shape(image)[:2]
        edges = tf.stack([free // 2, free - free // 2], 1)  # [axis, end]
        edges = tf.concat([edges, [[0, 0]]], 0)
        image = tf.pad(image, edges, constant_values=BORDER)
    return tf.ensure_shape(image, [side, side, 3])


def _part(contents, size, frame, kept):
    """The pixels of a JPEG that the frame shows, at the smallest sound scale.

    Args:
      kept: Function from a size `[2]` to the border `[2]` to cut off.
    """
    inner = size - 2 * kept(size)
    larger = tf.constant(_RATIOS[1:])[:, None]
    fits = tf.reduce_all(frame * larger <= inner, -1)
    place = tf.reduce_sum(tf.cast(fits, tf.int32))
    ratio = tf.gather(tf.constant(_RATIOS), place)
    most = (size + ratio - 1) // ratio  # as libjpeg rounds
    border = kept(most)
    top, left = tf.unstack(border)
    height, width = tf.unstack(most - 2 * border)
    # colour is spread from the pixels beside, which a crop would lack
    halo = tf.minimum(left, 2)
    window = tf.stack([top, left - halo, height, width + 2 * halo])
    pixels = tf.switch_case(place, [_scaled(contents, window, r) for r in _RATIOS])
    return pixels[:, halo : halo + width]


def _scaled(contents, window, ratio):
    # the accurate transform gives Pillow's pixels, and cost 0.1 ms more of 1.2
    return lambda: tf.io.decode_and_crop_jpeg(
        contents, window, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE"
    )


def _whole(contents):
    size = _limited(tf.image.extract_jpeg_shape(contents)[:2])
    with tf.control_dependencies([size]):
        return tf.io.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE")


def _other(contents):
    """Pixels of a file that is not JPEG."""
    head = headers.read(contents)
    form = headers.form(head)
    known = tf.debugging.Assert(
        form < len(headers.FORMATS),
        ["not an image: neither JPEG, PNG, GIF, BMP nor WebP; first bytes", head[:4]],
    )
    with _after(known):
        size = _limited(headers.size(head))
    branches = (
        lambda: _on_white(tf.io.decode_png(contents, channels=4), bits=head[24]),
        lambda: tf.io.decode_image(contents, channels=3, expand_animations=False),
        lambda: _bmp(contents, head),
        lambda: _webp(contents, head),
    )
    with tf.control_dependencies([size]):
        return tf.switch_case(form, branches)


def _bmp(contents, head):
    """BMP of 24 or 32 bits; TensorFlow reads others, but without their palette."""
    bits = head[28]
    sound = tf.debugging.Assert(
        (bits == 24) | (bits == 32), ["BMP with a palette or 16 bits; bits", bits]
    )
    with _after(sound):
        return tf.io.decode_image(contents, channels=3, expand_animations=False)


def _webp(contents, head):
    return tf.cond(
        headers.webp_alpha(head),
        lambda: _on_white(tf.io.decode_webp(contents, channels=4)[0]),
        lambda: tf.io.decode_webp(contents, channels=3)[0],
    )


def _on_white(image, bits=8):
    color, alpha = image[..., :3], image[..., 3:]
    # TensorFlow fills the alpha that a PNG of 1, 2 or 4 bits lacks with 2**bits - 1
    full = tf.bitwise.left_shift(1, tf.minimum(bits, 8)) - 1
    low, high = (tf.cast(f(alpha), tf.int32) for f in (tf.reduce_min, tf.reduce_max))
    opaque = (low == 255) | ((low == full) & (high == full))
    return tf.cond(opaque, lambda: color, lambda: _blended(color, alpha))


def _blended(color, alpha):
    color, alpha = tf.cast(color, tf.int32), tf.cast(alpha, tf.int32)
    return tf.cast((color * alpha + 255 * (255 - alpha) + 127) // 255, tf.uint8)


def _colored(image, gray):
    """`image`, or its luminance `[h, w, 1]` in PIL's 16-bit arithmetic."""
    if not gray:
        return image
    parts = tf.cast(image, tf.int32) * [19595, 38470, 7471]
    total = tf.reduce_sum(parts, -1, keepdims=True) + 0x8000
    return tf.cast(tf.bitwise.right_shift(total, 16), tf.uint8)


def _three(image):
    return tf.tile(image, [1, 1, 3]) if image.shape[-1] == 1 else image
