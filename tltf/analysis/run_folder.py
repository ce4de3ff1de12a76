"""Reads a run folder for its report: recipe, scores, answers, history."""

import csv
import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import yaml

from tltf import errors, specs
from tltf.ops import lines


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Answers of one split.

    Attributes:
      name: valid or test.
      form: What a record is answered with: `one` class, one of `levels` in order,
        `several` labels, a `number`, or one tag for each of its `tokens`.
      rows: Lines of the answers file.
      labels: Class of each record, int `[n]`; 0 and 1, `[n, classes]`; numbers,
        float64 `[n]`; of tokens, the classes of those that were read, a list of int
        `[tokens]`.
      probabilities: float64 `[n, classes]`; `[n, 1]`, the numbers answered; of
        tokens, a list of `[tokens, classes]`.
      scores: From report.json.
    """

    name: str
    form: str
    rows: list[dict[str, Any]]
    labels: Any
    probabilities: Any
    scores: dict[str, float]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Folder:
    """A finished run.

    Attributes:
      workdir: The folder.
      recipe: Text of recipe.yaml.
      settings: The same, parsed.
      report: report.json.
      classes: Class names in output order.
      history: One row an epoch; empty for methods without epochs.
    """

    workdir: pathlib.Path
    recipe: str
    settings: specs.Recipe
    report: specs.Report
    classes: tuple[str, ...]
    history: list[dict[str, float]]


def read(workdir: pathlib.Path) -> Folder:
    """Returns a run folder without its answers.

    Raises:
      UserError: A file is missing or damaged.
    """
    text = _text(workdir / "recipe.yaml")
    try:
        settings = specs.Recipe.model_validate(yaml.safe_load(text))
        report = specs.Report.model_validate_json(_text(workdir / "report.json"))
    except (ValueError, yaml.YAMLError) as error:
        raise errors.UserError(f"{workdir}: damaged run folder: {error}") from None
    # of several parts, each has a folder with its own
    labels = "" if settings.parts else _text(workdir / "labels.txt")
    return Folder(
        workdir=workdir,
        recipe=text,
        settings=settings,
        report=report,
        classes=tuple(lines.of(labels)),
        history=_history(workdir / "history.csv"),
    )


def split(folder: Folder, name: str) -> Split:
    """Returns the answers of one split.

    Raises:
      UserError: The split was not evaluated, or a label is not in labels.txt.
    """
    path = folder.workdir / f"answers_{name}.jsonl"
    rows = [json.loads(line) for line in lines.of(_text(path))]
    if not rows:
        raise errors.UserError(f"{path} has no answers")
    form = _form(rows[0], folder.settings.task)
    given = [np.array(row["probabilities"], np.float64) for row in rows]
    try:
        labels = _labels(rows, folder.classes, form)
    except KeyError as error:
        raise errors.UserError(f"{path}: {error} is not in labels.txt") from None
    scores = folder.report.scores.get(name, {})
    return Split(
        name=name,
        form=form,
        rows=rows,
        labels=labels,
        probabilities=given if form == "tokens" else np.stack(given),
        scores=scores,
    )


def _form(row: dict[str, Any], task: str) -> str:
    if task == "ordinal":
        return "levels"
    if isinstance(row["label"], list):
        return "tokens" if isinstance(row["probabilities"][0], list) else "several"
    return "one" if isinstance(row["label"], str) else "number"


def _labels(rows, classes, form: str):
    if form == "number":
        return np.array([row["label"] for row in rows], np.float64)
    place = {name: number for number, name in enumerate(classes)}
    if form in ("one", "levels"):
        return np.array([place[row["label"]] for row in rows])
    if form == "tokens":
        read = [row["label"][: len(row["answer"])] for row in rows]
        return [np.array([place[name] for name in tags], np.int64) for tags in read]
    labels = np.zeros((len(rows), len(classes)), np.int64)
    for number, row in enumerate(rows):
        labels[number, [place[name] for name in row["label"]]] = 1
    return labels


def _history(path: pathlib.Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: float(value) for name, value in row.items() if name and value}
            for row in csv.DictReader(file)
        ]


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise errors.UserError(
            f"{path} is missing; `tltf train` and `tltf evaluate` with "
            f"--workdir={path.parent} make it"
        ) from None
