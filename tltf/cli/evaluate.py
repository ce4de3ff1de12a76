"""Scores a finished run: tltf evaluate --workdir=runs/quick

Reads the test split, writes answers_test.jsonl, report.json and the report page.
"""

import json
import pathlib

from absl import flags

from tltf import errors
from tltf.cli import _main

_WORKDIR = flags.DEFINE_string("workdir", None, "Run folder.", required=True)
_SPLIT = flags.DEFINE_enum("split", "test", ["test", "valid", "train"], "Which.")
_JSON = flags.DEFINE_bool("json", False, "Print all scores as one JSON object.")


def main(argv: list[str]) -> int:
    """Evaluates and prints the scores."""
    if len(argv) > 1:
        raise errors.UserError(f"unexpected {argv[1:]}; the run goes by --workdir")
    folder = pathlib.Path(_WORKDIR.value)
    if not (folder / "recipe.yaml").exists():
        raise errors.UserError(f"--workdir: {folder} is no run folder (no recipe.yaml)")
    _main.tensorflow()
    from tltf.runs import evaluate

    scores = evaluate.evaluate(folder, split=_SPLIT.value)
    if _JSON.value:
        _main.out(json.dumps({"split": _SPLIT.value, **scores}))
        return 0
    for name, value in scores.items():
        if not name.endswith(("_low", "_high")):
            _main.out(f"{name:<28} {value:.4f}{_interval(scores, name)}")
    page = folder / "report" / "index.html"
    if page.exists():
        _main.out(f"report page: {page}")
    return 0


def _interval(scores: dict[str, float], name: str) -> str:
    if f"{name}_low" not in scores:
        return ""
    return f"  ({scores[f'{name}_low']:.4f} to {scores[f'{name}_high']:.4f})"


def run() -> None:
    """Entry point."""
    _main.run(main)


if __name__ == "__main__":
    run()
