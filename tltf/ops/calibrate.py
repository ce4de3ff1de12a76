"""Turns scores into probabilities and decisions, chosen on validation records."""

from collections.abc import Callable

import numpy as np
from scipy import optimize, special

# Temperatures outside make every answer certain or every answer a guess.
_RANGE = (1e-2, 1e2)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities that sum to 1 over the last axis, float64."""
    return special.softmax(np.asarray(logits, np.float64), axis=-1)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Returns an independent probability for each logit, float64."""
    return special.expit(np.asarray(logits, np.float64))


def temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns T so that softmax(logits / T) has the least log loss.

    Args:
      logits: Logits or margins of validation records, `[n, classes]`, n >= 1.
      labels: Class of each record, int `[n]`.

    Returns:
      T in [0.01, 100]; above 1 where the network is too sure of itself.

    Source:
      Guo et al. 2017 (arXiv:1706.04599), section 4.2. Departure: a share
      1 / (n + 2) of each target goes to the other classes, as in Platt 1999
      ("Probabilistic outputs for support vector machines"), because without it
      records that are all answered right drive T to zero.
    """
    logits = np.asarray(logits, np.float64)
    count, classes = logits.shape
    rest = 1 / (count + 2)
    targets = np.full(logits.shape, rest / max(1, classes - 1))
    targets[np.arange(count), labels] = 1 - rest

    def loss(scaled: np.ndarray) -> float:
        return -(targets * special.log_softmax(scaled, axis=-1)).sum(-1).mean()

    return _least(logits, loss)


def sigmoid_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns T so that sigmoid(logits / T) has the least log loss over all labels.

    Args:
      logits: `[n, classes]`, n >= 1.
      labels: 0 or 1, `[n, classes]`.

    Returns:
      T in [0.01, 100], as `temperature`.
    """
    logits = np.asarray(logits, np.float64)
    rest = 1 / (len(logits) + 2)
    targets = np.where(np.asarray(labels) > 0, 1 - rest, rest)

    def loss(scaled: np.ndarray) -> float:
        right, wrong = special.log_expit(scaled), special.log_expit(-scaled)
        return -(targets * right + (1 - targets) * wrong).mean()

    return _least(logits, loss)


def thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns for each label the threshold with the best F1.

    A label is given where its probability is at least its threshold. Thresholds
    lie half-way between neighbouring probabilities; of equally good ones the
    nearest to 0.5 is taken. A label that no record carries keeps 0.5.

    Args:
      labels: 0 or 1, `[n, classes]`.
      probabilities: `[n, classes]`.

    Returns:
      float64 `[classes]`.
    """
    columns = zip(np.asarray(labels).T, np.asarray(probabilities, float).T, strict=True)
    return np.array([_threshold(truth, given) for truth, given in columns])


def _threshold(truth: np.ndarray, given: np.ndarray) -> float:
    if not truth.any():
        return 0.5
    levels = np.unique(given)
    cuts = (np.concatenate([[0.0], levels[:-1]]) + levels) / 2
    rows = np.searchsorted(np.sort(given), cuts)  # records below each cut
    hits = np.searchsorted(np.sort(given[truth > 0]), cuts)
    right = (truth > 0).sum() - hits
    f1 = 2 * right / (len(given) - rows + (truth > 0).sum())
    best = cuts[f1 >= f1.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])


def _least(logits: np.ndarray, loss: Callable[[np.ndarray], float]) -> float:
    # Over log T both directions are alike; the loss has one minimum there, for
    # it is convex in 1 / T.
    found = optimize.minimize_scalar(
        lambda log: loss(logits / np.exp(log)),
        bounds=np.log(_RANGE),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))
