import subprocess
import sys

import applications
import keras
import numpy as np
import pytest

from tltf import errors, registry


def tiny(file, **arguments):
    module = registry.find("backbones", file)
    spec = module.VARIANTS["tiny"]
    return spec, module.build(spec, **arguments)


def pictures(count, side, *, seed=0):
    """Returns smooth colour fields with some noise, float32 in 0..255."""
    rng = np.random.default_rng(seed)
    small = rng.uniform(0, 255, (count, 4, 4, 3)).repeat(side // 4 + 1, 1)
    large = small.repeat(side // 4 + 1, 2)[:, :side, :side]
    return np.clip(large + rng.normal(0, 20, large.shape), 0, 255).astype("float32")


# one of each range, and ConvNeXt for its own pooling
QUICK = {"mobilenet", "mobilenet_v3_small", "vgg16", "densenet121", "convnext_tiny"}
SCALED = [
    pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK))
    for name in sorted(applications.CONSTRUCTORS)
    if not name.startswith("efficientnet_b")
]


@pytest.mark.parametrize("file", SCALED)
def test_the_range_change_inside_is_that_of_keras(file):
    constructor, module = applications.CONSTRUCTORS[file]
    spec, encoder = tiny(file)
    bare = getattr(keras.applications, constructor)(
        include_top=False,
        weights=None,
        pooling="avg",
        input_shape=(spec.side, spec.side, 3),
        **spec.arguments,
    )
    bare.set_weights(encoder.get_weights())
    images = pictures(2, spec.side)
    scaled = getattr(keras.applications, module).preprocess_input(images.copy())
    wanted = np.asarray(bare(scaled, training=False))
    got = np.asarray(encoder({"image": images}, training=False)["vector"])
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def test_efficientnet_from_a_file_equals_keras_with_imagenet(tmp_path, monkeypatch):
    bare = keras.applications.EfficientNetB0(
        weights=None, include_top=False, input_shape=(64, 64, 3)
    )
    # what the published files hold (keras issue 16392)
    published = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225], 0]
    norm = next(x for x in bare.layers if isinstance(x, keras.layers.Normalization))
    norm.set_weights([np.array(value) for value in published])
    path = tmp_path / "published.weights.h5"
    bare.save_weights(path)
    monkeypatch.setattr(
        "keras.src.utils.file_utils.get_file", lambda *_, **__: str(path)
    )
    keras_own = keras.applications.EfficientNetB0(
        include_top=False, pooling="avg", input_shape=(64, 64, 3)
    )
    _, encoder = tiny("efficientnet_b0", side=64, weights=path)
    images = pictures(2, 64)
    wanted = np.asarray(keras_own(images, training=False))
    got = np.asarray(encoder({"image": images}, training=False)["vector"])
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())

    again = tmp_path / "ours.weights.h5"
    encoder.save_weights(again)
    _, reread = tiny("efficientnet_b0", side=64, weights=again)
    np.testing.assert_array_equal(
        reread({"image": images}, training=False)["vector"], got
    )


def test_the_vector_is_the_mean_of_the_map():
    _, encoder = tiny("plain")
    out = encoder({"image": pictures(3, 32)}, training=False)
    wanted = np.asarray(out["map"]).mean((1, 2))
    np.testing.assert_allclose(out["vector"], wanted, rtol=1e-5)


def test_bytes_and_floats_give_the_same_vector():
    _, encoder = tiny("plain")
    images = pictures(3, 32).round()
    one = encoder.predict({"image": images.astype("uint8")}, verbose=0)["vector"]
    two = encoder.predict({"image": images}, verbose=0)["vector"]
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("file", ["plain", "mobilenet"])
def test_a_gradient_step_reaches_every_group(file):
    import tensorflow as tf

    spec, encoder = tiny(file, side=64)
    before = [weight.numpy() for weight in encoder.trainable_weights]
    with tf.GradientTape() as tape:
        vector = encoder({"image": pictures(8, 64)}, training=True)["vector"]
        loss = tf.reduce_mean((vector - tf.range(8.0)[:, None]) ** 2)
    gradients = tape.gradient(loss, [w.value for w in encoder.trainable_weights])
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.apply(gradients, encoder.trainable_weights)
    moved = {
        spec.group_of(weight.path.split("/")[0])
        for weight, old in zip(encoder.trainable_weights, before, strict=True)
        if not np.array_equal(weight.numpy(), old)
    }
    assert moved == {name for name, _ in spec.groups}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("file", ["plain", "vgg16"])
def test_half_precision_keeps_a_float32_vector_near_the_full_one(file, policy):
    _, full = tiny(file)
    keras.config.set_dtype_policy(policy)
    try:
        spec, half = tiny(file)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(full.get_weights())
    assert half.output["vector"].dtype == "float32"
    assert half.output["map"].dtype == policy.removeprefix("mixed_")
    images = pictures(2, spec.side)
    wanted = np.asarray(full({"image": images}, training=False)["vector"])
    got = np.asarray(half({"image": images}, training=False)["vector"])
    # bfloat16 has 8 bits of precision, and errors add up over the layers
    np.testing.assert_allclose(got, wanted, rtol=0, atol=0.1 * np.abs(wanted).max())


def test_weights_of_another_network_are_one_clear_line(tmp_path):
    _, other = tiny("plain")
    path = tmp_path / "plain.weights.h5"
    other.save_weights(path)
    with pytest.raises(errors.UserError, match="plain.weights.h5 does not fit") as e:
        tiny("mobilenet", weights=path)
    assert "\n" not in str(e.value)


def test_a_broken_weights_file_is_one_clear_line(tmp_path):
    path = tmp_path / "net.weights.h5"
    path.write_bytes(b"no HDF5")
    with pytest.raises(errors.UserError, match="net.weights.h5 does not fit"):
        tiny("plain", weights=path)


def test_a_torch_file_for_a_keras_network_is_refused(tmp_path):
    with pytest.raises(errors.UserError, match=r"net.pth has to be a .weights.h5"):
        tiny("plain", weights=tmp_path / "net.pth")


def test_weights_come_back_equal(tmp_path):
    _, encoder = tiny("plain")
    path = tmp_path / "encoder.weights.h5"
    encoder.save_weights(path)
    _, again = tiny("plain", weights=path)
    for one, two in zip(encoder.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_a_saved_encoder_loads_where_tltf_is_not(tmp_path):
    # one of each way to change the range, and the layers that only ConvNeXt has
    files = ("vgg16", "densenet121", "mobilenet", "efficientnet_b0", "convnext_tiny")
    for file in files:
        spec, encoder = tiny(file)
        images = pictures(2, spec.side)
        vector = encoder({"image": images}, training=False)["vector"]
        encoder.save(tmp_path / f"{file}.keras")
        np.savez(tmp_path / f"{file}.npz", images=images, vector=vector)
    code = """
import pathlib, sys, keras, numpy
for path in sorted(pathlib.Path().glob("*.keras")):
    stored = numpy.load(path.with_suffix(".npz"))
    model = keras.models.load_model(path)
    got = model({"image": stored["images"]}, training=False)["vector"]
    numpy.testing.assert_array_equal(got, stored["vector"])
    print(path.stem)
assert "tltf" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(files)
