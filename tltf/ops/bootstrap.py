"""Percentile bootstrap intervals of means."""

import numpy as np

# Numbers drawn at once, so that memory does not grow with records x resamples.
_AT_ONCE = 4_000_000


def mean(
    values: np.ndarray, *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Returns the percentile interval of the mean over resampled records.

    Args:
      values: One number a record, such as 1 for a right answer, `[n]`, n >= 1.
      resamples: Draws with replacement, each of n records.
      seed: Repeats the same draws.
      level: Share of the resampled means inside the interval, in (0, 1).

    Returns:
      (low, high).

    Source:
      Efron 1979, "Bootstrap methods", The Annals of Statistics 7(1).
    """
    values = np.asarray(values, np.float64)
    return percentiles(_means(values, resamples, seed), level)


def difference(
    first: np.ndarray, second: np.ndarray, *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Returns the 95 % interval of mean(first) - mean(second) on the same records.

    Args:
      first: One number a record, `[n]`.
      second: The same records in the same order, `[n]`; pairs are drawn together.
      resamples: Draws with replacement.
      seed: Repeats the same draws.
    """
    gap = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return mean(gap, resamples=resamples, seed=seed)


def sums(columns: np.ndarray, *, resamples: int = 1000, seed: int = 0) -> np.ndarray:
    """Returns the sum of each column over resampled records, `[resamples, k]`.

    Args:
      columns: What is summed, one row a record, `[n, k]`, n >= 1.
      resamples: Draws with replacement, each of n records.
      seed: Repeats the same draws.
    """
    generator, count = np.random.default_rng(seed), len(columns)
    found = np.empty((resamples, columns.shape[1]))
    for number in range(resamples):
        rows = generator.integers(0, count, count)
        found[number] = np.bincount(rows, minlength=count) @ columns
    return found


def percentiles(means: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Returns the middle `level` of resampled values `[resamples]` as (low, high)."""
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _means(values: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    count = len(values)
    if np.isin(values, (0.0, 1.0)).all():
        # Resampling zeros and ones draws from exactly this distribution.
        return generator.binomial(count, values.mean(), resamples) / count
    step = max(1, _AT_ONCE // count)
    parts = []
    for start in range(0, resamples, step):
        rows = generator.integers(0, count, (min(step, resamples - start), count))
        parts.append(values[rows].mean(axis=1))
    return np.concatenate(parts)
