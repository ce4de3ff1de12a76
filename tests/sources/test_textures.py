"""Drawn textures: the same everywhere, and told by the pattern alone."""

import hashlib
import pathlib

import numpy as np
import pytest
from PIL import Image
from sklearn import linear_model

from tltf import errors
from tltf.sources import _textures_patterns as patterns
from tltf.sources import _textures_scene as scene
from tltf.sources import textures


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def table(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLTF_HOME", str(home))
        return textures.load("", side=32, per_class=(12, 1, 6))


def _split(table, name):
    return np.flatnonzero(table.splits == name)


def test_every_class_has_the_asked_number_in_every_split(table):
    assert table.classes == tuple(sorted(patterns.PATTERNS))
    assert len(table.classes) == 10
    for split, count in {"train": 12, "valid": 1, "test": 6}.items():
        counts = np.bincount(table.labels[_split(table, split)], minlength=10)
        np.testing.assert_array_equal(counts, count)


def test_files_have_the_side_and_their_class_folder(table):
    for path, label in zip(table.values[::17], table.labels[::17], strict=True):
        with Image.open(path) as picture:
            assert picture.size == (32, 32)
        assert pathlib.Path(path).parent.name == table.classes[label]


def test_no_two_files_are_equal(table):
    digests = {
        hashlib.sha256(pathlib.Path(p).read_bytes()).digest() for p in table.values
    }
    assert len(digests) == len(table)


def test_second_load_draws_nothing(table, home, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(home))
    monkeypatch.setattr(scene, "photograph", None)
    again = textures.load("", side=32, per_class=[12, 1, 6])
    np.testing.assert_array_equal(again.ids, table.ids)


def test_a_longer_set_begins_with_the_shorter_one(table, home, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(home))
    more = textures.load("", side=32, per_class=(2, 1, 0))
    short = dict(zip(more.ids, more.values, strict=True))
    long = dict(zip(table.ids, table.values, strict=True))
    for name, path in short.items():
        assert pathlib.Path(path).read_bytes() == pathlib.Path(long[name]).read_bytes()


@pytest.mark.parametrize("name", patterns.PATTERNS)
def test_one_key_repeats_and_another_differs(name):
    one, again, other = (
        scene.photograph(name, 48, key).astype(float)
        for key in ((1, 0, 3), (1, 0, 3), (1, 0, 4))
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).mean() > 5


def test_larger_side_shows_the_same_scene():
    likeness = []
    for key in range(8):
        small = scene.photograph("dotted", 48, (1, key))
        large = Image.fromarray(scene.photograph("dotted", 192, (1, key)))
        shrunk = np.asarray(large.resize((48, 48), Image.Resampling.BOX), float)
        likeness.append(np.corrcoef(small.ravel(), shrunk.ravel())[0, 1])
    assert np.median(likeness) > 0.9


def _histogram(path):
    with Image.open(path) as picture:
        pixels = np.asarray(picture).astype(int) // 64
    codes = pixels @ [16, 4, 1]
    return np.bincount(codes.ravel(), minlength=64) / codes.size


def test_colors_do_not_give_the_class_away(table):
    features = np.stack([_histogram(path) for path in table.values])
    train, test = _split(table, "train"), _split(table, "test")
    fitted = linear_model.LogisticRegression(C=10, max_iter=1000)
    fitted.fit(features[train], table.labels[train])
    right = fitted.score(features[test], table.labels[test])
    assert right < 0.25  # chance is 0.1, with a deviation of 0.04 on 60 images


def _flat(name, seed, size=192, periods=6):
    """The first ink of a pattern on the flat plane."""
    axis = (np.arange(size) + 0.5) / size * periods
    v, u = np.meshgrid(axis, axis, indexing="ij")
    rng = np.random.default_rng(seed)
    return patterns.PATTERNS[name](u, v, 1.5 * periods / size, rng)


def _coherence(ink):
    """How far one direction rules the gradients, 0..1 (structure tensor)."""
    dy, dx = np.gradient(ink)
    xx, yy, xy = (dx * dx).sum(), (dy * dy).sum(), (dx * dy).sum()
    return np.hypot(xx - yy, 2 * xy) / (xx + yy)


@pytest.mark.parametrize("seed", range(5))
def test_stripes_have_one_direction_and_dots_have_none(seed):
    assert _coherence(_flat("striped", seed).inks[0]) > 0.99
    assert _coherence(_flat("dotted", seed).inks[0]) < 0.2


def test_houndstooth_covers_half_and_repeats():
    ink = _flat("houndstooth", 0, size=192, periods=6).inks[0]
    assert abs(ink.mean() - 0.5) < 0.01
    period = 64  # two units, of 32 pixels each
    np.testing.assert_allclose(ink[:, :-period], ink[:, period:], atol=1e-6)


@pytest.mark.parametrize("name", patterns.PATTERNS)
def test_inks_are_coverages(name):
    for seed in range(4):
        for ink in _flat(name, seed).inks:
            assert ink.min() >= 0 and ink.max() <= 1 + 1e-6


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"side": 8}, "side"),
        ({"side": 224.0}, "side"),
        ({"side": True}, "side"),
        ({"seed": -1}, "seed"),
        ({"per_class": (0, 1, 1)}, "per_class"),
        ({"per_class": (5, 5)}, "per_class"),
        ({"per_class": 20}, "per_class"),
        ({"per_class": (20, 10, 10**6)}, "per_class"),
    ],
)
def test_wrong_options_are_named(options, field):
    with pytest.raises(errors.UserError, match=f"data.options.{field}"):
        textures.load("", **options)


def test_an_argument_is_refused():
    with pytest.raises(errors.UserError, match="takes no argument, got 'x'"):
        textures.load("x")


def test_failed_drawing_leaves_nothing_behind(tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setenv("TLTF_HOME", str(tmp_path))
    monkeypatch.setattr(scene, "photograph", broken)
    with pytest.raises(ZeroDivisionError):
        textures.load("", side=32, per_class=(1, 0, 0))
    assert not any((tmp_path / "datasets" / "textures").iterdir())


def test_unwritable_cache_is_named(tmp_path, monkeypatch):
    (tmp_path / "datasets").write_text("a file where a folder should be")
    monkeypatch.setenv("TLTF_HOME", str(tmp_path))
    with pytest.raises(errors.UserError, match="set TLTF_HOME"):
        textures.load("", side=32, per_class=(1, 0, 0))


def test_a_faster_process_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path))
    draw, inside = scene.photograph, []

    def slow(name, side, key):
        if not inside:
            inside.append(True)
            textures.load("", side=32, per_class=(1, 0, 0))
        return draw(name, side, key)

    monkeypatch.setattr(scene, "photograph", slow)
    assert len(textures.load("", side=32, per_class=(1, 0, 0))) == 10
    assert len(list((tmp_path / "datasets" / "textures").iterdir())) == 1
