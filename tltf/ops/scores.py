"""Scores of answers against labels, each with one definition for the package."""

import numpy as np
from sklearn import metrics

from tltf import errors
from tltf.ops import bootstrap

BINS = 15  # of the reliability diagram; Guo et al. 2017 (arXiv:1706.04599)


def single(
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Returns the scores of records with one label each.

    A class that no record carries has no recall and no curve; averages go over
    the others and `absent_classes` says how many were left out. What is not
    defined at all, such as an AUC over one class, is left out.

    Args:
      labels: Class of each record, int `[n]`, n >= 1.
      probabilities: `[n, classes]`, rows sum to 1; ties go to the first class.
      resamples: Of the bootstrap interval of accuracy (percentile, 95 %).
      seed: Of that bootstrap.

    Returns:
      `accuracy`, `accuracy_low`, `accuracy_high`, `class_averaged_accuracy`
      (mean recall), `log_loss`, `brier` (sum over classes, 0..2, Brier 1950),
      `ece` (15 bins), `roc_auc_macro`, `roc_auc_micro`,
      `average_precision_macro`, `average_precision_micro` (one class against
      the rest, also where there are two), `top5` where there are over 5 classes,
      `absent_classes` where there are any.

    Raises:
      UserError: No records.
      WorkError: A probability that is not finite.
      ValueError: Shapes that do not agree, or a label out of range.
    """
    labels = np.asarray(labels)
    probabilities = checked(probabilities, len(labels))
    classes = probabilities.shape[1]
    if labels.ndim != 1 or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must be int [n] in 0..{classes - 1}")
    truth = one_hot(labels, classes)
    hits = probabilities.argmax(-1) == labels
    found = {
        **_with_interval("accuracy", hits, resamples, seed),
        "class_averaged_accuracy": _mean_recall(labels, probabilities),
        "log_loss": _log_loss((probabilities * truth).sum(-1)),
        "brier": ((probabilities - truth) ** 2).sum(-1).mean(),
        "ece": calibration_error(labels, probabilities),
        **ranking(truth, probabilities),
    }
    if classes > 5:
        found["top5"] = _top(labels, probabilities, 5)
    return _plain(found | _absent(truth))


def several(
    labels: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Returns the scores of records that may carry several labels.

    Args:
      labels: 0 or 1, `[n, classes]`, n >= 1.
      probabilities: `[n, classes]`, each in 0..1.
      thresholds: A label is given where its probability is at least this,
        `[classes]`.
      resamples: Of the bootstrap intervals over records (percentile, 95 %).
      seed: Of that bootstrap.

    Returns:
      `hamming_accuracy` (share of right decisions) and `exact_match` (share of
      records with every decision right), each with `_low` and `_high`;
      `mean_average_precision` (labels with a record), `f1_macro` (the same
      labels), `f1_micro`, `log_loss` (a decision), `roc_auc_macro`,
      `roc_auc_micro`, `average_precision_micro`; `absent_classes` as `single`.

    Raises:
      UserError: No records.
      WorkError: A probability that is not finite.
      ValueError: Shapes that do not agree.
    """
    truth = np.asarray(labels) > 0
    probabilities = checked(probabilities, len(truth))
    if truth.shape != probabilities.shape:
        raise ValueError(f"labels {truth.shape} but answers {probabilities.shape}")
    given = probabilities >= np.asarray(thresholds)
    right = given == truth
    found = {
        **_with_interval("hamming_accuracy", right.mean(-1), resamples, seed),
        **_with_interval("exact_match", right.all(-1), resamples, seed),
        "log_loss": _log_loss(np.where(truth, probabilities, 1 - probabilities)),
        **_f1(truth, given),
        **ranking(truth, probabilities),
    }
    if "average_precision_macro" in found:
        found["mean_average_precision"] = found.pop("average_precision_macro")
    return _plain(found | _absent(truth))


def per_class(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Returns recall, precision, f1 and support of each class.

    Args:
      labels: int `[n]`, or 0 and 1 `[n, classes]`.
      probabilities: `[n, classes]`; for several labels the decisions, bool.

    Returns:
      Four arrays `[classes]`; 0 where a class was never given or never true, as
      `support` tells (int).
    """
    probabilities = np.asarray(probabilities)
    classes = probabilities.shape[1]
    if np.ndim(labels) == 2:
        truth, given = np.asarray(labels) > 0, probabilities > 0
    else:
        truth = one_hot(labels, classes) > 0
        given = one_hot(probabilities.argmax(-1), classes) > 0
    right = (truth & given).sum(0)
    support, answers = truth.sum(0), given.sum(0)
    return {
        "recall": right / np.maximum(support, 1),
        "precision": right / np.maximum(answers, 1),
        "f1": 2 * right / np.maximum(support + answers, 1),
        "support": support,
    }


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns counts `[true class, given class]` of single labels, int64."""
    classes = probabilities.shape[1]
    pairs = np.asarray(labels, np.int64) * classes + probabilities.argmax(-1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Returns confidence and accuracy in equal bins of the answer's probability.

    Returns:
      `count`, `confidence`, `accuracy`, each `[15]`; 0 in an empty bin. Bin k
      holds probabilities in (k / 15, (k + 1) / 15].

    Source:
      Guo et al. 2017 (arXiv:1706.04599), section 2, equations 1 to 3.
    """
    sure = np.max(probabilities, axis=-1)
    hits = np.argmax(probabilities, axis=-1) == labels
    bins = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    whole = np.maximum(count, 1)
    return {
        "count": count,
        "confidence": np.bincount(bins, sure, BINS) / whole,
        "accuracy": np.bincount(bins, hits, BINS) / whole,
    }


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Returns the expected calibration error over the 15 bins, in 0..1."""
    bins = reliability(labels, probabilities)
    gap = np.abs(bins["accuracy"] - bins["confidence"])
    return float((gap * bins["count"]).sum() / bins["count"].sum())


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns 1 at each record's class and 0 elsewhere, float64 `[n, classes]`."""
    return np.eye(classes)[np.asarray(labels)]


def checked(probabilities: np.ndarray, count: int) -> np.ndarray:
    """Returns answers as float64 `[n, k]` if there are some, all of them finite.

    Raises:
      UserError: No records.
      WorkError: A value that is not finite.
      ValueError: Not one row for each of `count` records.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or len(probabilities) != count:
        raise ValueError(f"{count} labels but answers of shape {probabilities.shape}")
    if not count:
        raise errors.UserError("there are no records to score; check the split's slice")
    bad = np.flatnonzero(~np.isfinite(probabilities).all(-1))
    if len(bad):
        raise errors.WorkError(
            f"{len(bad)} of {count} records have an answer that is not a number, "
            f"first record {bad[0]}: training diverged; lower the rate"
        )
    return probabilities


def ranking(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Returns areas under the curves, those that are defined.

    Args:
      truth: 0 or 1, `[n, classes]`.
      probabilities: `[n, classes]`.

    Returns:
      `roc_auc_macro`, `roc_auc_micro`, `average_precision_macro`,
      `average_precision_micro`; means are over the classes that have one.
    """
    # An AUC needs both sides; average precision needs one true record.
    both = (truth > 0).any(0) & (truth == 0).any(0)
    some = (truth > 0).any(0)
    found = {}
    if both.any():
        areas = [
            metrics.roc_auc_score(truth[:, k], probabilities[:, k])
            for k in np.flatnonzero(both)
        ]
        found["roc_auc_macro"] = np.mean(areas)
        found["roc_auc_micro"] = metrics.roc_auc_score(
            truth.ravel(), probabilities.ravel()
        )
    if some.any():
        precisions = [
            metrics.average_precision_score(truth[:, k], probabilities[:, k])
            for k in np.flatnonzero(some)
        ]
        found["average_precision_macro"] = np.mean(precisions)
        found["average_precision_micro"] = metrics.average_precision_score(
            truth.ravel(), probabilities.ravel()
        )
    return found


def _mean_recall(labels: np.ndarray, probabilities: np.ndarray) -> float:
    table = per_class(labels, probabilities)
    return table["recall"][table["support"] > 0].mean()


def _absent(truth: np.ndarray) -> dict[str, float]:
    missing = (~(truth > 0).any(axis=0)).sum()
    return {"absent_classes": missing} if missing else {}


def _f1(truth: np.ndarray, given: np.ndarray) -> dict[str, float]:
    seen = truth.any(axis=0)
    right = (truth & given).sum()
    found = {"f1_micro": 2 * right / max(1, truth.sum() + given.sum())}
    if seen.any():
        found["f1_macro"] = per_class(truth, given)["f1"][seen].mean()
    return found


def _with_interval(
    name: str, values: np.ndarray, resamples: int, seed: int
) -> dict[str, float]:
    low, high = bootstrap.mean(values, resamples=resamples, seed=seed)
    return {name: values.mean(), f"{name}_low": low, f"{name}_high": high}


def _log_loss(right: np.ndarray) -> float:
    return -np.log(np.maximum(right, np.finfo(np.float64).eps)).mean()


def _top(labels: np.ndarray, probabilities: np.ndarray, k: int) -> float:
    best = np.argsort(-probabilities, axis=-1, kind="stable")[:, :k]
    return (best == labels[:, None]).any(-1).mean()


def _plain(found: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}
