"""The report page of several parts: main scores, and links to the page of each."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from tltf.analysis import report, run_folder


def write(
    workdir: pathlib.Path, splits: Sequence[str], metrics: Mapping[str, str]
) -> pathlib.Path:
    """Writes `report/index.html` of a multi-task run; returns its path.

    Args:
      workdir: Folder of a finished run.
      splits: Evaluated splits to show; `test` comes first where it is among them.
      metrics: Part to the name of its main score.

    Raises:
      UserError: matplotlib or jinja2 is missing, or a file of the run.
    """
    workdir = pathlib.Path(workdir)
    template = report.template("parts.html")
    folder = run_folder.read(workdir)
    names = sorted(splits, key=lambda name: name != "test")
    page = template.render(_values(folder, names, metrics))
    path = workdir / "report" / "index.html"
    report.put(path, page)
    return path


def _values(folder: run_folder.Folder, names, metrics) -> dict[str, Any]:
    from tltf.analysis import sections

    return {
        "title": f"{folder.settings.method} · {folder.settings.backbone}",
        "settings": folder.settings,
        "recipe": folder.recipe,
        "report": folder.report,
        "names": names,
        "parts": [
            _part(folder, part, metrics[part.name], names)
            for part in folder.settings.parts
        ],
        "learning": _learning(folder),
        "bill": sections.bill(folder),
    }


def _part(folder, part, metric: str, names) -> dict[str, Any]:
    scores, counts = folder.report.scores, folder.report.counts
    key = f"{part.name}.{metric}"
    shown = {
        name: {
            "value": f"{scores[name][key]:.3f}",
            "note": f"{scores[name][f'{key}_low']:.3f} to "
            f"{scores[name][f'{key}_high']:.3f}",
            "count": counts[f"{part.name}.{name}"],
        }
        for name in names
        if key in scores[name]
    }
    return {
        "name": part.name,
        "task": part.task,
        "source": part.data.source.rstrip("/").rpartition("/")[2],
        "metric": metric.replace("_", " "),
        "train": counts[f"{part.name}.train"],
        "scores": shown,
        "page": f"../parts/{part.name}/report/index.html",
    }


def _learning(folder: run_folder.Folder) -> list[dict[str, str]]:
    from tltf.analysis import plots

    history, shown = folder.history, []
    for title, kind in (("Loss on train", "loss"), ("Loss on valid", "valid_loss")):
        columns = {f"{part.name}.{kind}": part.name for part in folder.settings.parts}
        there = {k: v for k, v in columns.items() if any(k in row for row in history)}
        if there:
            picture = plots.learning(history, there, "loss")
            shown.append({"title": title, "svg": picture})
    return shown
