"""Plots as SVG that takes its text colour from the page, light or dark."""

import io
import itertools
import re
import zlib
from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")

import numpy as np  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402

from tltf.analysis import curves  # noqa: E402

_INK = "#010203"  # stands for the page's text colour until the SVG is written
_GRID = "#8b95a5"
# of Okabe & Ito 2008, told apart by most colour-blind readers, on light and dark
_MORE = ("#009e73", "#cc79a7", "#56b4e9", "#d55e00")
BLUE, ORANGE, GREY = "#3b82f6", "#e8850c", "#8b95a5"
_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.7,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
}
POINTS_SHOWN = 1000
_SIZE = (4.4, 3.4)  # inches; at 72 points an inch about a phone's width


def roc(found: curves.Curves, macro: float, micro: float) -> str:
    """Returns ROC curves: each class thin, the averages bold."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE)
        axes.plot([0, 1], [0, 1], color=_GRID, lw=1, ls=(0, (3, 3)))
        names = f"macro, AUC {macro:.3f}", f"micro, AUC {micro:.3f}"
        _curves(axes, found, names, "lower right")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        alt = f"ROC curves; area {macro:.3f} macro, {micro:.3f} micro"
        return _svg(figure, "roc", alt)


def precision_recall(found: curves.Curves, macro: float, micro: float) -> str:
    """Returns precision-recall curves: each class thin, the averages bold."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE)
        names = f"macro, AP {macro:.3f}", f"micro, AP {micro:.3f}"
        _curves(axes, found, names, "lower left")
        axes.set(xlabel="recall", ylabel="precision")
        alt = (
            f"Precision-recall curves; average precision {macro:.3f} macro, "
            f"{micro:.3f} micro"
        )
        return _svg(figure, "pr", alt)


def reliability(bins: dict[str, np.ndarray], before: dict[str, np.ndarray]) -> str:
    """Returns accuracy against confidence, and how many records are how sure.

    Args:
      bins: From `scores.reliability`.
      before: The same without temperature.
    """
    edges = np.linspace(0, 1, len(bins["count"]) + 1)
    width = edges[1]
    with plt.rc_context(_STYLE):
        figure, (axes, below) = plt.subplots(
            2, figsize=_SIZE, sharex=True, height_ratios=(4, 1)
        )
        axes.plot([0, 1], [0, 1], color=_GRID, lw=1, ls=(0, (3, 3)))
        axes.bar(
            edges[:-1], bins["accuracy"], width * 0.9, align="edge", color=BLUE,
            alpha=0.75, label="after temperature",
        )  # fmt: skip
        some = before["count"] > 0
        axes.plot(
            before["confidence"][some], before["accuracy"][some], "o-", ms=4, lw=1.2,
            color=ORANGE, label="before",
        )  # fmt: skip
        axes.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="upper left")
        below.bar(edges[:-1], bins["count"], width * 0.9, align="edge", color=BLUE)
        below.set(xlabel="confidence", ylabel="records")
        below.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(2, integer=True))
        return _svg(figure, "rel", "Reliability: accuracy against confidence in bins")


def against(labels: np.ndarray, answers: np.ndarray) -> str:
    """Returns answers against labels, numbers both, and the line where they agree.

    Args:
      labels: float `[n]`.
      answers: float `[n]`; at most `POINTS_SHOWN` are drawn.
    """
    ends = [min(labels.min(), answers.min()), max(labels.max(), answers.max())]
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE)
        axes.plot(ends, ends, color=_GRID, lw=1, ls=(0, (3, 3)))
        _dots(axes, labels, answers)
        axes.set(xlabel="label", ylabel="answer")
        return _svg(figure, "against", f"Answers against {len(labels)} labels")


def residuals(labels: np.ndarray, answers: np.ndarray) -> str:
    """Returns answer minus label against the label; arguments as of `against`."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE)
        axes.axhline(0, color=_GRID, lw=1, ls=(0, (3, 3)))
        _dots(axes, labels, answers - labels)
        axes.set(xlabel="label", ylabel="answer - label")
        return _svg(figure, "residuals", f"Residuals of {len(labels)} answers")


def _dots(axes, x, y) -> None:
    # evenly spaced rows, so that the page stays small and repeats itself
    rows = np.unique(np.linspace(0, len(x) - 1, POINTS_SHOWN).round().astype(int))
    axes.plot(x[rows], y[rows], "o", ms=3.5, mew=0, color=BLUE, alpha=0.55)


def learning(
    history: Sequence[dict[str, float]], names: dict[str, str], what: str
) -> str:
    """Returns columns of the history over all epochs, with the stages' borders.

    Args:
      history: One row an epoch.
      names: Column to name in the legend.
      what: Label of the y axis.
    """
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE)
        colors = itertools.cycle((ORANGE, BLUE, *_MORE))
        for color, (column, name) in zip(colors, names.items(), strict=False):
            points = [(n, r[column]) for n, r in enumerate(history, 1) if column in r]
            few = "o-" if len(points) < 40 else "-"
            axes.plot(*zip(*points, strict=True), few, ms=4, color=color, label=name)
        stages = [row.get("stage", 1) for row in history]
        for number in range(1, len(stages)):
            if stages[number] != stages[number - 1]:
                axes.axvline(number + 0.5, color=_GRID, lw=1, ls=(0, (3, 3)))
        axes.set(xlabel="epoch (dashed: next stage)", ylabel=what)
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        axes.legend()
        return _svg(figure, what.replace(" ", ""), f"{what} over {len(history)} epochs")


def heat(matrix: np.ndarray) -> str:
    """Returns the row-normalised confusion of very many classes as a picture."""
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    with plt.rc_context(_STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(figsize=(5.4, 4.6))
        shown = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axes.set(xlabel="given class (number)", ylabel="true class (number)")
        figure.colorbar(shown, shrink=0.8, label="share of the true class")
        return _svg(figure, "heat", f"Confusion of {len(matrix)} classes")


def _curves(axes, found, names, place) -> None:
    for x, y in found.classes.values():
        axes.plot(x, y, color=GREY, lw=0.8, alpha=0.6)
    axes.plot([], [], color=GREY, lw=0.8, label="single classes")
    axes.plot(*found.macro, color=BLUE, label=names[0])
    axes.plot(*found.micro, color=ORANGE, label=names[1])
    axes.set(xlim=(-0.01, 1.01), ylim=(0, 1.02))
    axes.legend(loc=place)


def _svg(figure, name: str, alt: str) -> str:
    figure.tight_layout(pad=0.4)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
    body = buffer.getvalue()
    body = body[body.index("<svg") :].replace(_INK, "currentColor")
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    # several pictures share one page, so every id gets a name from the contents
    name = f"{name}{zlib.crc32(body.encode()):08x}"
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r' (width|height)="[\d.]+pt"', "", body, count=2)
    head = f'<svg role="img" aria-label="{alt}" '
    return body.replace("<svg ", head, 1)
