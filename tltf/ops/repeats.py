"""Mean and interval over repeated runs."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def spread(found: Sequence[float], name: str = "accuracy") -> dict[str, float]:
    """Returns mean and Student interval (95 %) of a score of repeated runs.

    Args:
      found: One value for each run, two or more.
      name: Of the score.

    Returns:
      `<name>_mean`, `<name>_mean_low`, `<name>_mean_high` and `<name>_std`, the
      last with n - 1.
    """
    values = np.asarray(found, np.float64)
    mean, deviation = values.mean(), values.std(ddof=1)
    reach = stats.t.ppf(0.975, len(values) - 1) * deviation / np.sqrt(len(values))
    return {
        f"{name}_mean": float(mean),
        f"{name}_mean_low": float(mean - reach),
        f"{name}_mean_high": float(mean + reach),
        f"{name}_std": float(deviation),
    }
