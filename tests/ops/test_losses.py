"""Losses of single records against Keras and plain formulas."""

import keras
import numpy as np
import pytest

from tltf.ops import losses

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 4)).astype("float32")
ONE_HOT = np.eye(4, dtype="float32")[[0, 1, 2, 3, 0, 1]]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_softmax_is_keras_cross_entropy(smoothing):
    known = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing, reduction=None
    )
    given = losses.softmax(ONE_HOT, LOGITS, smoothing=smoothing)
    np.testing.assert_allclose(given, known(ONE_HOT, LOGITS), rtol=1e-5)


def test_focal_softmax_scales_by_the_missing_probability():
    odds = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    right = (odds * ONE_HOT).sum(1)
    given = losses.softmax(ONE_HOT, LOGITS, gamma=2.0)
    np.testing.assert_allclose(given, -((1 - right) ** 2) * np.log(right), rtol=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_sigmoid_is_keras_binary_cross_entropy(gamma):
    several = (RANDOM.uniform(size=(6, 4)) > 0.5).astype("float32")
    if gamma:
        known = keras.losses.BinaryFocalCrossentropy(
            from_logits=True, gamma=gamma, reduction=None
        )
    else:
        known = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)
    given = losses.sigmoid(several, LOGITS, gamma=gamma)
    np.testing.assert_allclose(given, known(several, LOGITS), rtol=1e-4)
