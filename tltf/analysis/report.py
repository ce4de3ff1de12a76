"""The report page: one file with everything in it, readable without a server."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from tltf import errors
from tltf.analysis import run_folder

_NOUNS = {"multi_label": "labels", "ordinal": "levels", "sequence_tags": "tags"}
_TEMPLATES = pathlib.Path(__file__).with_name("templates")


def write(workdir: pathlib.Path, splits: Sequence[str]) -> pathlib.Path:
    """Writes `report/index.html` of a run from its folder alone; returns its path.

    Args:
      workdir: Folder of a finished run.
      splits: Evaluated splits to show; `test` comes first where it is among them.

    Raises:
      UserError: matplotlib or jinja2 is missing, or a file of the run.
    """
    workdir = pathlib.Path(workdir)
    page_template = template("report.html")
    folder = run_folder.read(workdir)
    names = sorted(splits, key=lambda name: name != "test")
    page = page_template.render(_values(folder, names))
    path = workdir / "report" / "index.html"
    put(path, page)
    return path


def put(path: pathlib.Path, page: str) -> None:
    """Writes a page in one step, making its folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(page, encoding="utf-8")
    os.replace(half, path)


def template(name: str):
    """Returns a jinja2 template of this package.

    Raises:
      UserError: matplotlib or jinja2 is missing.
    """
    try:
        import jinja2
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise errors.UserError(
            f"the report page needs {error.name}: "
            'pip install "tltf[report]", then `tltf evaluate` writes it'
        ) from None
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    room = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    room.undefined = jinja2.StrictUndefined
    return room.get_template(name)


def _values(folder: run_folder.Folder, names: Sequence[str]) -> dict[str, Any]:
    from tltf.analysis import sections

    report, settings = folder.report, folder.settings
    source = settings.data.source
    return {
        "title": f"{settings.method} · {settings.backbone} · {_short(source)}",
        "settings": settings,
        "source": source,
        "recipe": folder.recipe,
        "report": report,
        "classes": folder.classes,
        "nouns": _NOUNS.get(settings.task, "classes"),
        "splits": [sections.split(folder, run_folder.split(folder, n)) for n in names],
        "learning": sections.learning(folder.history),
        "bill": sections.bill(folder),
        "choices": {k: v for k, v in report.choices.items() if k != "thresholds"},
    }


def _short(source: str) -> str:
    return source.rstrip("/").rpartition("/")[2]
