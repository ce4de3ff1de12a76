"""What the report page shows, as plain values for its template."""

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tltf.analysis import curves, plots, run_folder, worst
from tltf.ops import levels, scores, tags

_TABLE = 25  # classes up to which the confusion matrix is a table
_TITLES = {
    "quadratic_kappa": "Quadratic weighted kappa",
    "r2": "R²",
    "accuracy": "Accuracy",
    "span_f1": "Span F1",
    "span_precision": "Span precision",
    "span_recall": "Span recall",
    "mean_absolute_error": "Mean absolute error",
    "root_mean_squared_error": "Root mean squared error",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "exact_match": "Exact match",
    "hamming_accuracy": "Hamming accuracy",
    "class_averaged_accuracy": "Class-averaged accuracy",
    "mean_average_precision": "Mean average precision",
    "f1_macro": "F1, macro",
    "roc_auc_macro": "ROC AUC, macro",
    "average_precision_macro": "Average precision, macro",
    "top5": "Top 5",
    "ece": "Calibration error",
    "log_loss": "Log loss",
    "brier": "Brier score",
}
_SHARES = {"accuracy", "exact_match", "hamming_accuracy", "class_averaged_accuracy"}
_SHARES |= {"top5", "ece", "span_f1", "span_precision", "span_recall"}
_ERRORS = {"mean_absolute_error", "root_mean_squared_error"}  # of any size


def headline(found: dict[str, float], form: str = "one") -> list[dict[str, str]]:
    """Returns the scores to show first, each with title, value and interval.

    Args:
      found: Scores of a split.
      form: As of `run_folder.Split`.
    """
    cards = []
    for name, title in _TITLES.items():
        if name not in found:
            continue
        if form == "tokens" and name == "accuracy":
            title = "Token accuracy"
        card = {"title": title, "value": _value(name, found[name]), "note": ""}
        if f"{name}_low" in found:
            ends = found[f"{name}_low"], found[f"{name}_high"]
            card["note"] = f"95 % interval {_between(name, *ends)}"
        cards.append(card)
    return cards


def split(folder: run_folder.Folder, answers: run_folder.Split) -> dict[str, Any]:
    """Returns everything shown of one split."""
    whole = {
        "name": answers.name,
        "form": answers.form,
        "count": len(answers.rows),
        "cards": headline(answers.scores, answers.form),
        "worst": worst.records(folder.classes, answers),
        "absent": int(answers.scores.get("absent_classes", 0)),
        "unread": int(answers.scores.get("unread_tokens", 0)),
        "spans": _spans(answers),
    }
    if answers.form == "number":
        none = {"classes": [], "matrix": None, "pairs": []}
        return whole | none | {"pictures": _of_numbers(answers)}
    # each token is a record of its own where labels are tags
    flat = _flat(answers)
    single = flat.labels.ndim == 1
    return whole | {
        "classes": _classes(folder, flat),
        "matrix": _matrix(folder.classes, flat) if single else None,
        "pairs": _pairs(folder.classes, flat) if single else [],
        "pictures": _pictures(folder, flat),
    }


def learning(history: Sequence[dict[str, float]]) -> list[dict[str, str]]:
    """Returns the learning curves that the history has columns for."""
    if not history:
        return []
    wanted = (
        ("Loss", "loss", {"loss": "train", "valid_loss": "valid"}),
        ("Accuracy", "accuracy", {"accuracy": "train", "valid_accuracy": "valid"}),
        (
            "Mean absolute error",
            "mean absolute error",
            {"valid_mean_absolute_error": "valid"},
        ),
    )
    shown = []
    for title, what, names in wanted:
        there = {k: v for k, v in names.items() if any(k in row for row in history)}
        if there:
            picture = plots.learning(history, there, what)
            shown.append({"title": title, "svg": picture, "note": ""})
    return shown


def bill(folder: run_folder.Folder) -> list[dict[str, Any]]:
    """Returns where the time went: parts with seconds and share of the total."""
    seconds = dict(folder.report.seconds)
    parts = sum(value for name, value in seconds.items() if name != "total")
    total = max(seconds.pop("total", parts), parts) or 1.0
    if total - parts > 0.05 * total and seconds:
        seconds["everything else"] = total - parts
    rows = [
        {"name": name, "value": duration(value), "share": 100 * value / total}
        for name, value in seconds.items()
    ]
    return [*rows, {"name": "total", "value": duration(total), "share": None}]


def duration(seconds: float) -> str:
    """Returns seconds as people read them, `0.4 s`, `75 s`, `12 min`, `3.1 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _flat(answers: run_folder.Split) -> run_folder.Split:
    if answers.form != "tokens":
        return answers
    return dataclasses.replace(
        answers,
        labels=np.concatenate(answers.labels),
        probabilities=np.concatenate(answers.probabilities),
    )


def _decided(answers: run_folder.Split) -> np.ndarray:
    """Returns scores whose largest is the answer, `[n, classes]`."""
    if answers.form != "levels":
        return answers.probabilities
    given = levels.median(answers.probabilities)
    return scores.one_hot(given, answers.probabilities.shape[1])


def _spans(answers: run_folder.Split) -> list[dict[str, Any]]:
    """Returns recall and precision of each type of span; none but for BIO tags."""
    if "span_f1" not in answers.scores:
        return []
    counts: collections.Counter = collections.Counter()
    for row in answers.rows:
        true, given = (set(tags.spans(row[key])) for key in ("label", "answer"))
        for what, found in (("true", true), ("given", given), ("right", true & given)):
            counts.update((kind, what) for _, _, kind in found)
    rows = []
    for kind in sorted({kind for kind, _ in counts}):
        right, true, given = (counts[kind, w] for w in ("right", "true", "given"))
        row = {"recall": right / max(true, 1), "precision": right / max(given, 1)}
        row |= {"f1": 2 * right / max(true + given, 1), "support": true}
        rows.append(row | {"name": kind or "spans"})
    return sorted(rows, key=lambda row: (not row["support"], row["f1"]))


def _of_numbers(answers: run_folder.Split) -> list[dict[str, str]]:
    labels, given = answers.labels, answers.probabilities[:, 0]
    return [
        {
            "title": "Answer against label",
            "svg": plots.against(labels, given),
            "note": "on the dashed line they are equal",
        },
        {
            "title": "Residuals",
            "svg": plots.residuals(labels, given),
            "note": "a slope says that answers keep to the middle",
        },
    ]


def _classes(folder, answers) -> list[dict[str, Any]]:
    labels, given = answers.labels, _decided(answers)
    cuts = folder.report.choices.get("thresholds") if labels.ndim == 2 else None
    decided = given if cuts is None else given >= np.asarray(cuts)
    table = scores.per_class(labels, decided)
    rows = []
    for number, name in enumerate(folder.classes):
        row = {key: float(table[key][number]) for key in ("recall", "precision", "f1")}
        row |= {"name": name, "support": int(table["support"][number])}
        row["cut"] = f"{cuts[number]:.2f}" if cuts is not None else None
        rows.append(row)
    return sorted(rows, key=lambda row: (not row["support"], row["f1"]))


def _matrix(classes, answers) -> dict[str, Any]:
    counts = scores.confusion(answers.labels, _decided(answers))
    if len(classes) > _TABLE:
        return {"svg": plots.heat(counts), "rows": [], "classes": classes}
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    rows = []
    for number, name in enumerate(classes):
        cells = [
            {
                "count": int(counts[number, k]),
                "share": float(share[number, k]),
                "right": k == number,
            }
            for k in range(len(classes))
        ]
        rows.append({"name": name, "cells": cells})
    return {"svg": None, "rows": rows, "classes": classes}


def _pairs(classes, answers) -> list[dict[str, Any]]:
    counts = scores.confusion(answers.labels, _decided(answers))
    support = counts.sum(1)
    return [
        {
            "true": classes[true],
            "given": classes[given],
            "count": count,
            "share": 100 * count / support[true],
        }
        for true, given, count in curves.confused(counts)
    ]


def _pictures(folder, answers) -> list[dict[str, str]]:
    labels, given, found = answers.labels, answers.probabilities, answers.scores
    truth = curves.truth(labels, given.shape[1])
    if "roc_auc_micro" not in found:
        found = scores.ranking(truth, given)
    shown = []
    if rates := curves.roc(truth, given):
        areas = found.get("roc_auc_macro", 0), found.get("roc_auc_micro", 0)
        picture = plots.roc(rates, *areas)
        shown.append({"title": "ROC", "svg": picture, "note": "one class against all"})
    if points := curves.precision_recall(truth, given):
        macro = "mean_average_precision" if labels.ndim == 2 else None
        areas = (
            found.get(macro or "average_precision_macro", 0),
            found.get("average_precision_micro", 0),
        )
        picture = plots.precision_recall(points, *areas)
        shown.append({"title": "Precision and recall", "svg": picture, "note": ""})
    if answers.form == "levels":
        return shown  # the median may not be the most probable level
    return [*shown, _reliability(folder, answers)]


def _reliability(folder, answers) -> dict[str, str]:
    temperature = folder.report.choices.get("temperature", 1.0)
    raw = curves.uncalibrated(
        answers.probabilities, temperature, several=answers.labels.ndim == 2
    )
    labels, after = curves.decisions(answers.labels, answers.probabilities)
    _, before = curves.decisions(answers.labels, raw)
    found = [scores.calibration_error(labels, p) for p in (before, after)]
    errors = [worst.number(error, True) for error in found]
    note = (
        f"temperature {temperature:.2f}: calibration error {errors[0]} before, "
        f"{errors[1]} after"
    )
    bins = [scores.reliability(labels, p) for p in (after, before)]
    return {"title": "Reliability", "svg": plots.reliability(*bins), "note": note}


def _value(name: str, value: float) -> str:
    return f"{value:.4g}" if name in _ERRORS else worst.number(value, name in _SHARES)


def _between(name: str, low: float, high: float) -> str:
    if name in _SHARES:
        return f"{100 * low:.1f} to {100 * high:.1f} %"
    return f"{_value(name, low)} to {_value(name, high)}"
