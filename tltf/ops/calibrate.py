"""Turns scores into probabilities and decisions, chosen on validation records."""

from collections.abc import Callable

import numpy as np
from scipy import optimize, special

from tltf.ops import levels

Loss = Callable[[np.ndarray], float]

# Temperatures outside make every answer certain or every answer a guess.
_RANGE = (1e-2, 1e2)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities that sum to 1 over the last axis, float64."""
    return special.softmax(np.asarray(logits, np.float64), axis=-1)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Returns an independent probability for each logit, float64."""
    return special.expit(np.asarray(logits, np.float64))


def temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns T so that probabilities of logits / T have the least log loss.

    Args:
      logits: Logits or margins of validation records, `[n, classes]`, n >= 1.
      labels: Class of each record, int `[n]`, for softmax; or 0 and 1
        `[n, classes]`, for independent sigmoids.

    Returns:
      T in [0.01, 100]; above 1 where the network is too sure of itself.

    Source:
      Guo et al. 2017 (arXiv:1706.04599), section 4.2. Departure: a share
      1 / (n + 2) of each target goes to the other classes, as in Platt 1999
      ("Probabilistic outputs for support vector machines"), because without it
      records that are all answered right drive T to zero.
    """
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    if labels.ndim == 2:
        return _least(logits, _sigmoid_loss(labels))
    return _least(logits, _softmax_loss(labels, logits.shape[1]))


def of_levels(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns T so that levels by logits / T have the least log loss.

    Args:
      logits: Of validation records, `[n, levels - 1]`; see `ops.levels`.
      labels: Level of each record, int `[n]`.

    Returns:
      T in [0.01, 100]; see `temperature`, source and departure included.
    """
    targets = _targets(np.asarray(labels), np.shape(logits)[1] + 1)

    def loss(scaled: np.ndarray) -> float:
        return -(targets * levels.logs(scaled)).sum(-1).mean()

    return _least(np.asarray(logits, np.float64), loss)


def _softmax_loss(labels: np.ndarray, classes: int) -> Loss:
    targets = _targets(labels, classes)

    def loss(scaled: np.ndarray) -> float:
        return -(targets * special.log_softmax(scaled, axis=-1)).sum(-1).mean()

    return loss


def _targets(labels: np.ndarray, classes: int) -> np.ndarray:
    count = len(labels)
    rest = 1 / (count + 2)
    targets = np.full((count, classes), rest / max(1, classes - 1))
    targets[np.arange(count), labels] = 1 - rest
    return targets


def _sigmoid_loss(labels: np.ndarray) -> Loss:
    rest = 1 / (len(labels) + 2)
    targets = np.where(labels > 0, 1 - rest, rest)

    def loss(scaled: np.ndarray) -> float:
        right, wrong = special.log_expit(scaled), special.log_expit(-scaled)
        return -(targets * right + (1 - targets) * wrong).mean()

    return loss


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


def _least(logits: np.ndarray, loss: Loss) -> float:
    # Over log T both directions are alike; the loss has one minimum there, for
    # it is convex in 1 / T.
    found = optimize.minimize_scalar(
        lambda log: loss(logits / np.exp(log)),
        bounds=np.log(_RANGE),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))
