import numpy as np
import pytest
from sklearn import metrics

from tltf.analysis import curves
from tltf.ops import calibrate


def made(classes=4, count=300):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, classes, count)
    logits = generator.normal(size=(count, classes))
    logits[np.arange(count), labels] += 1.5
    return labels, logits


def test_area_under_the_curves_equals_scikit_learn():
    labels, logits = made()
    truth, given = np.eye(4)[labels], calibrate.softmax(logits)
    found = curves.roc(truth, given)
    for way, (x, y) in (("macro", found.macro), ("micro", found.micro)):
        expected = metrics.roc_auc_score(truth, given, average=way)
        assert metrics.auc(x, y) == pytest.approx(expected, abs=0.01), way
    for number, (x, y) in found.classes.items():
        expected = metrics.roc_auc_score(truth[:, number], given[:, number])
        assert metrics.auc(x, y) == pytest.approx(expected)


def test_precision_recall_of_a_class_equals_scikit_learn():
    labels, logits = made(classes=2, count=80)
    truth, given = np.eye(2)[labels], calibrate.softmax(logits)
    recall, precision = curves.precision_recall(truth, given).classes[1]
    p, r, _ = metrics.precision_recall_curve(truth[:, 1], given[:, 1])
    np.testing.assert_allclose(recall[::-1], r)
    np.testing.assert_allclose(precision[::-1], p)


def test_class_without_records_has_no_curve():
    labels, logits = made()
    truth = np.eye(4)[labels]
    truth[:, 2] = 0
    given = calibrate.softmax(logits)
    assert set(curves.roc(truth, given).classes) == {0, 1, 3}
    assert set(curves.precision_recall(truth, given).classes) == {0, 1, 3}
    assert curves.roc(np.zeros((3, 2)), np.full((3, 2), 0.5)) is None


def test_long_curves_are_thinned_and_keep_their_ends():
    labels, logits = made(classes=2, count=5000)
    x, y = curves.roc(np.eye(2)[labels], calibrate.softmax(logits)).micro
    assert len(x) <= curves.POINTS
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_temperature_can_be_taken_out_again(temperature):
    _, logits = made()
    given = calibrate.softmax(logits / temperature)
    got = curves.uncalibrated(given, temperature, several=False)
    np.testing.assert_allclose(got, calibrate.softmax(logits), atol=1e-6)
    given = calibrate.sigmoid(logits / temperature)
    got = curves.uncalibrated(given, temperature, several=True)
    np.testing.assert_allclose(got, calibrate.sigmoid(logits), atol=1e-6)


def test_confused_pairs_come_most_frequent_first_without_right_answers():
    matrix = np.array([[50, 3, 0], [7, 40, 0], [0, 1, 9]])
    assert curves.confused(matrix) == [(1, 0, 7), (0, 1, 3), (2, 1, 1)]


def test_losses_are_of_the_true_class():
    given = np.array([[0.2, 0.8], [0.9, 0.1]])
    got = curves.losses(np.array([0, 0]), given)
    np.testing.assert_allclose(got, -np.log([0.2, 0.9]))
    several = curves.losses(np.array([[1, 0], [0, 1]]), given)
    np.testing.assert_allclose(
        several, -np.log([[0.2, 0.2], [0.1, 0.1]]).mean(1), rtol=1e-9
    )
