import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from tltf.ops import calibrate, levels, losses


def drawn(count=80, levels_=5):
    random = np.random.default_rng(0)
    labels = random.integers(0, levels_, count)
    return labels, random.normal(0, 1.5, (count, levels_ - 1))


def test_probabilities_are_products_of_conditionals():
    _, logits = drawn()
    pass_ = 1 / (1 + np.exp(-logits))
    expected = np.ones((80, 5))
    for level in range(5):
        for k in range(level):
            expected[:, level] *= pass_[:, k]
        if level < 4:
            expected[:, level] *= 1 - pass_[:, level]
    np.testing.assert_allclose(np.exp(levels.logs(logits)), expected)
    np.testing.assert_allclose(expected.sum(1), 1)


def test_graph_and_numpy_agree_at_large_logits_too():
    logits = np.array([[80.0, -90.0, 3.0], [-70.0, 60.0, -50.0]], np.float32)
    np.testing.assert_allclose(
        losses.levels(logits), levels.logs(logits), rtol=1e-6, atol=1e-30
    )


def test_the_median_is_the_rank_of_the_paper():
    _, logits = drawn(500)
    pass_ = 1 / (1 + np.exp(-logits))
    ranks = (np.cumprod(pass_, 1) > 0.5).sum(1)
    found = levels.median(np.exp(levels.logs(logits)))
    np.testing.assert_array_equal(found, ranks)
    assert len(set(ranks)) == 5


def test_scores_are_those_of_scikit_learn():
    labels, logits = drawn()
    probabilities = np.exp(levels.logs(logits))
    answers = levels.median(probabilities)
    found = levels.ordered(labels, probabilities, resamples=10)
    kappa = metrics.cohen_kappa_score(labels, answers, weights="quadratic")
    assert found["quadratic_kappa"] == pytest.approx(kappa)
    accuracy = metrics.accuracy_score(labels, answers)
    assert found["accuracy"] == pytest.approx(accuracy)
    error = metrics.mean_absolute_error(labels, answers)
    assert found["mean_absolute_error"] == pytest.approx(error)
    recall = metrics.balanced_accuracy_score(labels, answers)
    assert found["class_averaged_accuracy"] == pytest.approx(recall)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(labels, probabilities))
    assert "absent_classes" not in found


def test_kappas_interval_is_that_of_resampled_records():
    labels, logits = drawn(150)
    # answers near the truth, as after training
    probabilities = np.eye(5)[np.clip(labels + (logits[:, 0] > 1), 0, 4)]
    found = levels.ordered(labels, probabilities, resamples=4000)
    random = np.random.default_rng(1)
    answers, values = probabilities.argmax(1), []
    for _ in range(600):
        rows = random.integers(0, 150, 150)
        values.append(
            metrics.cohen_kappa_score(labels[rows], answers[rows], weights="quadratic")
        )
    low, high = np.quantile(values, [0.025, 0.975])
    assert found["quadratic_kappa_low"] == pytest.approx(low, abs=0.2 * (high - low))
    assert found["quadratic_kappa_high"] == pytest.approx(high, abs=0.2 * (high - low))


def test_kappa_of_one_level_alone_is_zero_and_absent_levels_are_told():
    probabilities = np.tile([0.0, 1.0, 0.0], (4, 1))
    found = levels.ordered(np.ones(4, int), probabilities)
    assert found["quadratic_kappa"] == 0.0
    assert found["accuracy"] == 1.0
    assert found["absent_classes"] == 2.0


def test_the_temperature_is_the_one_the_logits_were_made_with():
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (4000, 3))
    probabilities = np.exp(levels.logs(logits))
    labels = (probabilities.cumsum(1) < random.random((4000, 1))).sum(1)
    assert calibrate.of_levels(3 * logits, labels) == pytest.approx(3, rel=0.07)


def test_gradients_are_finite_where_a_level_is_impossible():
    logits = tf.Variable([[-100.0, 100.0, 100.0]])
    with tf.GradientTape() as tape:
        loss = -losses.levels(logits)[0, 3]
    assert float(loss) == pytest.approx(100)
    assert np.isfinite(tape.gradient(loss, logits)).all()
