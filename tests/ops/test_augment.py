"""Random changes of images: seeds, statistics, labels and Pillow's values."""

import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from tltf import specs
from tltf.ops import augment, randaugment, warps


def _picture(seed=0, height=40, width=56):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def _all(**changes):
    values = {"crop": 0.3, "flip": True, "color": 0.3, "rotate": 15, "randaugment": 3}
    return specs.Augment(**(values | changes))


def test_one_seed_repeats_and_two_seeds_differ():
    one, again, other = (
        augment.image(_picture(), seed, side=24, augment=_all()).numpy()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).mean() > 1


def test_graph_gives_what_eager_gives():
    graph = tf.function(lambda i, s: augment.image(i, s, side=24, augment=_all()))
    picture = tf.constant(_picture())
    for number in range(12):
        seed = tf.constant([number, 5])
        eager = augment.image(picture, seed, side=24, augment=_all())
        np.testing.assert_allclose(graph(picture, seed), eager, atol=2e-3)


def test_values_stay_in_range_for_every_operation():
    for seed in range(30):
        changed = augment.image(
            _picture(seed), [seed, 0], side=20, augment=_all(magnitude=10.0)
        ).numpy()
        assert changed.shape == (20, 20, 3)
        assert changed.min() >= 0 and changed.max() <= 255


def test_nothing_on_equals_plain_resize():
    off = types.SimpleNamespace(
        crop=None, flip=False, color=0, rotate=0, randaugment=0, magnitude=9
    )
    square = _picture(height=24, width=24)
    same = augment.image(square, [0, 0], side=24, augment=off, margin=1.0)
    np.testing.assert_array_equal(same, square)


def test_flip_mirrors_half_of_the_time():
    only = _all(crop=None, color=0, rotate=0, randaugment=0)
    square = tf.constant(_picture(height=16, width=16))
    graph = tf.function(
        lambda seed: augment.image(square, seed, side=16, augment=only, margin=1.0)
    )
    mirrored = 0
    for seed in range(200):
        got = graph(tf.constant([seed, 1])).numpy()
        if np.array_equal(got, square.numpy()[:, ::-1]):
            mirrored += 1
        else:
            np.testing.assert_array_equal(got, square)
    assert 75 < mirrored < 125  # within 3.5 standard deviations


def test_crop_area_and_aspect_are_uniform():
    draw = tf.function(lambda s: augment.window(tf.constant([600, 600]), s, least=0.2))
    windows = np.array([draw(tf.constant([s, 3])) for s in range(800)])
    top, left, height, width = windows.T
    assert (windows[:, :2] >= 0).all()
    assert (top + height <= 600).all() and (left + width <= 600).all()
    area = height * width / 600**2
    assert area.min() > 0.195
    # near area 1 some aspects do not fit, so only the lower part is uniform
    low = area[area < 0.7]
    assert abs(np.mean(low) - 0.45) < 0.025
    aspect = np.log(width / height)
    assert np.abs(aspect).max() < np.log(4 / 3) + 0.01
    assert abs(aspect.mean()) < 0.03


def test_crop_that_never_fits_takes_the_centre():
    top, left, height, width = augment.window(
        tf.constant([20, 400]), [0, 0], least=0.9
    ).numpy()
    assert (top, height) == (0, 20)
    assert width == round(20 * 4 / 3)
    assert left == (400 - width) // 2


def test_color_jitter_has_the_given_radius():
    gray = tf.fill([8, 8, 3], 100.0)
    only = _all(crop=None, flip=False, rotate=0, randaugment=0, color=0.2)
    graph = tf.function(lambda s: augment.image(gray, s, side=8, augment=only))
    means = np.array([graph(tf.constant([s, 0])).numpy().mean() for s in range(100)])
    assert means.min() >= 79.9 and means.max() <= 120.1
    assert means.std() > 8  # a uniform radius of 20 has 11.5


def test_rotation_by_a_quarter_equals_pillow():
    square = _picture(height=31, width=31)
    turned = warps.rotated(tf.cast(square, tf.float32), np.float32(np.pi / 2))
    want = np.asarray(Image.fromarray(square).rotate(90))
    np.testing.assert_allclose(turned, want, atol=0.1)


def test_move_shifts_by_a_share_of_the_side():
    square = tf.cast(_picture(height=20, width=40), tf.float32)
    got = warps.moved(square, tf.constant(0.25), tf.constant(0.5)).numpy()
    np.testing.assert_allclose(got[10:, 10:], square[:10, :30], atol=1e-3)


def _pillow_equal(ours, theirs, tolerance):
    image = _picture(3)
    got = ours(tf.cast(image, tf.float32)).numpy()
    want = np.asarray(theirs(Image.fromarray(image))).astype(np.float32)
    np.testing.assert_allclose(got, want, atol=tolerance)


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance"),
    [
        (lambda i: randaugment.autocontrast(i), ImageOps.autocontrast, 1.0),
        (lambda i: randaugment.equalize(i), ImageOps.equalize, 0),
        (lambda i: randaugment.posterize(i, 5), lambda i: ImageOps.posterize(i, 5), 0),
        (
            lambda i: randaugment.solarize(i, 90.0),
            lambda i: ImageOps.solarize(i, 90),
            0,
        ),
        (
            lambda i: randaugment.brightness(i, 1.6),
            lambda i: ImageEnhance.Brightness(i).enhance(1.6),
            1.0,
        ),
        (
            lambda i: randaugment.contrast(i, 0.4),
            lambda i: ImageEnhance.Contrast(i).enhance(0.4),
            1.5,
        ),
        (
            lambda i: randaugment.saturation(i, 1.7),
            lambda i: ImageEnhance.Color(i).enhance(1.7),
            1.5,
        ),
        (
            lambda i: randaugment.sharpness(i, 1.8),
            lambda i: ImageEnhance.Sharpness(i).enhance(1.8),
            1.5,
        ),
    ],
    ids=[
        "autocontrast",
        "equalize",
        "posterize",
        "solarize",
        "brightness",
        "contrast",
        "color",
        "sharp",
    ],
)
def test_operation_equals_pillow(ours, theirs, tolerance):
    _pillow_equal(ours, theirs, tolerance)


@pytest.mark.parametrize("name", [n for n in randaugment.OPERATIONS if n != "identity"])
def test_every_operation_changes_the_image(name):
    image = tf.cast(_picture(4) // 2 + 30, tf.float32)
    changed = randaugment.OPERATIONS[name](image, tf.constant(0.9))
    assert np.abs(changed - image).mean() > 0.2


def _batch(count=64):
    """Record i has pixels i and class i, so that pixels tell the shares."""
    pixels = np.arange(count, dtype=np.float32)
    images = np.broadcast_to(pixels[:, None, None, None], (count, 16, 16, 3))
    return tf.constant(images), tf.eye(count)


def test_mixup_weighs_targets_as_it_weighs_pixels():
    images, targets = _batch()
    mixed, weights = augment.mix(images, targets, [3, 4], mixup=0.4, cutmix=0.0)
    np.testing.assert_allclose(np.sum(weights, -1), 1, atol=1e-5)
    expected = np.asarray(weights) @ np.arange(64)
    np.testing.assert_allclose(mixed[:, 0, 0, 0], expected, atol=1e-3)
    assert np.unique(mixed[:, 0, 0, 0]).size > 32


def test_mixup_shares_follow_the_beta_distribution():
    images, targets = _batch(512)
    _, weights = augment.mix(images, targets, [3, 4], mixup=0.5, cutmix=0.0)
    shares = np.diag(weights.numpy())
    assert abs(shares.mean() - 0.5) < 0.06
    assert abs(shares.var() - 0.125) < 0.02  # 1 / (4 (2 alpha + 1))


def test_cutmix_weighs_targets_by_area():
    images, targets = _batch()
    mixed, weights = augment.mix(images, targets, [3, 4], mixup=0.0, cutmix=1.0)
    own = np.arange(64)[:, None, None]
    area = (mixed.numpy()[..., 0] == own).mean((1, 2))
    paired = np.diag(weights.numpy()) < 1
    np.testing.assert_allclose(np.diag(weights)[paired], area[paired], atol=1e-6)
    assert paired.sum() > 32
    for image in mixed.numpy()[..., 0]:
        assert len(np.unique(image)) <= 2


def test_both_mixes_alternate_between_batches():
    images, targets = _batch(32)
    graph = tf.function(
        lambda s: augment.mix(images, targets, s, mixup=1.0, cutmix=1.0)
    )
    flat = 0
    for seed in range(40):
        mixed = graph(tf.constant([seed, 0]))[0].numpy()
        flat += all(len(np.unique(image)) == 1 for image in mixed)
    assert 8 < flat < 32


def test_mix_off_changes_nothing():
    images, targets = _batch(4)
    mixed, weights = augment.mix(images, targets, [0, 0], mixup=0.0, cutmix=0.0)
    np.testing.assert_array_equal(mixed, images)
    np.testing.assert_array_equal(weights, targets)
