import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tltf.ops import calibrate


def drawn(true_temperature, count=20_000, classes=4):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(count, classes)) * 3
    noise = generator.gumbel(size=logits.shape)
    return logits * true_temperature, (logits + noise).argmax(-1)


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_temperature_recovers_the_one_that_made_the_labels(truth):
    logits, labels = drawn(truth)
    assert calibrate.temperature(logits, labels) == pytest.approx(truth, rel=0.03)


def test_temperature_is_the_best_of_a_fine_grid():
    logits, labels = drawn(1.7, count=300)
    tries = np.exp(np.linspace(-1.5, 2, 4001))
    target = np.full((300, 4), 1 / 302 / 3)
    target[np.arange(300), labels] = 301 / 302
    losses = [-(target * special.log_softmax(logits / t, -1)).sum() for t in tries]
    got = calibrate.temperature(logits, labels)
    assert got == pytest.approx(tries[np.argmin(losses)], rel=2e-3)


def test_answers_that_are_all_right_do_not_become_certain():
    margins = np.array([[1.0, -1.0], [-1.0, 1.0]] * 10)
    labels = np.array([0, 1] * 10)
    best = calibrate.softmax(margins / calibrate.temperature(margins, labels)).max()
    assert best == pytest.approx(21 / 22, rel=1e-3)


def test_temperature_keeps_the_winner():
    logits, labels = drawn(2.0, count=100)
    scaled = logits / calibrate.temperature(logits, labels)
    np.testing.assert_array_equal(scaled.argmax(-1), logits.argmax(-1))


def test_temperature_of_several_labels_recovers_the_one_that_made_them():
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(20_000, 3)) * 2
    labels = generator.random(logits.shape) < special.expit(logits)
    got = calibrate.temperature(logits * 3, labels)
    assert got == pytest.approx(3, rel=0.03)


def test_softmax_and_sigmoid_stand_huge_logits():
    np.testing.assert_array_equal(calibrate.softmax([[1e4, 0.0]]), [[1.0, 0.0]])
    np.testing.assert_array_equal(calibrate.sigmoid([-1e4, 0.0, 1e4]), [0, 0.5, 1])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 20).map(lambda k: k / 20)),
        min_size=1,
        max_size=30,
    )
)
def test_threshold_has_the_best_f1_there_is(pairs):
    truth = np.array([[a] for a, _ in pairs], int)
    levels = np.array([[b] for _, b in pairs])
    [cut] = calibrate.thresholds(truth, levels)
    best = max(f1(truth, levels >= k / 40) for k in range(41))
    assert f1(truth, levels >= cut) >= best - 1e-9


def f1(truth, decided):
    right = sum(t and d for t, d in zip(truth.ravel(), decided.ravel(), strict=True))
    return 2 * right / max(1, truth.sum() + decided.sum())


def test_label_nobody_carries_keeps_one_half():
    got = calibrate.thresholds(np.zeros((3, 1)), np.array([[0.1], [0.2], [0.9]]))
    assert got == [0.5]


def test_of_equal_thresholds_the_nearest_to_one_half_is_taken():
    truth = np.array([[1], [0], [1]])
    levels = np.array([[0.9], [0.8], [0.2]])
    # giving all: 2*2/(3+2) = .8; giving the first alone: 2*1/(1+2) = .67
    assert calibrate.thresholds(truth, levels) == pytest.approx(0.1)
    truth = np.array([[1], [0], [0], [1]])  # 2/3 both for one given and for all four
    levels = np.array([[0.9], [0.7], [0.6], [0.2]])
    assert calibrate.thresholds(truth, levels) == pytest.approx(0.8)
