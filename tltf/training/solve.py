"""Classifiers solved on frozen features, as the weights of one Dense layer."""

import dataclasses
import warnings
from typing import Any

import numpy as np
from sklearn import exceptions, linear_model, model_selection, multiclass, svm

from tltf import errors


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """A linear classifier.

    Attributes:
      weight: float `[features, classes]`.
      bias: float `[classes]`.
      chosen: What cross-validation on train chose, for the report.
    """

    weight: np.ndarray
    bias: np.ndarray
    chosen: dict[str, Any]

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Returns scores, float `[n, classes]`, of features `[n, features]`."""
        return features @ self.weight + self.bias


def fit(features: np.ndarray, labels: np.ndarray, *, head, balanced: bool, seed: int):
    """Fits the classifier that `head` names.

    Args:
      features: float `[n, features]`, rows of unit length.
      labels: int `[n]`, or 0 and 1 `[n, classes]`.
      head: A `specs.Head`.
      balanced: Weigh classes by the inverse of their frequency.
      seed: Of the folds.

    Returns:
      A `Solved`. For logistic and svm, C is the one of the best mean score
      over the folds, the smallest of equal ones; folds are cut from these
      records only.
    """
    if head.classifier == "ridge":
        return ridge(features, labels)
    # The solution lies in the span of the records (representer theorem), so
    # with fewer records than features the same optimum is found in n dimensions.
    reduced, basis = _span(features)
    estimator = _estimator(head.classifier, balanced, seed, labels.ndim == 2)
    found, chosen = _searched(estimator, reduced, labels, head, seed)
    weight, bias = _dense(found, labels.ndim == 2)
    return Solved(weight=basis @ weight, bias=bias, chosen=chosen)


def ridge(features: np.ndarray, labels: np.ndarray, penalty: float = 2.0**10):
    """Returns the closed-form ridge classifier: no hyper-parameter to choose.

    Features are standardised by the records' own mean and deviation, a constant
    100 is the bias feature, targets are -1 and 1.

    Args:
      features: float `[n, features]`.
      labels: int `[n]`, or 0 and 1 `[n, classes]`.
      penalty: Weight of the squared norm.

    Source:
      The few-shot evaluator of big_vision (google-research): pre-logits,
      standardised, bias feature 100, penalty 2**10.
    """
    mean, spread = features.mean(0), features.std(0) + 1e-5
    rows = np.hstack([(features - mean) / spread, np.full((len(features), 1), 100.0)])
    one_hot = labels if labels.ndim == 2 else np.eye(labels.max() + 1)[labels]
    targets = 2.0 * one_hot - 1.0
    if len(rows) >= rows.shape[1]:
        gram = rows.T @ rows + penalty * np.eye(rows.shape[1])
        solution = np.linalg.solve(gram, rows.T @ targets)
    else:
        gram = rows @ rows.T + penalty * np.eye(len(rows))
        solution = rows.T @ np.linalg.solve(gram, targets)
    weight = solution[:-1] / spread[:, None]
    bias = 100.0 * solution[-1] - mean @ weight
    return Solved(weight=weight, bias=bias, chosen={"classifier": "ridge"})


def _span(features):
    features = np.asarray(features, np.float64)
    if features.shape[0] >= features.shape[1]:
        return features, np.eye(features.shape[1])
    basis, triangle = np.linalg.qr(features.T)
    return triangle.T, basis


def _estimator(name, balanced, seed, several):
    weights = "balanced" if balanced else None
    if name == "svm":
        made = svm.LinearSVC(class_weight=weights, random_state=seed, max_iter=20_000)
    else:
        made = linear_model.LogisticRegression(class_weight=weights, max_iter=5_000)
    return multiclass.OneVsRestClassifier(made) if several else made


def _searched(estimator, features, labels, head, seed):
    key = "estimator__C" if labels.ndim == 2 else "C"
    folds, count = _folds(labels, head.folds, seed)
    measure = "neg_log_loss" if head.classifier == "logistic" else "accuracy"
    if labels.ndim == 2:
        measure = "f1_micro"
    if count < 2:
        estimator.set_params(**{key: 1.0})
        chosen = {"C": 1.0, "note": "too few records of a class to cross-validate"}
        return _quietly(estimator.fit, features, labels), chosen
    search = model_selection.GridSearchCV(
        estimator, {key: sorted(head.strengths)}, scoring=measure, cv=folds
    )
    found = _quietly(search.fit, features, labels)
    best = found.best_params_[key]
    chosen = {"classifier": head.classifier, "C": best, "folds": count}
    chosen[f"cv_{measure}"] = float(found.best_score_)
    return found.best_estimator_, chosen


def _folds(labels, wanted, seed):
    if labels.ndim == 2:
        count = min(wanted, len(labels) // 2)
        kind = model_selection.KFold
    else:
        count = min(wanted, int(np.bincount(labels).min()))
        kind = model_selection.StratifiedKFold
    if count < 2:
        return None, count
    return kind(count, shuffle=True, random_state=seed), count


def _quietly(fit, features, labels):
    # Very weak penalties need not converge; cross-validation then prefers others.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        try:
            return fit(features, labels)
        except ValueError as error:
            raise errors.UserError(f"head.classifier: {error}") from None


def _dense(found, several):
    if several:
        weight = np.stack([e.coef_[0] for e in found.estimators_], 1)
        return weight, np.array([e.intercept_[0] for e in found.estimators_])
    weight, bias = found.coef_.T, found.intercept_
    if weight.shape[1] == 1:
        # two classes: half of the margin each way, so that the softmax of the
        # two logits is the sigmoid of the one score
        weight, bias = np.hstack([-weight, weight]) / 2, np.append(-bias, bias) / 2
    return weight, bias
