"""Mean and interval over repeated runs."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def spread(accuracies: Sequence[float]) -> dict[str, float]:
    """Returns mean and Student interval (95 %) of the accuracy of repeated runs.

    Args:
      accuracies: One value for each run, two or more.

    Returns:
      `accuracy_mean`, `accuracy_mean_low`, `accuracy_mean_high`, `accuracy_std`,
      the last with n - 1.
    """
    values = np.asarray(accuracies, np.float64)
    mean, deviation = values.mean(), values.std(ddof=1)
    reach = stats.t.ppf(0.975, len(values) - 1) * deviation / np.sqrt(len(values))
    return {
        "accuracy_mean": float(mean),
        "accuracy_mean_low": float(mean - reach),
        "accuracy_mean_high": float(mean + reach),
        "accuracy_std": float(deviation),
    }
