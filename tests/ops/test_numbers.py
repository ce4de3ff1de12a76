import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from tltf import errors
from tltf.ops import numbers


def drawn(count=60, noise=1.0, offset=0.0):
    random = np.random.default_rng(0)
    labels = random.normal(3.0, 2.0, count) + offset
    return labels, 0.8 * labels + random.normal(0, noise, count)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_scores_are_those_of_scikit_learn_and_scipy(offset):
    labels, answers = drawn(offset=offset)
    found = numbers.number(labels, answers, resamples=10)
    assert found["r2"] == pytest.approx(metrics.r2_score(labels, answers), rel=1e-6)
    assert found["mean_absolute_error"] == pytest.approx(
        metrics.mean_absolute_error(labels, answers)
    )
    assert found["root_mean_squared_error"] == pytest.approx(
        metrics.root_mean_squared_error(labels, answers)
    )
    assert found["pearson"] == pytest.approx(stats.pearsonr(labels, answers)[0])
    assert found["spearman"] == pytest.approx(stats.spearmanr(labels, answers)[0])


def test_intervals_are_those_of_scipys_bootstrap():
    labels, answers = drawn(200)
    found = numbers.number(labels, answers, resamples=4000)
    for name, score in (
        ("r2", metrics.r2_score),
        ("mean_absolute_error", metrics.mean_absolute_error),
        ("pearson", lambda x, y: stats.pearsonr(x, y)[0]),
        ("spearman", lambda x, y: stats.spearmanr(x, y)[0]),
    ):
        reference = stats.bootstrap(
            (labels, answers), score, paired=True, vectorized=False,
            n_resamples=1500, method="percentile", rng=np.random.default_rng(1),
        ).confidence_interval  # fmt: skip
        width = reference.high - reference.low
        assert found[f"{name}_low"] == pytest.approx(reference.low, abs=0.15 * width)
        assert found[f"{name}_high"] == pytest.approx(reference.high, abs=0.15 * width)


def test_a_constant_side_has_no_correlation_and_the_r2_of_scikit_learn():
    labels = np.array([2.0, 2.0, 2.0])
    right = numbers.number(labels, labels)
    assert right["r2"] == metrics.r2_score(labels, labels) == 1.0
    wrong = numbers.number(labels, labels + [0, 1, 0])
    assert wrong["r2"] == metrics.r2_score(labels, labels + [0, 1, 0]) == 0.0
    assert "pearson" not in wrong
    assert "spearman" not in numbers.number(np.arange(4.0), np.full(4, 0.1))


def test_one_record_has_a_score():
    found = numbers.number(np.array([1.0]), np.array([3.0]))
    assert (found["r2"], found["mean_absolute_error"]) == (0.0, 2.0)


def test_answers_that_are_not_finite_are_refused():
    with pytest.raises(errors.WorkError, match="1 of 2 .* first record 1"):
        numbers.number(np.zeros(2), np.array([0.0, np.nan]))
    with pytest.raises(errors.UserError, match="no records"):
        numbers.number(np.zeros(0), np.zeros(0))
