"""Levels in order: their probabilities from conditional logits, and their scores."""

import numpy as np
from scipy import special

from tltf.ops import bootstrap, scores


def logs(logits: np.ndarray) -> np.ndarray:
    """Returns the log of each level's probability, float64 `[..., levels]`.

    Logit k is that of "above level k, given at least level k", so level k has the
    product of the chances to pass all levels below it, and not to pass it.

    Args:
      logits: float `[..., levels - 1]`.

    Source:
      CORN: Shi, Cao, Raschka 2021 (arXiv:2111.08851).
    """
    logits = np.asarray(logits, np.float64)
    none = np.zeros((*logits.shape[:-1], 1))
    passed = np.cumsum(special.log_expit(logits), -1)
    stopped = np.concatenate([special.log_expit(-logits), none], -1)
    return np.concatenate([none, passed], -1) + stopped


def median(probabilities: np.ndarray) -> np.ndarray:
    """Returns the median level of `[..., levels]`, int `[...]`: the number of levels
    that are passed with a probability over one half.

    Source:
      CORN (arXiv:2111.08851) answers the same rank.
    """
    above = 1 - np.cumsum(probabilities, -1)[..., :-1]
    return (above > 0.5).sum(-1)


def ordered(
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Returns the scores of records with one of several levels in order.

    The answer is the median level. Intervals stand beside as `_low` and `_high`
    (percentile bootstrap over records, 95 %).

    Args:
      labels: Level of each record, int `[n]`, n >= 1, 0 the lowest.
      probabilities: `[n, levels]`, rows sum to 1.
      resamples: Of the bootstrap.
      seed: Of the bootstrap.

    Returns:
      `quadratic_kappa` (agreement beyond chance with squared distances as weights;
      0 where chance leaves nothing to disagree on), `accuracy`,
      `mean_absolute_error` (in levels), each with its interval;
      `class_averaged_accuracy`, `log_loss`, `absent_classes` where there are any.

    Raises:
      UserError: No records.
      WorkError: A probability that is not finite.

    Source:
      Cohen 1968, "Weighted kappa", Psychological Bulletin 70(4).
    """
    labels = np.asarray(labels)
    probabilities = scores.checked(probabilities, len(labels))
    levels = probabilities.shape[1]
    answers = median(probabilities)
    counts = np.bincount(labels * levels + answers, minlength=levels**2)
    right = probabilities[np.arange(len(labels)), labels]
    # resampling records draws from exactly this distribution of pairs
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(labels), counts / len(labels), resamples)
    whole, samples = _of_pairs(counts[None]), _of_pairs(drawn)
    found: dict[str, float] = {}
    for name, value in whole.items():
        low, high = bootstrap.percentiles(samples[name])
        found |= {name: float(value[0]), f"{name}_low": low, f"{name}_high": high}
    found["log_loss"] = float(-np.log(np.maximum(right, np.finfo(float).eps)).mean())
    return found | _of_classes(counts.reshape(levels, levels))


def _of_classes(pairs: np.ndarray) -> dict[str, float]:
    support = pairs.sum(1)
    recall = np.diag(pairs)[support > 0] / support[support > 0]
    missing = int((support == 0).sum())
    absent = {"absent_classes": float(missing)} if missing else {}
    return {"class_averaged_accuracy": float(recall.mean()), **absent}


def _of_pairs(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Returns each score `[k]` of counts of (true, given) pairs, `[k, levels ** 2]`."""
    levels = int(counts.shape[1] ** 0.5)
    place = np.arange(levels)
    distance = np.abs(place[:, None] - place).ravel()
    shares = counts / counts.sum(1, keepdims=True)
    tables = shares.reshape(-1, levels, levels)
    chance = tables.sum(2)[:, :, None] * tables.sum(1)[:, None, :]
    expected = chance.reshape(len(counts), -1) @ distance**2
    observed = shares @ distance**2
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = np.where(expected > 0, 1 - observed / expected, 0.0)
    return {
        "quadratic_kappa": kappa,
        "accuracy": shares @ (distance == 0),
        "mean_absolute_error": shares @ distance,
    }
