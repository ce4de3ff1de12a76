"""The multi-task row of the deck's table: each part alone against all together."""

import json
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from tltf import config, errors, registry, specs
from tltf.ops import bootstrap, lines

JOINT = "joint"


def rows(recipe: specs.Recipe) -> list[str]:
    """Returns the rows of a comparison that names none: all parts together, what the
    recipe's `compare` adds, then each part alone."""
    return [JOINT, *recipe.compare, *(part.name for part in recipe.parts)]


def variant(recipe: specs.Recipe, row: str) -> specs.Recipe:
    """Returns the recipe for one row.

    A row is `joint`, the recipe as it is; a part, which is learnt by the same
    method, backbone and stages with no other beside it; or a name under the
    recipe's `compare`, whose overrides change the joint recipe.

    Raises:
      UserError: The row is none of these.
    """
    raw = recipe.model_dump(mode="json")
    overrides = raw.pop("compare")
    alone = [part for part in raw["parts"] if part["name"] == row]
    if alone:
        raw["parts"] = alone
        raw["joint"] = {}
    elif row != JOINT and row not in overrides:
        known = rows(recipe)
        what = f"--methods: no row {row!r}"
        raise errors.UserError(registry.unknown(what, row, known))
    return config.override(raw, overrides.get(row, {}), where=f"compare.{row}")


def summary(
    recipe: specs.Recipe,
    reports: Mapping[str, specs.Report],
    folder: pathlib.Path,
    *,
    split: str,
    served: Mapping[str, float],
) -> dict:
    """Returns compare.json's content.

    Args:
      recipe: With all parts.
      reports: Row to its report.
      folder: Of the comparison, with a run folder for each row.
      split: What the table reports.
      served: Row to milliseconds of one record.

    Returns:
      {"methods": {row: {"parts", "seconds", "parameters", "peak_mb", "served_ms"}},
      "split", "seed", "repeats"}; of a row's parts, {"metric", "value", "low", "high",
      "n"} and, where it is also learnt alone, "gain": {"value", "low", "high"}.
    """
    found = {}
    for row, report in reports.items():
        parts = {}
        for part in variant(recipe, row).parts:
            metric = registry.find("tasks", part.task).METRIC
            parts[part.name] = _score(report, part.name, metric, split)
            if part.name in reports and row != part.name:
                gain = _gain(folder, row, part.name, metric, split=split)
                parts[part.name]["gain"] = gain
        found[row] = {
            "parts": parts,
            "seconds": report.seconds["total"],
            "parameters": report.parameters.get("all"),
            "peak_mb": report.peak_mb,
            "served_ms": served.get(row),
        }
    return {
        "methods": found,
        "split": split,
        "seed": recipe.seed,
        "repeats": recipe.repeats,
    }


def _score(report: specs.Report, part: str, metric: str, split: str) -> dict:
    scores, name = report.scores[split], f"{part}.{metric}"
    # over seeds where there were several, else over records
    mean = f"{name}_mean" if f"{name}_mean" in scores else name
    return {
        "metric": metric,
        "value": scores[mean],
        "low": scores[f"{mean}_low"],
        "high": scores[f"{mean}_high"],
        "n": report.counts[f"{part}.{split}"],
    }


def _gain(folder: pathlib.Path, row: str, part: str, metric: str, *, split: str):
    """How much better the part is in this row than alone, with a 95 % interval: by
    Student over the seeds, or over the records where there is one seed."""
    together = _seeds(folder / row, part, metric, split)
    alone = _seeds(folder / part, part, metric, split)
    gaps = np.subtract(together, alone)
    found = {"value": float(gaps.mean()), "low": None, "high": None}
    if len(gaps) > 1:
        error = gaps.std(ddof=1) / np.sqrt(len(gaps))
        reach = float(stats.t.ppf(0.975, len(gaps) - 1) * error)
        found |= {"low": found["value"] - reach, "high": found["value"] + reach}
    elif metric == "accuracy":
        pairs = [_hits(folder / name / "parts" / part, split) for name in (row, part)]
        if pairs[0].keys() == pairs[1].keys():
            both = [np.array([hits[id_] for id_ in pairs[0]]) for hits in pairs]
            found["low"], found["high"] = bootstrap.difference(*both)
    return found


def _seeds(run: pathlib.Path, part: str, metric: str, split: str) -> list[float]:
    """The score of every repeat; of an only run, its own."""
    repeats = sorted((run / "repeats").glob("*/report.json"))
    reports = [json.loads(path.read_text()) for path in [run / "report.json", *repeats]]
    return [report["scores"][split][f"{part}.{metric}"] for report in reports]


def _hits(run: pathlib.Path, split: str) -> dict[str, float]:
    text = (run / f"answers_{split}.jsonl").read_text(encoding="utf-8")
    rows_: Sequence[dict] = [json.loads(line) for line in lines.of(text)]
    return {
        row["id"]: float(np.mean(np.equal(row["label"], row["answer"])))
        if isinstance(row["label"], list)
        else float(row["label"] == row["answer"])
        for row in rows_
    }
