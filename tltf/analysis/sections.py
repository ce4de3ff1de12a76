"""What the report page shows, as plain values for its template."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from tltf.analysis import curves, gallery, plots, run_folder
from tltf.ops import scores

_WORST = 12  # records shown
_SHOWN = 300  # characters of a text
_TABLE = 25  # classes up to which the confusion matrix is a table
_TITLES = {
    "accuracy": "Accuracy",
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
_SHARES |= {"top5", "ece"}


def headline(found: dict[str, float]) -> list[dict[str, str]]:
    """Returns the scores to show first, each with title, value and interval."""
    cards = []
    for name, title in _TITLES.items():
        if name not in found:
            continue
        share = name in _SHARES
        card = {"title": title, "value": _number(found[name], share), "note": ""}
        if f"{name}_low" in found:
            low, high = found[f"{name}_low"], found[f"{name}_high"]
            card["note"] = f"95 % interval {_between(low, high)}"
        cards.append(card)
    return cards


def split(folder: run_folder.Folder, answers: run_folder.Split) -> dict[str, Any]:
    """Returns everything shown of one split."""
    several = answers.labels.ndim == 2
    return {
        "name": answers.name,
        "count": len(answers.rows),
        "cards": headline(answers.scores),
        "several": several,
        "classes": _classes(folder, answers),
        "matrix": None if several else _matrix(folder.classes, answers),
        "pairs": [] if several else _pairs(folder.classes, answers),
        "pictures": _pictures(folder, answers),
        "worst": _worst(folder.classes, answers),
        "absent": int(answers.scores.get("absent_classes", 0)),
    }


def learning(history: Sequence[dict[str, float]]) -> list[dict[str, str]]:
    """Returns the learning curves that the history has columns for."""
    if not history:
        return []
    wanted = (
        ("Loss", "loss", {"loss": "train", "valid_loss": "valid"}),
        ("Accuracy", "accuracy", {"accuracy": "train", "valid_accuracy": "valid"}),
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


def _classes(folder, answers) -> list[dict[str, Any]]:
    labels, given = answers.labels, answers.probabilities
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
    counts = scores.confusion(answers.labels, answers.probabilities)
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
    counts = scores.confusion(answers.labels, answers.probabilities)
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
    return [*shown, _reliability(folder, answers)]


def _reliability(folder, answers) -> dict[str, str]:
    temperature = folder.report.choices.get("temperature", 1.0)
    raw = curves.uncalibrated(
        answers.probabilities, temperature, several=answers.labels.ndim == 2
    )
    labels, after = curves.decisions(answers.labels, answers.probabilities)
    _, before = curves.decisions(answers.labels, raw)
    errors = [scores.calibration_error(labels, p) for p in (before, after)]
    note = (
        f"temperature {temperature:.2f}: calibration error {_number(errors[0], True)} "
        f"before, {_number(errors[1], True)} after"
    )
    bins = [scores.reliability(labels, p) for p in (after, before)]
    return {"title": "Reliability", "svg": plots.reliability(*bins), "note": note}


def _worst(classes, answers) -> list[dict[str, Any]]:
    losses = curves.losses(answers.labels, answers.probabilities)
    shown = []
    for number in np.argsort(-losses, kind="stable")[:_WORST]:
        row = answers.rows[number]
        shown.append(
            {
                "id": row["id"],
                "picture": gallery.thumbnail(row.get("file", "")),
                "text": textwrap.shorten(row.get("text", ""), _SHOWN, placeholder=" …"),
                "true": _shown(row["label"], row["probabilities"], classes),
                "given": _shown(row["answer"], row["probabilities"], classes),
                "right": row["label"] == row["answer"],
                "loss": f"{losses[number]:.2f}",
            }
        )
    return shown


def _shown(label, probabilities, classes) -> str:
    names = label if isinstance(label, list) else [label]
    place = {name: number for number, name in enumerate(classes)}
    parts = [f"{n} {_number(probabilities[place[n]], True)}" for n in names]
    return ", ".join(parts) or "none"


def _number(value: float, share: bool) -> str:
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%" if share else f"{value:.3f}"


def _between(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f} %"
