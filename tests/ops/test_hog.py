"""HOG descriptors: size, order, meaning, errors."""

import sys

import numpy as np
import pytest
from PIL import Image
from skimage import feature

from tltf import errors
from tltf.ops import hog


def _save(folder, name, pixels, **options):
    path = folder / name
    Image.fromarray(pixels).save(path, **options)
    return str(path)


def _noise(seed, height=70, width=50):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_the_published_window_gives_3780_numbers(tmp_path):
    path = _save(tmp_path, "a.png", _noise(0))
    assert hog.vectors([path], side=(128, 64)).shape == (1, 3780)


def test_vectors_equal_scikit_image_in_the_order_of_paths(tmp_path):
    paths = [_save(tmp_path, f"{k}.png", _noise(k, 32, 32)) for k in range(5)]
    got = hog.vectors(paths[::-1], side=32)
    for row, seed in enumerate(range(4, -1, -1)):
        want = feature.hog(
            np.sqrt(_noise(seed, 32, 32).astype(float)),  # the gamma, by hand
            cells_per_block=(2, 2),
            channel_axis=-1,
        )
        np.testing.assert_allclose(got[row], want, atol=1e-5)


def test_the_bin_of_an_edge_is_its_direction(tmp_path):
    upright = np.zeros((32, 32, 3), np.uint8)
    upright[:, 12:] = 255  # the gradient runs along x: angle 0
    across = upright.transpose(1, 0, 2)
    paths = [_save(tmp_path, n, p) for n, p in (("u.png", upright), ("a.png", across))]
    bins = hog.vectors(paths, side=32).reshape(2, -1, 9).sum(1)
    assert bins[0].argmax() == 0
    assert bins[1].argmax() == 4  # 80 to 100 degrees
    np.testing.assert_allclose(bins[0][1:], 0, atol=1e-6)


def test_files_are_turned_upright(tmp_path):
    pixels = np.repeat(np.repeat(_noise(3, 5, 8), 10, 0), 10, 1)
    header = Image.Exif()
    header[0x0112] = 6
    turned = np.rot90(pixels).copy()  # the camera stored it anticlockwise
    plain = _save(tmp_path, "plain.jpg", pixels, quality=100)
    stored = _save(tmp_path, "stored.jpg", turned, quality=100, exif=header)
    lying = _save(tmp_path, "lying.jpg", turned, quality=100)
    likeness = np.corrcoef(hog.vectors([plain, stored, lying], side=64))[0]
    assert likeness[1] > 0.95
    assert likeness[2] < 0.8


def test_gray_uses_luminance_alone(tmp_path):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :16] = (76, 76, 76)
    pixels[:, 16:] = (255, 0, 0)  # luminance 76: an edge in colour only
    path = _save(tmp_path, "a.png", pixels)
    assert hog.vectors([path], side=32, gray=True).max() == 0
    assert hog.vectors([path], side=32).max() > 0.1


def test_no_paths_give_no_rows():
    assert hog.vectors([], side=32).shape == (0, 324)


def test_a_broken_file_is_named(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(errors.UserError, match="broken.jpg: does not decode"):
        hog.vectors([str(path)])


def test_too_small_a_side_is_refused():
    with pytest.raises(errors.UserError, match="side 12 is below 16"):
        hog.vectors([], side=12)


def test_missing_scikit_image_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(errors.UserError, match=r'pip install "tltf\[hog\]"'):
        hog.vectors([])
