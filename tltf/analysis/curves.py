"""Points of ROC, precision-recall and learning curves, and what was confused."""

import dataclasses

import numpy as np
from sklearn import metrics

from tltf.ops import scores

POINTS = 300  # of a drawn curve; more cannot be told apart


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """One kind of curve over all classes.

    Attributes:
      classes: (x, y) of each class that has a curve, by class number.
      macro: Mean of the classes' y at the same x.
      micro: All decisions of all classes pooled.
    """

    classes: dict[int, tuple[np.ndarray, np.ndarray]]
    macro: tuple[np.ndarray, np.ndarray]
    micro: tuple[np.ndarray, np.ndarray]


def roc(truth: np.ndarray, probabilities: np.ndarray) -> Curves | None:
    """Returns false against true positive rates; None where no class has both.

    Args:
      truth: 0 or 1, `[n, classes]`.
      probabilities: `[n, classes]`.
    """
    found = {
        k: metrics.roc_curve(truth[:, k], probabilities[:, k])[:2]
        for k in range(truth.shape[1])
        if 0 < truth[:, k].sum() < len(truth)
    }
    if not found:
        return None
    grid = np.unique(np.concatenate([x for x, _ in found.values()]))
    mean = np.mean([np.interp(grid, x, y) for x, y in found.values()], 0)
    pooled = metrics.roc_curve(truth.ravel(), probabilities.ravel())[:2]
    # an average of curves starts in the corner, where each of them starts
    macro = np.concatenate([[0.0], grid]), np.concatenate([[0.0], mean])
    return _thinned(Curves(classes=found, macro=macro, micro=pooled))


def precision_recall(truth: np.ndarray, probabilities: np.ndarray) -> Curves | None:
    """Returns recall against precision; None where no class has a record.

    Args:
      truth: 0 or 1, `[n, classes]`.
      probabilities: `[n, classes]`.
    """
    found = {
        k: _precision(truth[:, k], probabilities[:, k])
        for k in range(truth.shape[1])
        if truth[:, k].any()
    }
    if not found:
        return None
    grid = np.linspace(0, 1, POINTS)
    mean = np.mean([np.interp(grid, x, y) for x, y in found.values()], 0)
    pooled = _precision(truth.ravel(), probabilities.ravel())
    return _thinned(Curves(classes=found, macro=(grid, mean), micro=pooled))


def uncalibrated(
    probabilities: np.ndarray, temperature: float, *, several: bool
) -> np.ndarray:
    """Returns probabilities as they were before division by the temperature.

    Args:
      probabilities: `[n, classes]`, of softmax, or of sigmoid for several labels.
      temperature: That logits were divided by.
      several: Whether a record may have several labels.
    """
    clipped = np.clip(probabilities, 1e-9, 1 - 1e-9)
    if several:
        odds = (clipped / (1 - clipped)) ** temperature
        return odds / (1 + odds)
    logs = temperature * np.log(clipped)
    powers = np.exp(logs - logs.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def decisions(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns several labels as yes-or-no records: labels `[m]`, `[m, 2]`.

    Records with one label are returned as they are.
    """
    if labels.ndim == 1:
        return labels, probabilities
    flat = probabilities.ravel()
    return labels.ravel(), np.stack([1 - flat, flat], axis=-1)


def losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns the log loss of each record, `[n]`; a mean over several labels."""
    if labels.ndim == 1:
        right = probabilities[np.arange(len(labels)), labels]
        return -np.log(np.maximum(right, 1e-9))
    right = np.where(labels > 0, probabilities, 1 - probabilities)
    return -np.log(np.maximum(right, 1e-9)).mean(-1)


def confused(matrix: np.ndarray, most: int = 10) -> list[tuple[int, int, int]]:
    """Returns (true, given, count) of the most frequent mistakes, most first.

    Args:
      matrix: Counts `[true, given]`.
      most: Pairs to return; pairs never confused are left out.
    """
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(matrix)) for place in order]
    return [(t, g, int(wrong[t, g])) for t, g in pairs if wrong[t, g]]


def truth(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns labels of either kind as 0 and 1, `[n, classes]`."""
    return labels if labels.ndim == 2 else scores.one_hot(labels, classes)


def _precision(truth, given):
    precision, recall, _ = metrics.precision_recall_curve(truth, given)
    return recall[::-1], precision[::-1]


def _thinned(curves: Curves) -> Curves:
    return Curves(
        classes={k: _thin(*curve) for k, curve in curves.classes.items()},
        macro=_thin(*curves.macro),
        micro=_thin(*curves.micro),
    )


def _thin(x, y):
    if len(x) <= POINTS:
        return x, y
    places = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(int))
    return x[places], y[places]
