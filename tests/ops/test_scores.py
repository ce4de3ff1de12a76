import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from tltf import errors
from tltf.ops import bootstrap, scores


def made(seed=0, count=200, classes=8, sharp=2.0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    logits = generator.normal(size=(count, classes)) * sharp
    logits[np.arange(count), labels] += 2
    powers = np.exp(logits)
    return labels, powers / powers.sum(-1, keepdims=True)


def made_several(seed=0, count=150, classes=5):
    generator = np.random.default_rng(seed)
    truth = (generator.random((count, classes)) < 0.3).astype(int)
    given_ = np.clip(0.3 * truth + 0.6 * generator.random(truth.shape), 0, 1)
    return truth, given_


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_single_scores_equal_scikit_learn(classes):
    labels, given_ = made(classes, classes=classes)
    truth = np.eye(classes)[labels]
    got = scores.single(labels, given_)
    best = given_.argmax(-1)
    expected = {
        "accuracy": metrics.accuracy_score(labels, best),
        "class_averaged_accuracy": metrics.balanced_accuracy_score(labels, best),
        "log_loss": metrics.log_loss(labels, given_, labels=range(classes)),
        "brier": np.mean(
            [(p - t) @ (p - t) for p, t in zip(given_, truth, strict=True)]
        ),
    }
    for way in ("macro", "micro"):
        expected |= {
            f"roc_auc_{way}": metrics.roc_auc_score(truth, given_, average=way),
            f"average_precision_{way}": metrics.average_precision_score(
                truth, given_, average=way
            ),
        }
    if classes > 5:
        expected["top5"] = metrics.top_k_accuracy_score(labels, given_, k=5)
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, abs=1e-12), name


def test_brier_of_two_classes_is_twice_the_half_scaled_one():
    labels, given_ = made(classes=2)
    half = metrics.brier_score_loss(labels, given_[:, 1])
    assert scores.single(labels, given_)["brier"] == pytest.approx(2 * half)


def test_absent_class_is_left_out_of_averages_and_counted():
    labels, given_ = made(classes=4)
    kept = labels != 2
    labels, given_ = labels[kept], given_[kept]
    got = scores.single(labels, given_)
    seen = [0, 1, 3]
    areas = [metrics.roc_auc_score(labels == k, given_[:, k]) for k in seen]
    best = given_.argmax(-1)
    recalls = [np.mean(best[labels == k] == k) for k in seen]
    assert got["roc_auc_macro"] == pytest.approx(np.mean(areas))
    assert got["class_averaged_accuracy"] == pytest.approx(np.mean(recalls))
    assert got["absent_classes"] == 1


def test_one_true_class_alone_gives_no_macro_area_problem_and_no_nan():
    got = scores.single(np.zeros(4, int), np.full((4, 3), 1 / 3))
    assert all(math.isfinite(value) for value in got.values())
    assert got["absent_classes"] == 2
    assert "roc_auc_macro" not in got


def test_certain_wrong_answer_has_a_finite_loss():
    got = scores.single(np.array([0]), np.array([[0.0, 1.0]]))
    assert got["log_loss"] == pytest.approx(-math.log(np.finfo(float).eps))


def test_ties_go_to_the_first_class():
    got = scores.single(np.array([0, 1]), np.full((2, 2), 0.5))
    assert got["accuracy"] == 0.5


def test_no_records_is_a_user_error():
    with pytest.raises(errors.UserError, match="no records"):
        scores.single(np.zeros(0, int), np.zeros((0, 2)))


def test_diverged_answers_are_refused():
    with pytest.raises(errors.WorkError, match="1 of 2 records.*first record 1"):
        scores.single(np.array([0, 1]), np.array([[0.5, 0.5], [np.nan, 0.5]]))


def test_label_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"0\.\.1"):
        scores.single(np.array([2]), np.array([[0.5, 0.5]]))


def test_calibration_error_equals_a_loop_over_bins():
    labels, given_ = made(3, count=500, classes=4)
    sure, hits = given_.max(-1), given_.argmax(-1) == labels
    total = 0.0
    for k in range(15):
        inside = (sure > k / 15) & (sure <= (k + 1) / 15)
        if inside.any():
            total += inside.mean() * abs(hits[inside].mean() - sure[inside].mean())
    assert scores.calibration_error(labels, given_) == pytest.approx(total)


def test_a_bin_holds_its_upper_edge_and_not_its_lower():
    sure = np.array([0.6, 0.6001, 1.0])  # 0.6 is 9 / 15
    given_ = np.stack([sure, 1 - sure], -1)
    got = scores.reliability(np.array([0, 1, 0]), given_)
    assert np.flatnonzero(got["count"]).tolist() == [8, 9, 14]
    np.testing.assert_allclose(got["confidence"][[8, 9, 14]], sure)
    np.testing.assert_allclose(got["accuracy"][[8, 9, 14]], [1, 0, 1])


def test_per_class_table_equals_scikit_learn():
    labels, given_ = made(4, classes=5)
    got = scores.per_class(labels, given_)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, given_.argmax(-1), labels=range(5), zero_division=0
    )
    np.testing.assert_allclose(got["precision"], precision)
    np.testing.assert_allclose(got["recall"], recall)
    np.testing.assert_allclose(got["f1"], f1)
    np.testing.assert_array_equal(got["support"], support)


def test_confusion_equals_scikit_learn():
    labels, given_ = made(5, classes=6)
    expected = metrics.confusion_matrix(labels, given_.argmax(-1), labels=range(6))
    np.testing.assert_array_equal(scores.confusion(labels, given_), expected)


def test_several_scores_equal_scikit_learn():
    truth, given_ = made_several()
    cuts = np.array([0.3, 0.4, 0.5, 0.45, 0.35])
    decided = (given_ >= cuts).astype(int)
    got = scores.several(truth, given_, cuts)
    expected = {
        "hamming_accuracy": 1 - metrics.hamming_loss(truth, decided),
        "exact_match": metrics.accuracy_score(truth, decided),
        "f1_macro": metrics.f1_score(truth, decided, average="macro"),
        "f1_micro": metrics.f1_score(truth, decided, average="micro"),
        "mean_average_precision": metrics.average_precision_score(truth, given_),
        "average_precision_micro": metrics.average_precision_score(
            truth, given_, average="micro"
        ),
        "roc_auc_macro": metrics.roc_auc_score(truth, given_),
        "log_loss": np.mean(
            [metrics.log_loss(truth[:, k], given_[:, k]) for k in range(5)]
        ),
    }
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, abs=1e-12), name


def test_label_nobody_carries_is_left_out_of_means():
    truth, given_ = made_several()
    truth[:, 1] = 0
    got = scores.several(truth, given_, np.full(5, 0.5))
    others = [0, 2, 3, 4]
    expected = metrics.average_precision_score(truth[:, others], given_[:, others])
    assert got["mean_average_precision"] == pytest.approx(expected)
    assert got["absent_classes"] == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(2, 7))
def test_every_score_is_finite_and_the_interval_holds_the_accuracy(seed, count, k):
    labels, given_ = made(seed, count, k)
    got = scores.single(labels, given_, resamples=50)
    assert all(math.isfinite(value) for value in got.values())
    assert got["accuracy_low"] <= got["accuracy"] + 0.3
    assert 0 <= got["accuracy_low"] <= got["accuracy_high"] <= 1


def test_interval_of_accuracy_equals_the_binomial_quantiles():
    from scipy import stats

    hits = np.repeat([1.0, 0.0], [160, 40])
    low, high = bootstrap.mean(hits, resamples=200_000)
    exact = stats.binom.ppf([0.025, 0.975], 200, 0.8) / 200
    np.testing.assert_allclose([low, high], exact, atol=0.0051)


def test_interval_of_any_mean_equals_scipy_bootstrap():
    from scipy import stats

    values = np.random.default_rng(0).normal(3, 1, 60)
    got = bootstrap.mean(values, resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    np.testing.assert_allclose(got, theirs, atol=0.015)


def test_a_seed_repeats_the_interval_and_another_moves_it():
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap.mean(values) == bootstrap.mean(values)
    assert bootstrap.mean(values) != bootstrap.mean(values, seed=1)


def test_difference_pairs_the_records():
    first = np.random.default_rng(0).random(80)
    assert bootstrap.difference(first, first - 0.25) == pytest.approx((0.25, 0.25))
