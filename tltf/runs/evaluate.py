"""Scores a finished run on a split: the one place that reads the test split."""

import os
import pathlib

from absl import logging

from tltf import config, errors, registry, specs
from tltf.ops import lines
from tltf.runs import headline
from tltf.training import finish, job, parts


def evaluate(
    workdir: str | os.PathLike, *, split: str = "test", page: bool = True
) -> dict[str, float]:
    """Returns the scores of a split; adds them to report.json and the report page.

    Args:
      workdir: Run folder.
      split: Role in the recipe: train, valid or test.
      page: Write report/index.html.

    Raises:
      UserError: The run is not finished, has no such split, or its data changed.
    """
    folder = pathlib.Path(workdir)
    report = finish.read(folder)
    recipe = config.load(folder / "recipe.yaml")
    if recipe.parts:
        return _joint(folder, recipe, report, split=split, page=page)
    task_job = job.start(recipe, folder)
    _has(task_job.records.rows, split)
    _same_classes(folder, task_job)
    table = task_job.records.part(split)
    method = registry.find("methods", recipe.method)
    logits = method.restore(folder, recipe, task_job.task)(table)
    found = finish.scored(task_job, split, table, logits, report.choices)
    found |= _repeats(folder, recipe, split, found)
    scores = {**report.scores, split: found}
    finish.write(folder, report.model_copy(update={"scores": scores}))
    if page:
        _page(folder, scores)
    return found


def _joint(folder, recipe: specs.Recipe, report, *, split, page) -> dict[str, float]:
    joint = parts.start(recipe, folder)
    _has(joint.roles, split)
    for one in joint.jobs.values():
        _same_classes(one.folder, one)
    logits = registry.find("methods", recipe.method).restore(folder, recipe)
    reports = {}
    for name, own in finish.answered(joint, logits, split).items():
        one = joint.jobs[name]
        before = finish.read(one.folder)
        table = one.records.part(split)
        found = finish.scored(one, split, table, own, before.choices)
        change = {"scores": {**before.scores, split: found}}
        reports[name] = before.model_copy(update=change)
        finish.write(one.folder, reports[name])
        if page:
            _page(one.folder, reports[name].scores)
    whole = finish.together(joint, reports, split)
    whole |= _repeats(folder, recipe, split, whole)
    scores = {**report.scores, split: whole}
    finish.write(folder, report.model_copy(update={"scores": scores}))
    if page:
        metrics = {name: one.task.METRIC for name, one in joint.jobs.items()}
        _page(folder, scores, metrics)
    return whole


def _has(roles, split: str) -> None:
    if split not in roles:
        known = ", ".join(roles)
        raise errors.UserError(f"--split: this run has no {split!r}; it has {known}")


def _repeats(folder, recipe: specs.Recipe, split, first) -> dict[str, float]:
    if recipe.repeats < 2:
        return {}
    found = [first]
    for number in range(1, recipe.repeats):
        again = folder / "repeats" / str(number)
        found.append(evaluate(again, split=split, page=False))
    return headline.spread(recipe, found)


def _same_classes(folder: pathlib.Path, task_job) -> None:
    trained = lines.of((folder / "labels.txt").read_text(encoding="utf-8"))
    if trained != list(task_job.classes):
        raise errors.UserError(
            f"labels.txt: the model answers {trained}, the data now has "
            f"{list(task_job.classes)}; train again"
        )


def _page(folder: pathlib.Path, scores, metrics=None) -> None:
    from tltf.analysis import parts_report, report

    shown = [split for split in ("test", "valid", "train") if split in scores]
    try:
        if metrics:
            parts_report.write(folder, shown, metrics)
        else:
            report.write(folder, shown)
    except errors.UserError as error:  # matplotlib and jinja2 are an extra
        logging.warning("no report page: %s", error)
