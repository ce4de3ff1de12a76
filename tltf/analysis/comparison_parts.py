"""The table of parts, alone and together, as Markdown and as a picture."""

import importlib
import os
import pathlib

from tltf import errors


def markdown(table: dict) -> str:
    """Returns the content of a multi-task compare.json as a Markdown table."""
    lines = [
        f"| part | learnt | {table['split']} score | 95 % interval | against alone "
        "| seconds | parameters | served ms |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for part, found in _by_part(table).items():
        for row, score in found.items():
            whole = table["methods"][row]
            lines.append(
                f"| {part} | {_title(row, part)} | {score['metric']} "
                f"{score['value']:.3f} | {score['low']:.3f} to {score['high']:.3f} "
                f"| {_gain(score.get('gain'))} | {whole['seconds']:.0f} "
                f"| {whole['parameters']:,} | {_number(whole['served_ms'])} |"
            )
    return "\n".join([*lines, "", _note(table)]) + "\n"


def picture(table: dict, path: pathlib.Path) -> None:
    """Writes each part's score with its interval, alone and together, as PNG.

    Raises:
      UserError: matplotlib is not installed.
    """
    try:
        figure = importlib.import_module("matplotlib.figure")
    except ImportError:
        raise errors.UserError('pictures need `pip install "tltf[report]"`') from None
    found = _by_part(table)
    bars = sum(map(len, found.values()))
    made = figure.Figure(figsize=(8, 0.42 * bars + 0.5 * len(found) + 1))
    made.set_layout_engine("constrained")
    panels = made.subplots(len(found), 1, squeeze=False)[:, 0]
    for axes, (part, rows) in zip(panels, found.items(), strict=True):
        _panel(axes, part, rows)
    temporary = path.with_name(f".{path.name}")
    made.savefig(temporary, dpi=120, format="png")
    os.replace(temporary, path)


def _panel(axes, part: str, rows: dict) -> None:
    for place, (row, score) in enumerate(list(rows.items())[::-1]):
        reach = [[score["value"] - score["low"]], [score["high"] - score["value"]]]
        colour = "#9db4c8" if row == part else "#1a73b8"
        axes.errorbar(
            score["value"], place, xerr=reach, fmt="o", color=colour, capsize=4
        )
        axes.annotate(
            f"{score['value']:.3f}",
            (score["value"], place),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    axes.set_yticks(range(len(rows)), [_title(row, part) for row in list(rows)[::-1]])
    axes.set_ylim(-0.6, len(rows) - 0.2)
    metric = next(iter(rows.values()))["metric"]
    axes.set_title(f"{part}: {metric}", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _by_part(table: dict) -> dict[str, dict[str, dict]]:
    """Part to the rows that have it, the one alone last."""
    found: dict[str, dict[str, dict]] = {}
    for row, whole in table["methods"].items():
        for part, score in whole["parts"].items():
            found.setdefault(part, {})[row] = score
    return found


def _title(row: str, part: str) -> str:
    return "alone" if row == part else row


def _gain(gain: dict | None) -> str:
    if gain is None:
        return ""
    if gain["low"] is None:
        return f"{gain['value']:+.3f}"
    value, low, high = gain["value"], gain["low"], gain["high"]
    verdict = "better" if low > 0 else "worse" if high < 0 else "same"
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f}), {verdict}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _note(table: dict) -> str:
    over = "records"
    if table["repeats"] > 1:
        over = f"{table['repeats']} seeds, from {table['seed']} on"
    return (
        f"Intervals over {over}. Against alone: the difference on the same split, "
        '"same" where its interval holds 0. One joint network answers all its parts '
        "in its milliseconds."
    )
