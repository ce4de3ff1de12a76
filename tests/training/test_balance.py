"""One loss of several."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tltf import config
from tltf.training import balance


def recipe(**joint):
    part = {"data": {"source": "folder:x"}}
    parts = [part | {"name": "a", "weight": 2.0}, part | {"name": "b", "weight": 0.5}]
    raw = {"method": "multitask", "backbone": "plain/tiny", "parts": parts}
    return config.override({**raw, "joint": joint}, {}, where="test")


def tensors(*values):
    return [tf.constant(float(value)) for value in values]


@pytest.mark.parametrize(("loss", "expected"), [("sum", 5.0), ("fixed", 5.5)])
def test_sum_and_fixed_factors(loss, expected):
    made = balance.build(recipe(loss=loss), [False, False])
    found = made.total(tensors(2, 3), tensors(4, 4))
    assert float(found) == pytest.approx(expected)


def test_uncertainty_is_the_formula_and_learns_the_noise():
    made = balance.build(recipe(loss="uncertainty", rate=0.05), [True, False])
    noise = made.variables[0]
    noise.assign([0.5, -1.0])
    found = made.total(tensors(2, 3), tensors(4, 4))
    expected = 0.5 * np.exp(-0.5) * 2 + 0.25 + np.exp(1.0) * 3 - 0.5
    assert float(found) == pytest.approx(expected, rel=1e-6)
    # losses that stay: s of numbers goes to log L, of classes to log 2 L
    for _ in range(600):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(made.watched)
            total = made.total(tensors(2, 3), tensors(4, 4))
        made.update(tape, total, tensors(2, 3), tensors(4, 4))
    np.testing.assert_allclose(noise.numpy(), np.log([2, 6]), atol=1e-2)
    np.testing.assert_allclose(made.shares(), [0.5 / 2, 1 / 6], rtol=2e-2)


def test_uncertainty_leaves_out_a_part_without_records():
    made = balance.build(recipe(loss="uncertainty"), [False, False])
    made.variables[0].assign([0.5, -1.0])
    found = made.total(tensors(2, 0), tensors(4, 0))
    assert float(found) == pytest.approx(np.exp(-0.5) * 2 + 0.25, rel=1e-6)


def learn(made, shared, scales, counts=(4.0, 4.0), steps=1):
    """Steps in which the losses are `scales` times the sum of squares of `shared`."""
    for _ in range(steps):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch([shared.value])
            means = [scale * tf.reduce_sum(shared.value**2) for scale in scales]
            total = made.total(means, tensors(*counts))
        made.update(tape, total, means, tensors(*counts))


def test_gradnorm_brings_norms_together_and_keeps_the_sum():
    made = balance.build(recipe(loss="gradnorm", rate=0.05, alpha=0.0), [False, False])
    shared = keras.Variable([[1.0, -2.0]])
    made.under(shared)
    learn(made, shared, [1.0, 3.0], steps=400)
    factors = np.array(made.shares())
    assert factors.sum() == pytest.approx(2.0, abs=1e-5)
    # equal norms: w1 = 3 w2 with a sum of 2
    np.testing.assert_allclose(factors, [1.5, 0.5], atol=0.06)


def test_gradnorm_favours_the_part_that_learns_slowly():
    made = balance.build(recipe(loss="gradnorm", rate=0.02, alpha=1.5), [False, False])
    shared = keras.Variable([[1.0, -2.0]])
    made.under(shared)
    learn(made, shared, [1.0, 1.0])
    # the first part's loss fell to a quarter of its first value, the other's did not
    learn(made, shared, [0.25, 1.0], steps=5)
    slow = made.shares()
    fair = balance.build(recipe(loss="gradnorm", rate=0.02, alpha=0.0), [False, False])
    fair.under(shared)
    learn(fair, shared, [1.0, 1.0])
    learn(fair, shared, [0.25, 1.0], steps=5)
    assert slow[1] > fair.shares()[1]


@pytest.mark.parametrize("frozen", [True, False])
def test_gradnorm_stays_without_a_learning_encoder_or_a_record(frozen):
    made = balance.build(recipe(loss="gradnorm"), [False, False])
    shared = keras.Variable([[1.0, -2.0]])
    made.under(None if frozen else shared)
    counts = (4.0, 4.0) if frozen else (4.0, 0.0)
    learn(made, shared, [1.0, 0.0], counts=counts, steps=3)
    assert made.shares()[1] == pytest.approx(1.0)
