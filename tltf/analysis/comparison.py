"""The table of methods as Markdown and as a picture."""

import importlib
import os
import pathlib

from tltf import errors

# The deck's names of the approaches, and what went before them.
TITLES = {
    "hog": "HoG + SVM",
    "tfidf": "TF-IDF + classifier",
    "standard": "standard (random start)",
    "featurize": "headless (featurize + classifier)",
    "freeze": "freeze (head by gradients)",
    "lp_ft": "solved head, then fine-tune",
    "finetune": "fine-tune",
}


def markdown(table: dict) -> str:
    """Returns the content of compare.json as a Markdown table."""
    lines = [
        f"| method | {table['split']} accuracy | 95 % interval | ROC AUC "
        "| average precision | seconds | peak MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, row in table["methods"].items():
        value = row["accuracy"]
        lines.append(
            f"| {TITLES.get(name, name)} | {value['value']:.3f} "
            f"| {value['low']:.3f} to {value['high']:.3f} | {_number(row['roc_auc'])} "
            f"| {_number(row['average_precision'])} | {row['seconds']:.0f} "
            f"| {row['peak_mb']:.0f} |"
        )
    count = next(iter(table["methods"].values()))["n"]
    lines += [
        "",
        f"{count} records, seed {table['seed']}. Take **{table['take']}**: "
        "the cheapest within one standard error of the best on the valid split.",
    ]
    return "\n".join(lines) + "\n"


def picture(table: dict, path: pathlib.Path) -> None:
    """Writes accuracy with its interval, one bar a method, as PNG.

    Raises:
      UserError: matplotlib is not installed.
    """
    try:
        figure = importlib.import_module("matplotlib.figure")
    except ImportError:
        raise errors.UserError('pictures need `pip install "tltf[report]"`') from None
    rows = list(table["methods"].items())[::-1]
    made = figure.Figure(figsize=(8, 0.6 * len(rows) + 1.4), layout="constrained")
    axes = made.subplots()
    for place, (name, row) in enumerate(rows):
        value = row["accuracy"]
        reach = [[value["value"] - value["low"]], [value["high"] - value["value"]]]
        colour = "#1a73b8" if name == table["take"] else "#9db4c8"
        axes.barh(place, value["value"], color=colour, height=0.62)
        axes.errorbar(
            value["value"], place, xerr=reach, color="#222", capsize=4, lw=1.2
        )
        note = f"{value['value']:.1%}, {row['seconds']:.0f} s"
        axes.text(value["high"] + 0.015, place, note, va="center", color="#222")
    axes.set_yticks(range(len(rows)), [TITLES.get(name, name) for name, _ in rows])
    axes.set_xlim(0, 1.18)  # room for the notes
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes.set_xlabel(f"{table['split']} accuracy, 95 % interval")
    axes.spines[["top", "right"]].set_visible(False)
    temporary = path.with_name(f".{path.name}")
    made.savefig(temporary, dpi=120, format="png")
    os.replace(temporary, path)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
