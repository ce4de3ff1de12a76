"""The trials of a search as Markdown and as a picture."""

import importlib
import itertools
import json
import math
import os
import pathlib
from typing import Any

from tltf import errors

_BEST, _OTHER = "#0072b2", "#9db4c8"
_ACROSS = 3  # panels beside one another


def markdown(found: dict) -> str:
    """Returns the content of tune.json as a Markdown table, best trial first."""
    fields = _fields(found)
    titles = ["trial", f"valid {found['objective']}", "95 % interval", *fields]
    lines = [_line([*titles, "seconds"])]
    lines.append("|---" * (len(titles) + 1) + "|")
    done = [row for row in found["trials"] if row["score"] is not None]
    for row in sorted(done, key=lambda row: -row["score"]):
        reach = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
        values = [_said(row["values"].get(name)) for name in fields]
        cells = [row["trial"], f"{row['score']:.4f}", reach, *values]
        lines.append(_line([*cells, f"{row['seconds']:.1f}"]))
    for row in found["trials"]:
        if row["error"]:
            values = [_said(row["values"].get(name)) for name in fields]
            said = row["error"].replace("|", "\\|")
            lines.append(_line([row["trial"], "failed", said, *values, ""]))
    return "\n".join([*lines, "", _advice(found)]) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def picture(found: dict, path: pathlib.Path) -> None:
    """Writes the objective by trial, and by each field, as PNG.

    Raises:
      UserError: matplotlib is not installed.
    """
    try:
        figure = importlib.import_module("matplotlib.figure")
    except ImportError:
        raise errors.UserError('pictures need `pip install "tltf[report]"`') from None
    done = [row for row in found["trials"] if row["score"] is not None]
    names = _fields(found)
    down = math.ceil((len(names) + 1) / _ACROSS)
    across = min(len(names) + 1, _ACROSS)
    made = figure.Figure(figsize=(4 * across, 3.2 * down), layout="constrained")
    panels = list(made.subplots(down, across, squeeze=False).flat)
    _by_trial(panels[0], found, done)
    for axes, name in zip(panels[1:], names, strict=False):
        _by_field(axes, found, done, name)
    for axes in panels[len(names) + 1 :]:
        axes.set_axis_off()
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[::across]:
        axes.set_ylabel(f"valid {found['objective']}")
    temporary = path.with_name(f".{path.name}")
    made.savefig(temporary, dpi=120, format="png")
    os.replace(temporary, path)


def _by_trial(axes, found: dict, done: list[dict]) -> None:
    places = [int(row["trial"]) for row in done]
    scores = [row["score"] for row in done]
    axes.scatter(places, scores, color=_colours(found, done), s=22, zorder=2)
    best = list(itertools.accumulate(scores, max))
    axes.step(places, best, where="post", color="#444", lw=1.2)
    axes.set_xlabel("trial; the line is the best so far")


def _by_field(axes, found: dict, done: list[dict], name: str) -> None:
    scores = [row["score"] for row in done]
    values = [row["values"].get(name) for row in done]
    asked = found["fields"].get(name)
    numbers = all(type(value) in (int, float) for value in values)
    if numbers:
        places: list[Any] = values
        if isinstance(asked, dict) and asked["scale"] == "log":
            axes.set_xscale("log")
    else:
        names = sorted({_said(value) for value in values})
        places = [names.index(_said(value)) for value in values]
        axes.set_xticks(range(len(names)), names)
        axes.margins(x=0.2)
    axes.scatter(places, scores, color=_colours(found, done), s=22)
    axes.set_xlabel(name)


def _colours(found: dict, done: list[dict]) -> list[str]:
    best = found["take"]["trial"]
    return [_BEST if row["trial"] == best else _OTHER for row in done]


def _fields(found: dict) -> list[str]:
    """The searched fields, then what the tuner itself set, such as epochs."""
    every = [name for row in found["trials"] for name in row["values"]]
    return list(dict.fromkeys([*found["fields"], *every]))


def _advice(found: dict) -> str:
    best, near = found["take"], len(found["near"])
    said = (
        f"Best: trial {best['trial']}, {found['counts']['finished']} finished, "
        f"{found['counts']['failed']} failed. The best of many is chosen on valid and "
        "looks better there than it is: `tltf evaluate` says what it is worth on test."
    )
    if near:
        said += f" {near} other trials lie within its interval: they may be as good."
    return said


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
