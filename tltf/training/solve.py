"""Classifiers solved on frozen features, as the weights of one Dense layer."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import threadpoolctl
from scipy import sparse
from sklearn import exceptions, linear_model, model_selection, multiclass, svm

from tltf import errors

# numbers in the features from which more than one thread is of use
_SHARED = 20_000_000
# log odds of a label that every record carries
_CERTAIN = 10.0


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


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """What a classifier is solved on.

    Attributes:
      features: float `[n, features]`, rows of unit length; or a SciPy sparse
        matrix of that shape.
      labels: int `[n]`, or 0 and 1 `[n, classes]`.
      weights: Weight of each row, float `[n]`.
      groups: Rows of one group stay in one fold, int `[n]`: the views of an
        image, the records of a group.
    """

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    groups: np.ndarray


def fit(sample: Sample, *, head, balanced: bool, seed: int) -> Solved:
    """Fits the classifier that `head` names.

    Args:
      sample: Rows to learn from.
      head: A `specs.Head`.
      balanced: Weigh classes by the inverse of their frequency.
      seed: Of the folds.

    Returns:
      A `Solved`. For logistic and svm, C is the one of the best mean score
      over the folds, the smallest of equal ones; folds are cut from these
      records only.

    Raises:
      UserError: Weights or balance that this classifier cannot heed.
    """
    features, labels = sample.features, sample.labels
    uneven = np.ptp(sample.weights) > 0
    if (head.classifier == "ridge" and (uneven or balanced)) or (
        uneven and labels.ndim == 2
    ):
        raise errors.UserError(
            "head.classifier: sample weights and imbalance need logistic or svm and "
            "one label a record; or take method: freeze"
        )
    if head.classifier == "ridge":
        return ridge(features, labels)
    # The solution lies in the span of the records (representer theorem), so
    # with fewer records than features the same optimum is found in n dimensions.
    reduced, basis = _span(features)
    estimator = _estimator(head.classifier, balanced, seed, labels.ndim == 2)
    reduced = dataclasses.replace(sample, features=reduced)
    found, chosen = _searched(estimator, reduced, head, seed)
    weight, bias = _dense(found, labels.ndim == 2)
    weight = weight if basis is None else basis @ weight
    return Solved(weight=weight, bias=bias, chosen=chosen)


def folded(groups: np.ndarray) -> np.ndarray:
    """Returns a number for each group; an empty name is a group of its own."""
    named = {name: number for number, name in enumerate(sorted(set(groups)))}
    rows = np.arange(len(groups)) + len(named)
    return np.array(
        [named[g] if g else row for g, row in zip(groups, rows, strict=True)]
    )


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
    if sparse.issparse(features):
        return features, None  # solvers use the zeros; a dense basis has none
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


def _searched(estimator, sample: Sample, head, seed):
    several = sample.labels.ndim == 2
    key = "estimator__C" if several else "C"
    folds, count = _folds(sample, head.folds, seed)
    weights = {} if several else {"sample_weight": sample.weights}
    if count < 2:
        estimator.set_params(**{key: 1.0})
        chosen = {"C": 1.0, "note": "too few records of a class to cross-validate"}
        data = (sample.features, sample.labels)
        return _quietly(estimator.fit, *data, **weights), chosen
    measure = "neg_log_loss" if head.classifier == "logistic" else "accuracy"
    if several:
        measure = "f1_micro"
    search = model_selection.GridSearchCV(
        estimator, {key: sorted(head.strengths)}, scoring=measure, cv=folds
    )
    found = _quietly(
        search.fit, sample.features, sample.labels, groups=sample.groups, **weights
    )
    best = found.best_params_[key]
    chosen = {"classifier": head.classifier, "C": best, "folds": count}
    chosen[f"cv_{measure}"] = float(found.best_score_)
    return found.best_estimator_, chosen


def _folds(sample: Sample, wanted: int, seed: int):
    if sample.labels.ndim == 2:
        count = min(wanted, len(np.unique(sample.groups)) // 2)
        kind = model_selection.GroupKFold
    else:
        pairs = np.unique(np.stack([sample.labels, sample.groups], 1), axis=0)
        count = min(wanted, int(np.bincount(pairs[:, 0]).min()))
        kind = model_selection.StratifiedGroupKFold
    if count < 2:
        return None, count
    return kind(count, shuffle=True, random_state=seed), count


def _quietly(fit, features, labels, **options):
    # Very weak penalties need not converge; cross-validation then prefers others.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        warnings.filterwarnings("ignore", "Label .* is present in all")
        # threads of BLAS that wait by spinning take the cores from other work, and
        # on small matrices have nothing to share: 36 steps on 4,891 x 50 took 0.2 s
        # with one thread and 3 s with two on a busy machine of two cores
        alone = 1 if features.shape[0] * features.shape[1] < _SHARED else None
        try:
            with threadpoolctl.threadpool_limits(alone):
                return fit(features, labels, **options)
        except ValueError as error:
            raise errors.UserError(f"head.classifier: {error}") from None


def _dense(found, several):
    if several:
        pairs = [_single(one, found.n_features_in_) for one in found.estimators_]
        return np.stack([w for w, _ in pairs], 1), np.array([b for _, b in pairs])
    weight, bias = found.coef_.T, found.intercept_
    if weight.shape[1] == 1:
        # two classes: half of the margin each way, so that the softmax of the
        # two logits is the sigmoid of the one score
        weight, bias = np.hstack([-weight, weight]) / 2, np.append(-bias, bias) / 2
    return weight, bias


def _single(estimator, features: int):
    if hasattr(estimator, "coef_"):
        return estimator.coef_[0], estimator.intercept_[0]
    # scikit-learn puts a constant where all records, or none, carry the label
    always = estimator.predict(np.zeros((1, features)))[0]
    return np.zeros(features), _CERTAIN if always else -_CERTAIN
