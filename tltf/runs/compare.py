"""The deck's table: several methods on the same records."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from absl import logging

from tltf import config, errors, registry, specs
from tltf.fetch import files
from tltf.runs import compare_parts, serve_time

# by what the records are; rows that a recipe adds come behind
METHODS = {
    "image": ("hog", "standard", "featurize", "freeze", "lp_ft", "finetune"),
    "text": ("tfidf", "featurize", "standard", "freeze", "finetune"),
}


def compare(
    recipe: specs.Recipe,
    workdir: str | os.PathLike,
    *,
    methods: Sequence[str] = (),
    split: str = "test",
) -> dict:
    """Runs each method in a process of its own and returns the table.

    Each process starts with the same memory and no cached features, so seconds
    and peak memory of the methods can be compared. A finished method is not run
    again.

    Args:
      recipe: Resolved; `compare` holds what differs by method.
      workdir: Gets a run folder for each method, compare.json, .md and .png.
      methods: Which rows, in the order of the table: names of methods, or of
        rows that the recipe's `compare` adds; see `rows` for the default.
      split: What the table reports. Nothing is chosen on it: `take` follows
        the valid split.

    Returns:
      {"methods": {name: {...}}, "split", "seed", "take"}; of a recipe with parts,
      what `compare_parts.summary` says.

    Raises:
      UserError: A method that does not exist, or wrong data.
      WorkError: A method failed; the finished ones are kept.
    """
    folder = pathlib.Path(workdir)
    kind = compare_parts if recipe.parts else sys.modules[__name__]
    # all of them first: a wrong name is told before the first has run
    names = methods or kind.rows(recipe)
    planned = {name: kind.variant(recipe, name) for name in names}
    reports = {}
    for name, one in planned.items():
        path = folder / "recipes" / f"{name}.yaml"
        files.write_text(path, config.dump(one))
        reports[name] = _run(path, folder / name, split)
    if recipe.parts:
        served = serve_time.milliseconds({name: folder / name for name in reports})
        table = compare_parts.summary(
            recipe, reports, folder, split=split, served=served
        )
    else:
        table = summary(reports, split=split, seed=recipe.seed)
    files.write_text(folder / "compare.json", json.dumps(table, indent=2) + "\n")
    _pages(folder, table)
    return table


def rows(recipe: specs.Recipe) -> list[str]:
    """Returns the rows of a comparison that names none: the methods for this kind
    of records, then those that the recipe's `compare` adds."""
    module, form = registry.variant(recipe.backbone)
    usual = METHODS[module.VARIANTS[form].kind]
    return [*usual, *(name for name in recipe.compare if name not in usual)]


def variant(recipe: specs.Recipe, row: str) -> specs.Recipe:
    """Returns the recipe for one row of a comparison.

    A row is a method, or a name of the recipe's own whose overrides say `method`.
    Another method than the recipe's takes its default stages; what
    `compare.<row>` says comes on top.

    Raises:
      UserError: The row is neither.
    """
    raw = recipe.model_dump(mode="json")
    overrides = raw.pop("compare").get(row, {})
    method = overrides.get("method") or registry.find_name("methods", row)
    if method != recipe.method:
        raw["stages"] = None
    raw["method"] = method
    return config.override(raw, overrides, where=f"compare.{row}")


def summary(reports: dict[str, specs.Report], *, split: str, seed: int) -> dict:
    """Returns compare.json's content from the methods' reports."""
    rows = {}
    for name, report in reports.items():
        scores = report.scores[split]
        rows[name] = {
            "accuracy": {
                "value": scores["accuracy"],
                "low": scores["accuracy_low"],
                "high": scores["accuracy_high"],
            },
            "roc_auc": scores.get("roc_auc_macro"),
            "average_precision": scores.get(
                "average_precision_macro", scores.get("mean_average_precision")
            ),
            "valid_accuracy": report.scores["valid"]["accuracy"],
            "seconds": report.seconds["total"],
            "peak_mb": report.peak_mb,
            "n": report.counts[split],
        }
    return {"methods": rows, "split": split, "seed": seed, "take": _take(reports)}


def _take(reports: dict[str, specs.Report]) -> str:
    # Breiman et al. 1984, section 3.4.3, the one-standard-error rule: of all
    # that are as good as the best within its error, take the cheapest.
    valid = {name: r.scores["valid"]["accuracy"] for name, r in reports.items()}
    best = max(valid, key=valid.get)
    count = reports[best].counts["valid"]
    error = (valid[best] * (1 - valid[best]) / count) ** 0.5
    good = [name for name in valid if valid[name] >= valid[best] - error]
    return min(good, key=lambda name: reports[name].seconds["total"])


def _run(recipe: pathlib.Path, folder: pathlib.Path, split: str) -> specs.Report:
    from tltf.training import finish

    with tempfile.TemporaryDirectory(prefix="tltf_features_") as features:
        surroundings = {**os.environ, "TLTF_FEATURES": features}
        _call("train", [f"--config={recipe}", "--resume"], folder, surroundings)
        if split not in finish.read(folder).scores:
            _call("evaluate", [f"--split={split}"], folder, surroundings)
    logging.info("%s is in %s", folder.name, folder / "report.json")
    return finish.read(folder)


def _call(verb: str, flags: list[str], folder: pathlib.Path, surroundings) -> None:
    command = [sys.executable, "-m", f"tltf.cli.{verb}", f"--workdir={folder}", *flags]
    code = subprocess.run(
        command, stdout=subprocess.DEVNULL, env=surroundings
    ).returncode
    if code == 2:
        raise errors.UserError(f"compare: {folder.name}: see the line above")
    if code:
        raise errors.WorkError(
            f"compare: {verb} of {folder.name} ended with code {code}; the "
            "finished methods are kept, the same command goes on"
        )


def _pages(folder: pathlib.Path, table: dict) -> None:
    from tltf.analysis import comparison, comparison_parts

    kind = comparison if "take" in table else comparison_parts
    files.write_text(folder / "compare.md", kind.markdown(table))
    try:
        kind.picture(table, folder / "compare.png")
    except errors.UserError as error:  # matplotlib is an extra
        logging.warning("no compare.png: %s", error)
