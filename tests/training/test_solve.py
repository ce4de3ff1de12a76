"""Solved heads against scikit-learn and plain algebra."""

import numpy as np
import pytest
from sklearn import linear_model, svm

from tltf import errors, specs
from tltf.training import solve


def data(count=60, features=8, classes=3, seed=0):
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = random.normal(size=(classes, features))
    rows = centres[labels] + random.normal(size=(count, features))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), labels


def head(classifier, strengths=(1.0,)):
    return specs.Head(classifier=classifier, strengths=strengths, folds=3)


def fit(rows, labels, **options):
    count = len(rows)
    sample = solve.Sample(
        features=rows,
        labels=labels,
        weights=np.ones(count),
        groups=np.arange(count),
    )
    return solve.fit(sample, seed=0, **options)


@pytest.mark.parametrize("features", [8, 100])
def test_logistic_probabilities_are_scikit_learns(features):
    rows, labels = data(features=features)
    solved = fit(rows, labels, head=head("logistic"), balanced=False)
    known = linear_model.LogisticRegression(C=1.0, max_iter=5000, tol=1e-8)
    expected = known.fit(rows, labels).predict_proba(rows)
    logits = solved.logits(rows)
    given = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(given, expected, atol=2e-3)


def test_two_classes_give_two_logits_with_the_same_probability():
    rows, labels = data(classes=2)
    solved = fit(rows, labels, head=head("logistic"), balanced=False)
    known = linear_model.LogisticRegression(max_iter=5000).fit(rows, labels)
    logits = solved.logits(rows)
    given = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    np.testing.assert_allclose(given, known.predict_proba(rows)[:, 1], atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_svm_decisions_are_scikit_learns(classes):
    rows, labels = data(classes=classes)
    solved = fit(rows, labels, head=head("svm"), balanced=True)
    known = svm.LinearSVC(class_weight="balanced", random_state=0).fit(rows, labels)
    np.testing.assert_array_equal(solved.logits(rows).argmax(1), known.predict(rows))


@pytest.mark.parametrize("count", [30, 200])
def test_ridge_is_the_minimum_of_its_loss(count):
    rows, labels = data(count=count, features=50)
    solved = solve.ridge(rows, labels, penalty=10.0)
    mean, spread = rows.mean(0), rows.std(0) + 1e-5
    whole = np.hstack([(rows - mean) / spread, np.full((count, 1), 100.0)])
    targets = 2.0 * np.eye(3)[labels] - 1.0
    stacked = np.vstack([whole, np.sqrt(10.0) * np.eye(51)])
    zeros = np.vstack([targets, np.zeros((51, 3))])
    best = np.linalg.lstsq(stacked, zeros, rcond=None)[0]
    np.testing.assert_allclose(solved.logits(rows), whole @ best, atol=1e-6)


def test_the_strength_is_the_one_cross_validation_likes_best():
    rows, labels = data(count=90)
    made = head("logistic", (1e-4, 1.0, 1e6))
    chosen = fit(rows, labels, head=made, balanced=False).chosen
    assert chosen["C"] == 1.0
    assert chosen["folds"] == 3


def test_one_record_a_class_is_solved_without_folds():
    rows, labels = data(count=3)
    chosen = fit(rows, labels, head=head("logistic"), balanced=False)
    assert "too few" in chosen.chosen["note"]


def test_several_labels_are_solved_one_by_one():
    rows, labels = data(count=80)
    several = np.eye(3, dtype=np.float32)[labels]
    several[:, 0] = np.maximum(several[:, 0], several[:, 1])
    solved = fit(rows, several, head=head("logistic"), balanced=False)
    for label in range(3):
        known = linear_model.LogisticRegression(max_iter=5000)
        known.fit(rows, several[:, label])
        given = 1 / (1 + np.exp(-solved.logits(rows)[:, label]))
        np.testing.assert_allclose(given, known.predict_proba(rows)[:, 1], atol=2e-3)


def test_weights_count_as_repeated_records():
    rows, labels = data(count=40)
    weights = np.ones(40)
    weights[:10] = 3
    sample = solve.Sample(
        features=rows, labels=labels, weights=weights, groups=np.arange(40)
    )
    given = solve.fit(sample, head=head("logistic"), balanced=False, seed=0)
    again = np.repeat(np.arange(40), weights.astype(int))
    known = linear_model.LogisticRegression(max_iter=5000, tol=1e-8)
    expected = known.fit(rows[again], labels[again]).predict_proba(rows)
    odds = np.exp(given.logits(rows))
    np.testing.assert_allclose(odds / odds.sum(1, keepdims=True), expected, atol=2e-3)


def test_rows_of_one_group_share_a_fold():
    rows, labels = data(count=30)
    twice = solve.Sample(
        features=np.concatenate([rows, rows]),
        labels=np.concatenate([labels, labels]),
        weights=np.ones(60),
        groups=np.tile(np.arange(30), 2),
    )
    folds, count = solve._folds(twice, 3, 0)
    assert count == 3
    for train, held in folds.split(twice.features, twice.labels, twice.groups):
        assert not set(twice.groups[train]) & set(twice.groups[held])


def test_a_label_that_every_record_carries_is_certain():
    rows, labels = data(count=40)
    several = np.eye(3, dtype=np.float32)[labels]
    several[:, 1] = 1
    solved = fit(rows, several, head=head("logistic"), balanced=False)
    np.testing.assert_array_equal(solved.weight[:, 1], 0)
    assert solved.bias[1] == 10.0


def test_ridge_says_that_it_cannot_weigh():
    rows, labels = data(count=30)
    with pytest.raises(errors.UserError, match="need logistic or svm"):
        fit(rows, labels, head=head("ridge"), balanced=True)
