"""Scores of answers that are numbers."""

import numpy as np
from scipy import stats

from tltf.ops import bootstrap, scores


def number(
    labels: np.ndarray, answers: np.ndarray, *, resamples: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Returns the scores of records with one number each.

    Each has its interval beside it as `_low` and `_high` (percentile bootstrap over
    records, 95 %). A correlation where one side is constant is left out.

    Args:
      labels: float `[n]`, n >= 1, finite.
      answers: float `[n]`, in the same units.
      resamples: Of the bootstrap.
      seed: Of the bootstrap.

    Returns:
      `r2` (1 - squared error / that of the labels' mean; where the labels are
      constant 1 for no error, else 0), `mean_absolute_error`,
      `root_mean_squared_error`, `pearson`, `spearman`. The interval of `spearman`
      resamples the ranks of the whole split.

    Raises:
      UserError: No records.
      WorkError: An answer that is not finite.
      ValueError: Shapes that do not agree.
    """
    labels = np.asarray(labels, np.float64)
    answers = scores.checked(np.asarray(answers)[:, None], len(labels))[:, 0]
    columns = _columns(labels, answers)
    drawn = bootstrap.sums(columns, resamples=resamples, seed=seed)
    whole = _of_sums(columns.sum(0)[None])
    found: dict[str, float] = {}
    for name, values in _of_sums(drawn).items():
        value = float(whole[name][0])
        if np.isfinite(value):
            low, high = bootstrap.percentiles(values[np.isfinite(values)])
            found |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return found


def _columns(labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """What is summed over records, `[n, 13]`, so that any sample is scored by sums."""
    error = labels - answers
    ranks = stats.rankdata(labels), stats.rankdata(answers)
    pairs = [_moments(labels, answers), _moments(*ranks)]
    parts = [np.ones_like(error), np.abs(error), error**2, *pairs[0], *pairs[1]]
    return np.stack(parts, 1)


def _moments(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    # about the mean, or squares of large numbers would hide small differences
    x, y = x - x.mean(), y - y.mean()
    return [x, y, x * x, y * y, x * y]


def _of_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Returns each score `[k]` of sums `[k, 13]` in the order of `_columns`."""
    means = sums / sums[:, :1]
    _, absolute, squared, x, y, xx, yy, xy = means[:, :8].T
    spread = _positive(xx - x * x, xx)
    flat = np.where(squared > 0, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(spread > 0, 1 - squared / spread, flat)
    return {
        "r2": r2,
        "mean_absolute_error": absolute,
        "root_mean_squared_error": np.sqrt(squared),
        "pearson": _correlation(x, y, xx, yy, xy),
        "spearman": _correlation(*means[:, 8:].T),
    }


def _correlation(x, y, xx, yy, xy) -> np.ndarray:
    spread = _positive(xx - x * x, xx) * _positive(yy - y * y, yy)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, (xy - x * y) / np.sqrt(spread), np.nan)


def _positive(variance: np.ndarray, scale: np.ndarray) -> np.ndarray:
    # what rounding leaves of a constant is not spread
    return np.where(variance > 1e-12 * scale, variance, 0.0)
