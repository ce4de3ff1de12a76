"""Decoding and resizing against Pillow, in the graph and out of it."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tltf.ops import exif, images


def _picture(width=90, height=60, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (5, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def _bytes(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _see_through():
    pixels = np.asarray(_picture().convert("RGBA")).copy()
    pixels[:, :30, 3], pixels[:, 30:60, 3] = 0, 100
    return Image.fromarray(pixels)


def _sixteen_bits():
    levels = np.asarray(_picture().convert("L")).astype(np.uint16)
    return Image.fromarray(levels * 256 + 17)


FILES = {
    "jpeg": _bytes(_picture(), "JPEG", quality=95),
    "progressive": _bytes(_picture(), "JPEG", progressive=True),
    "cmyk": _bytes(_picture().convert("CMYK"), "JPEG"),
    "gray_jpeg": _bytes(_picture().convert("L"), "JPEG"),
    "png": _bytes(_picture(), "PNG"),
    "gray_png": _bytes(_picture().convert("L"), "PNG"),
    "palette": _bytes(_picture().quantize(12), "PNG"),
    "one_bit": _bytes(_picture().convert("1"), "PNG"),
    "gif": _bytes(_picture().quantize(50), "GIF"),
    "bmp": _bytes(_picture(), "BMP"),
    "webp": _bytes(_picture(), "WEBP"),
    "webp_lossless": _bytes(_picture(), "WEBP", lossless=True),
}


@pytest.mark.parametrize("kind", FILES)
def test_decode_equals_pillow(kind):
    want = np.asarray(Image.open(io.BytesIO(FILES[kind])).convert("RGB"))
    np.testing.assert_array_equal(images.decode(FILES[kind]), want)


@pytest.mark.parametrize("kind", FILES)
def test_gray_equals_pillow_luminance(kind):
    want = Image.open(io.BytesIO(FILES[kind])).convert("RGB").convert("L")
    got = images.decode(FILES[kind], gray=True).numpy()
    assert got.shape[-1] == 3
    for channel in range(3):
        np.testing.assert_array_equal(got[..., channel], want)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_transparent_pixels_are_laid_on_white(form):
    picture = _see_through()
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    white = Image.new("RGBA", picture.size, "white")
    want = np.asarray(Image.alpha_composite(white, picture).convert("RGB"))
    got = images.decode(_bytes(picture, form, **options)).numpy()
    np.testing.assert_allclose(got.astype(int), want, atol=1)


def test_palette_transparency_is_laid_on_white():
    coded = _picture().quantize(12)
    contents = _bytes(coded, "PNG", transparency=0)
    hidden = np.asarray(coded) == 0
    assert hidden.any()
    got = images.decode(contents).numpy()
    assert (got[hidden] == 255).all()
    want = np.asarray(coded.convert("RGB"))
    np.testing.assert_array_equal(got[~hidden], want[~hidden])


def test_sixteen_bits_keep_the_high_byte():
    picture = _sixteen_bits()
    got = images.decode(_bytes(picture, "PNG")).numpy()
    np.testing.assert_array_equal(got[..., 0], np.asarray(picture) // 256)


def test_animation_gives_its_first_frame():
    frames = [_picture(seed=k).quantize(50) for k in range(3)]
    contents = _bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(images.decode(contents), frames[0].convert("RGB"))


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_equals_pillow(turn):
    header = Image.Exif()
    header[0x0112] = turn
    contents = _bytes(_picture(57, 40), "JPEG", exif=header)
    want = ImageOps.exif_transpose(Image.open(io.BytesIO(contents)))
    np.testing.assert_array_equal(images.decode(contents), want)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_load_turns_as_decode_does(turn, fit):
    header = Image.Exif()
    header[0x0112] = turn
    contents = _bytes(_picture(57, 40), "JPEG", exif=header, quality=95)
    got = images.load(contents, side=33, fit=fit)
    want = images.resize(images.decode(contents), side=33, fit=fit, margin=0.875)
    np.testing.assert_allclose(got, want, atol=0.01)


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
@pytest.mark.parametrize("side", [24, 40, 100])
@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "webp"])
def test_load_is_resize_of_decode(kind, side, fit):
    got = images.load(FILES[kind], side=side, fit=fit, margin=0.8)
    want = images.resize(images.decode(FILES[kind]), side=side, fit=fit, margin=0.8)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
@pytest.mark.parametrize("ratio", [2, 4, 8])
def test_scaled_decoding_is_near_full_decoding(ratio, fit):
    contents = _bytes(_picture(1000, 720), "JPEG", quality=92)
    side = {2: 300, 4: 150, 8: 75}[ratio]
    got = images.load(contents, side=side, fit=fit)
    want = images.resize(images.decode(contents), side=side, fit=fit, margin=0.875)
    difference = np.abs(got - want)
    assert difference.mean() < 1.0
    assert difference.max() < 12


def test_shrinking_is_the_mean_over_each_area():
    picture = np.random.default_rng(0).integers(0, 256, (12, 18, 3), dtype=np.uint8)
    got = images.resize(picture, side=6, fit="stretch", margin=1)
    want = picture.reshape(6, 2, 6, 3, 3).mean((1, 3))
    np.testing.assert_allclose(got, want, atol=1e-3)


@pytest.mark.parametrize("side", [31, 50])
def test_shrinking_is_near_pillow(side):
    picture = _picture(160, 120)
    got = images.resize(np.asarray(picture), side=side, fit="stretch", margin=1)
    for filter_ in (Image.Resampling.BOX, Image.Resampling.BILINEAR):
        want = np.asarray(picture.resize((side, side), filter_), np.float32)
        assert np.abs(got - want).mean() < 3


def test_enlarging_equals_pillow_bilinear():
    picture = _picture(20, 14)
    got = images.resize(np.asarray(picture), side=50, fit="stretch", margin=1)
    want = np.asarray(picture.resize((50, 50), Image.Resampling.BILINEAR), float)
    np.testing.assert_allclose(got, want, atol=1.0)  # Pillow rounds twice


def test_crop_keeps_the_centre():
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[5:35, 25:55] = 200  # what margin 0.75 keeps of 40, and nothing else
    got = images.resize(picture, side=15, fit="crop", margin=0.75).numpy()
    np.testing.assert_array_equal(got, 200)


def test_pad_adds_gray_borders_and_keeps_the_aspect():
    picture = np.full((20, 40, 3), 7, np.uint8)
    got = images.resize(picture, side=20, fit="pad", margin=1).numpy()
    np.testing.assert_array_equal(got[5:15], 7)
    np.testing.assert_array_equal(got[[0, 4, 15, 19]], 114)


def test_gray_load_is_luminance_on_all_channels():
    got = images.load(FILES["png"], side=30, fit="stretch", gray=True).numpy()
    gray = np.asarray(_picture().convert("L"))[..., None].repeat(3, -1)
    want = images.resize(gray, side=30, fit="stretch", margin=1)
    np.testing.assert_array_equal(got, want)


def _loaded(contents):
    return images.load(contents, side=24)


def test_load_is_the_same_in_every_way_of_calling():
    files = [FILES[k] for k in ("jpeg", "cmyk", "png", "gif", "bmp", "webp")]
    eager = np.stack([_loaded(contents) for contents in files])
    data = tf.data.Dataset.from_tensor_slices(files).map(_loaded, 2).batch(4)
    np.testing.assert_allclose(np.concatenate(list(data)), eager, atol=1e-3)
    spec = tf.TensorSpec([24, 24, 3])
    mapped = tf.map_fn(_loaded, tf.constant(files), fn_output_signature=spec)
    np.testing.assert_allclose(mapped, eager, atol=1e-3)


def test_load_survives_export(tmp_path):
    module = tf.Module()
    module.serve = tf.function(
        lambda contents: tf.map_fn(
            _loaded, contents, fn_output_signature=tf.TensorSpec([24, 24, 3])
        ),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    for kinds in (["jpeg"], ["png", "webp", "jpeg"]):
        files = [FILES[kind] for kind in kinds]
        want = np.stack([_loaded(contents) for contents in files])
        np.testing.assert_allclose(loaded.serve(files), want, atol=1e-3)


@pytest.mark.parametrize("call", [images.decode, _loaded])
@pytest.mark.parametrize("contents", [b"", b"GET / HTTP/1.1", b"%PDF-1.4 and so on"])
def test_other_files_are_refused_in_words(call, contents):
    with pytest.raises(tf.errors.InvalidArgumentError, match="not an image"):
        call(contents)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp_lossless", "bmp"])
def test_half_a_file_is_refused(kind):
    half = FILES[kind][: len(FILES[kind]) // 2]
    with pytest.raises(tf.errors.InvalidArgumentError):
        images.load(half, side=24)


def _claiming(kind, height, width):
    """A file whose header states another size than it has."""
    data = bytearray(FILES[kind])
    if kind == "png":
        data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    elif kind == "gif":
        data[6:10] = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    elif kind == "bmp":
        data[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    else:
        frame = data.index(b"\xff\xc0") + 5
        data[frame : frame + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(data)


@pytest.mark.parametrize("call", [images.decode, _loaded])
@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "bmp"])
def test_huge_images_are_refused_before_decoding(call, kind):
    with pytest.raises(tf.errors.InvalidArgumentError, match="over the limit"):
        call(_claiming(kind, 20_000, 20_000))


def test_png_of_overflowing_size_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError):
        images.decode(_claiming("png", 2**31 + 5, 2**31 + 5))


def test_palette_bmp_is_refused_rather_than_shown_in_wrong_colors():
    with pytest.raises(tf.errors.InvalidArgumentError, match="palette"):
        images.decode(_bytes(_picture().quantize(50), "BMP"))


def test_upright_of_one_is_the_image_itself():
    pixels = tf.constant(np.asarray(_picture()))
    np.testing.assert_array_equal(exif.upright(pixels, tf.constant(1)), pixels)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3)])
@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_thin_images_load(size, fit, form):
    contents = _bytes(Image.new("RGB", size, (200, 100, 50)), form, quality=100)
    got = images.load(contents, side=16, fit=fit, margin=0.1).numpy()
    assert np.isfinite(got).all()
    assert np.abs(got[7, 7] - [200, 100, 50]).max() < 4
