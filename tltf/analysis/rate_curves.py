"""The picture of a learning-rate range test."""

import importlib
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from tltf import errors

# of Okabe & Ito 2008, told apart by most colour-blind readers
_COLOURS = {"valley": "#0072b2", "steepest": "#009e73", "minimum_tenth": "#d55e00"}
_NAMES = {"minimum_tenth": "minimum / 10"}


def picture(found: dict, curves: Sequence[Any], path: pathlib.Path) -> None:
    """Writes smoothed losses over the rate, and the suggestions with spread, as PNG.

    Args:
      found: Content of lr_find.json.
      curves: One for each restart, with `rates`, `losses` and `smoothed`.
      path: The file.

    Raises:
      UserError: matplotlib is not installed.
    """
    try:
        figure = importlib.import_module("matplotlib.figure")
    except ImportError:
        raise errors.UserError('pictures need `pip install "tltf[report]"`') from None
    made = figure.Figure(figsize=(8, 4.6), layout="constrained")
    axes = made.subplots()
    for curve in curves:
        axes.plot(curve.rates, curve.losses, color="#9db4c8", lw=0.6, alpha=0.6)
        axes.plot(curve.rates, curve.smoothed, color="#444", lw=1.4)
    for name, row in found["suggestions"].items():
        colour, said = _COLOURS[name], _NAMES.get(name, name)
        axes.axvspan(row["low"], row["high"], color=colour, alpha=0.15, lw=0)
        label = f"{said}: {row['rate']:.2g} ({row['low']:.2g} to {row['high']:.2g})"
        axes.axvline(row["rate"], color=colour, lw=1.6, label=label)
    axes.set_xscale("log")
    axes.set_ylim(*_reach(curves))
    axes.set_xlabel(f"learning rate ({found['field']})")
    axes.set_ylabel("loss of a batch, smoothed")
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    temporary = path.with_name(f".{path.name}")
    made.savefig(temporary, dpi=120, format="png")
    os.replace(temporary, path)


def _reach(curves: Sequence[Any]) -> tuple[float, float]:
    """Losses to show: an explosion at the end would flatten all the rest."""
    least = min(float(curve.smoothed.min()) for curve in curves)
    first = max(float(curve.smoothed[0]) for curve in curves)
    rise = max(first - least, 1e-6)
    return least - 0.1 * rise, first + 0.6 * rise
