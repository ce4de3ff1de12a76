"""Features equal the encoder's own, are computed once, and bad files are named."""

import dataclasses
import logging
import pathlib
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from tltf import errors, registry, specs
from tltf.backbones import plain
from tltf.data import cache, digests, features, forward, pixels
from tltf.ops import images

SIDE = 32

# keras/src/backend/tensorflow/core.py:172 has NumPy 1's form of __array__
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    return plain.build(plain.VARIANTS["tiny"])


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    made = []
    for i in range(7):
        small = random.integers(0, 255, (6, 5 + i, 3), dtype=np.uint8)
        made.append(str(folder / f"{i}.jpg"))
        Image.fromarray(small).resize((60, 50)).save(made[-1])
    return made


def frozen(encoder, **changes):
    digest = features.weights_digest(encoder)
    return features.Frozen(encoder, "plain/tiny", digest, **changes)


def preprocess(**changes):
    return features.Preprocess(SIDE, **changes)


def extract(encoder, paths, prepared=None, **options):
    files = list(zip(paths, digests.sha256(paths), strict=True))
    return features.extract(frozen(encoder), files, prepared or preprocess(), **options)


def expected(encoder, paths, **options):
    made = [
        images.load(pathlib.Path(path).read_bytes(), side=SIDE, **options).numpy()
        for path in paths
    ]
    return encoder({"image": np.stack(made)})["vector"].numpy()


def test_vectors_are_the_encoders_own_also_in_a_short_last_batch(encoder, paths):
    got = features.vectors(
        frozen(encoder), paths, digests.sha256(paths), preprocess(), batch=3
    )
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected(encoder, paths), atol=1e-4)


def test_preprocessing_reaches_the_images(encoder, paths):
    plainly = extract(encoder, paths).vectors
    other = extract(encoder, paths, preprocess(fit="pad", gray=True))
    want = expected(encoder, paths, fit="pad", gray=True)
    np.testing.assert_allclose(other.vectors, want, atol=1e-4)
    assert np.abs(other.vectors - plainly).max() > 1e-3


@pytest.mark.parametrize(
    "change",
    [{"side": 33}, {"fit": "pad"}, {"gray": True}, {"margin": 0.5}],
    ids=str,
)
def test_each_choice_of_preprocessing_is_in_the_key(change):
    other = dataclasses.replace(preprocess(), **change)
    assert pixels.about(other) != pixels.about(preprocess())


def test_the_margin_counts_for_crops_only():
    narrow, wide = (preprocess(fit="pad", margin=m) for m in (0.5, 0.7))
    assert pixels.about(narrow) == pixels.about(wide)


def test_a_second_call_runs_no_network(encoder, paths, monkeypatch):
    first = extract(encoder, paths).vectors
    monkeypatch.setattr(forward, "compile", lambda *_, **__: pytest.fail("it ran"))
    np.testing.assert_array_equal(extract(encoder, paths).vectors, first)


def test_records_are_known_by_content_not_by_place(encoder, paths, tmp_path):
    first = extract(encoder, paths).vectors
    moved = [shutil.copy(path, tmp_path / f"x{i}") for i, path in enumerate(paths)]
    again = extract(encoder, moved[::-1])
    assert again.computed == 0
    np.testing.assert_array_equal(again.vectors, first[::-1])


def test_a_record_asked_for_twice_is_computed_once(encoder, paths):
    done = extract(encoder, [paths[0], paths[1], paths[0]])
    assert done.computed == 2
    np.testing.assert_array_equal(done.vectors[0], done.vectors[2])


def test_new_records_are_computed_beside_known_ones(encoder, paths):
    extract(encoder, paths[:4])
    done = extract(encoder, paths)
    assert done.computed == 3
    np.testing.assert_allclose(done.vectors, expected(encoder, paths), atol=1e-4)


def test_other_weights_are_other_vectors(encoder, paths):
    extract(encoder, paths)
    other = keras.models.clone_model(encoder)
    done = extract(other, paths)
    assert done.computed == len(paths)


def test_the_weights_digest_is_of_values_not_names(encoder):
    twin = plain.build(plain.VARIANTS["tiny"])
    twin.set_weights(encoder.get_weights())
    assert features.weights_digest(twin) == features.weights_digest(encoder)
    changed = encoder.get_weights()
    changed[-1] = changed[-1] + 1e-6
    twin.set_weights(changed)
    assert features.weights_digest(twin) != features.weights_digest(encoder)


def test_a_damaged_segment_is_computed_again(encoder, paths):
    first = np.array(extract(encoder, paths).vectors)
    victim = next(cache.root().rglob("*.f32"))
    victim.write_bytes(bytes(victim.stat().st_size))
    done = extract(encoder, paths)
    assert (done.damaged, done.computed) == (1, len(paths))
    np.testing.assert_array_equal(done.vectors, first)


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_file_that_does_not_decode_is_named(encoder, paths, tmp_path, place):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(pathlib.Path(paths[0]).read_bytes()[:300])
    files = [*paths[:place], str(broken), *paths[place:]]
    with pytest.raises(errors.UserError, match=r"broken\.jpg: does not decode \("):
        extract(encoder, files, batch=2)


def test_bad_files_may_be_skipped_and_are_told(encoder, paths, tmp_path):
    empty, gone = str(tmp_path / "empty.jpg"), str(tmp_path / "text.png")
    pathlib.Path(empty).touch()
    pathlib.Path(gone).write_text("no image at all, but words that fill a file")
    files = [empty, *paths[:3], gone, *paths[3:], empty]
    done = extract(encoder, files, bad="skip", batch=2)
    assert done.rows.tolist() == [1, 2, 3, 5, 6, 7, 8]
    assert sorted(done.bad) == [0, 4, 9]
    assert "not an image" in done.bad[4]
    np.testing.assert_allclose(done.vectors, expected(encoder, paths), atol=1e-4)


def test_vectors_computed_before_a_stop_are_kept(encoder, paths, tmp_path):
    empty = tmp_path / "empty.jpg"
    empty.touch()
    with pytest.raises(errors.UserError):
        extract(encoder, [*paths[:4], str(empty), *paths[4:]], batch=2)
    assert extract(encoder, paths[:4]).computed == 0


def test_progress_counts_every_record_once(encoder, paths):
    for _ in range(2):
        told = []
        extract(encoder, [*paths, paths[0]], batch=2, progress=told.append)
        assert sum(told) == len(paths) + 1


def test_an_encoder_of_another_side_is_refused(encoder, paths):
    with pytest.raises(errors.UserError, match=r"image\.side: 64.*for 32"):
        extract(encoder, paths, features.Preprocess(64))


def augmented(**changes):
    return preprocess(augment=specs.Augment(crop=0.3, flip=True), **changes)


def test_a_view_depends_on_the_record_and_not_on_its_row(encoder, paths):
    first = np.array(extract(encoder, paths, augmented(view=1)).vectors)
    shutil.rmtree(cache.root())
    again = extract(encoder, paths[::-1], augmented(view=1))
    assert again.computed == len(paths)
    np.testing.assert_allclose(again.vectors[::-1], first, atol=1e-5)


def test_records_that_look_alike_are_drawn_apart(encoder, paths, tmp_path):
    twin = tmp_path / "twin.jpg"
    twin.write_bytes(pathlib.Path(paths[0]).read_bytes() + b"\0")
    one, two = extract(encoder, [paths[0], str(twin)], augmented(view=1)).vectors
    assert np.abs(one - two).max() > 1e-4


@pytest.mark.parametrize("change", [{"view": 2}, {"seed": 1, "view": 1}], ids=str)
def test_views_and_seeds_draw_anew(encoder, paths, change):
    first = extract(encoder, paths, augmented(view=1)).vectors
    other = extract(encoder, paths, augmented(**change))
    assert other.computed == len(paths)
    assert np.abs(other.vectors - first).max(axis=1).min() > 1e-4


def test_without_augmentation_all_views_are_one(encoder, paths):
    extract(encoder, paths)
    still = preprocess(augment=specs.Augment(mixup=0.2), view=3, seed=5)
    assert extract(encoder, paths, still).computed == 0


def failing(name, error):
    def compile(*_, **__):
        raise error

    return registry.find("engines", name), "compile", compile


def test_auto_tells_which_engine_failed_and_takes_the_next(
    encoder, paths, monkeypatch, caplog
):
    monkeypatch.setattr(forward, "ranked", lambda *_: ["litert", "tensorflow"])
    monkeypatch.setattr(*failing("litert", RuntimeError("no kernel for Erf")))
    with caplog.at_level(logging.WARNING):
        done = extract(keras.models.clone_model(encoder), paths)
    assert done.engine == "tensorflow"
    assert "'litert'" in caplog.text
    assert "no kernel for Erf" in caplog.text


def test_an_engine_asked_for_does_not_give_way(encoder, paths, monkeypatch):
    monkeypatch.setattr(*failing("tensorflow", RuntimeError("out of order")))
    fresh = keras.models.clone_model(encoder)
    files = list(zip(paths, digests.sha256(paths), strict=True))
    with pytest.raises(errors.UserError, match="'tensorflow' cannot.*out of order"):
        features.extract(frozen(fresh, engine="tensorflow"), files, preprocess())


def test_an_engine_with_wrong_results_is_refused(encoder, monkeypatch):
    module = registry.find("engines", "litert")
    wrong = np.full((2, 16), 0.5, np.float32)
    monkeypatch.setattr(module, "compile", lambda *_, **__: lambda _: wrong)
    with pytest.raises(errors.UserError, match="'litert' cannot.*its features are"):
        forward.compile(
            encoder, engine="litert", precision="float32", batch=2, count=2, built={}
        )


def test_an_engine_is_built_once(encoder, paths, monkeypatch):
    one = frozen(keras.models.clone_model(encoder))
    files = list(zip(paths, digests.sha256(paths), strict=True))
    features.extract(one, files[:3], preprocess())
    monkeypatch.setattr(*failing("tensorflow", RuntimeError("built again")))
    assert features.extract(one, files, preprocess()).computed == 4


def test_few_images_go_to_tensorflow_and_many_to_the_fastest(monkeypatch):
    monkeypatch.setattr(forward, "_candidates", lambda _: ["tensorflow", "litert"])
    assert forward.ranked("float32", 0.3e9 * 100, set())[0] == "tensorflow"
    assert forward.ranked("float32", 0.3e9 * 10_000, set())[0] == "litert"
    assert forward.ranked("float32", 0.3e9 * 100, {"litert"})[0] == "litert"


def test_multiplications_are_counted_as_by_hand(encoder):
    by_hand = 16 * 16 * 27 * 8 + 8 * 8 * 72 * 8 + 4 * 4 * 72 * 16
    assert forward.multiplications(encoder) == by_hand


def test_bfloat16_gives_way_to_float32_aloud(monkeypatch, caplog):
    monkeypatch.setattr(forward, "_candidates", lambda _: iter(()))
    with caplog.at_level(logging.WARNING):
        assert forward.usable("auto", "bfloat16") == ("auto", "float32")
    assert "bfloat16" in caplog.text


@pytest.mark.parametrize(
    ("engine", "precision", "message"),
    [
        ("tensorflow", "bfloat16", "engine 'tensorflow': .*auto"),
        ("litrt", "float32", "did you mean 'litert'"),
        ("auto", "float8", "no precision 'float8'"),
    ],
)
def test_engines_and_precisions_that_cannot_be_are_refused(engine, precision, message):
    with pytest.raises(errors.UserError, match=message):
        forward.usable(engine, precision)
