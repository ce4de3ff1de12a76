"""Every engine gives TensorFlow's features on a real architecture."""

import importlib.util

import keras
import numpy as np
import pytest

from tltf import registry
from tltf.backbones import mobilenet_v2
from tltf.data import forward

BATCH, SIDE = 3, 96

# keras/src/backend/tensorflow/core.py:172 has NumPy 1's form of __array__
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")


@pytest.fixture(scope="module")
def encoder():
    """MobileNetV2 whose batch norms do something, so that features are not 0."""
    keras.utils.set_random_seed(0)
    made = mobilenet_v2.build(mobilenet_v2.VARIANTS["tiny"], side=SIDE)
    random = np.random.default_rng(0)
    for layer in made.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape[0]
            near_one = random.uniform(0.5, 1.5, (2, size))
            near_zero = random.normal(0, 0.2, (2, size))
            layer.set_weights([near_one[0], *near_zero, near_one[1]])
    return made


@pytest.fixture(scope="module")
def images():
    shape = (BATCH, SIDE, SIDE, 3)
    return np.random.default_rng(1).uniform(0, 255, shape).astype(np.float32)


@pytest.fixture(scope="module")
def expected(encoder, images):
    vectors = encoder.predict({"image": images}, verbose=0)["vector"]
    assert vectors.std() > 0.05
    return vectors


def engine(name, precision="float32"):
    module = registry.find("engines", name)
    reason = module.available(precision)
    if reason:
        pytest.skip(reason)
    return module


@pytest.fixture(scope="module", params=registry.names("engines"))
def run(request, encoder):
    return engine(request.param).compile(encoder, batch=BATCH, precision="float32")


def test_float32_features_are_the_encoders(run, images, expected):
    for _ in range(2):
        got = run(images)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_second_call_leaves_the_first_answer_alone(run, images):
    first = run(images)
    kept = first.copy()
    run(images[::-1].copy())
    np.testing.assert_array_equal(first, kept)


def test_bfloat16_features_are_within_the_tolerance_stated(encoder, images, expected):
    module = engine("openvino", "bfloat16")
    run = module.compile(encoder, batch=BATCH, precision="bfloat16")
    apart = np.abs(run(images) - expected).max() / np.abs(expected).max()
    assert 1e-5 < apart < forward.TOLERANCE["bfloat16"]


def test_there_are_four_engines():
    assert len(registry.names("engines")) == 4


@pytest.mark.parametrize("name", ["litert", "onnxruntime", "openvino"])
def test_an_engine_that_is_not_installed_says_how(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    reason = registry.find("engines", name).available("float32")
    assert 'pip install "tltf[fast]"' in reason


@pytest.mark.parametrize("name", registry.names("engines"))
def test_precisions_that_an_engine_lacks_are_told(name):
    assert "float8" in registry.find("engines", name).available("float8")
