"""Learning-rate range test of one stage of a recipe."""

import csv
import dataclasses
import io
import json
import os
import pathlib
import statistics
import tempfile

from absl import logging

from tltf import errors, registry, specs
from tltf.fetch import files

# of the three suggestions, the one that fastai's finder takes unless told otherwise
TAKE = "valley"


class _Done(Exception):
    """The test is over: the rest of the method's work is not needed."""


def lr_find(
    recipe: specs.Recipe, workdir: str | os.PathLike, plan, *, stage: int = 0
) -> dict:
    """Runs the range test and returns the content of lr_find.json.

    The recipe's method prepares the network as it does for training (a solved head,
    an adapted language model, heads of several parts); stages before the tested one
    are trained. Nothing of it is kept: the test changes no run.

    Args:
      recipe: Resolved.
      workdir: Gets lr_find.json, .csv, .png and the TensorBoard logs; may be a run
        folder, whose own files stay.
      plan: A `training.range_test.Plan`.
      stage: Number of the stage, from 0 as in `stages.0.rate`.

    Returns:
      {"take", "rate", "suggestions": {name: {"rate", "low", "high", "each"}},
      "curves": [...], ...}.

    Raises:
      UserError: The method has no stages, or not this one; or wrong rates or data.
      WorkError: The loss explodes within the first steps.
    """
    _check(recipe, plan, stage)
    folder = pathlib.Path(workdir)
    folder.mkdir(parents=True, exist_ok=True)
    curves = _curves(recipe, plan, stage)
    found = summary(recipe, plan, stage, curves)
    files.write_text(folder / "lr_find.json", json.dumps(found, indent=2) + "\n")
    files.write_text(folder / "lr_find.csv", _table(curves))
    _scalars(folder / "logs" / "lr_find", curves)
    _picture(found, curves, folder / "lr_find.png")
    return found


def summary(recipe: specs.Recipe, plan, stage: int, curves) -> dict:
    """Returns the content of lr_find.json: each suggestion is the median over the
    restarts, with the least and the most of them."""
    each = [curve.suggestions() for curve in curves]
    suggestions = {}
    for name in each[0]:
        values = [one[name] for one in each]
        suggestions[name] = {
            "rate": statistics.median(values),
            "low": min(values),
            "high": max(values),
            "each": values,
        }
    return {
        "take": TAKE,
        "rate": suggestions[TAKE]["rate"],
        "field": f"stages.{stage}.rate",
        "suggestions": suggestions,
        "method": recipe.method,
        "seed": recipe.seed,
        **dataclasses.asdict(plan),
        "curves": [
            {"seed": c.seed, "steps": len(c.rates), "stopped": c.stopped}
            for c in curves
        ],
        "remarks": _remarks(curves),
    }


def _remarks(curves) -> list[str]:
    remarks = []
    ends = [curve.smoothed[curve.skipped :].argmin() for curve in curves]
    lengths = [len(curve.smoothed) - curve.skipped for curve in curves]
    if any(end == 0 for end in ends):
        remarks.append("the loss does not fall: the suggestions say nothing")
    elif any(end + 1 == n for end, n in zip(ends, lengths, strict=True)):
        remarks.append("the loss still falls at the highest rate: raise --high")
    return remarks


def _check(recipe: specs.Recipe, plan, stage: int) -> None:
    if recipe.stages is None:
        raise errors.UserError(
            f"method: {recipe.method} does not learn by gradients, it has no rate; "
            "take a method with stages, such as freeze"
        )
    if not 0 <= stage < len(recipe.stages):
        raise errors.UserError(
            f"--stage: {stage}, the recipe has {len(recipe.stages)} stages, from 0"
        )
    if not 0 < plan.low < plan.high:
        raise errors.UserError(
            f"--low, --high: {plan.low:g}, {plan.high:g}: rates rise from above 0"
        )
    for name, least in (("steps", 10), ("restarts", 1)):
        if getattr(plan, name) < least:
            raise errors.UserError(
                f"--{name}: {getattr(plan, name)}, it takes {least} or more"
            )


def _curves(recipe: specs.Recipe, plan, stage: int) -> list:
    import keras

    from tltf.training import job, parts, range_test, stages

    found = []

    def test(setting) -> float:
        if stage:
            before = recipe.model_copy(update={"stages": recipe.stages[:stage]})
            stages.run(dataclasses.replace(setting, recipe=before))
        found.extend(range_test.run(setting, stage, plan))
        raise _Done

    keras.utils.set_random_seed(recipe.seed)
    with tempfile.TemporaryDirectory(prefix="tltf_lr_find_") as scratch:
        start = parts.start if recipe.parts else job.start
        run = start(recipe, pathlib.Path(scratch))
        method = registry.find("methods", recipe.method)
        try:
            method.run(dataclasses.replace(run, stages_by=test))
        except _Done:
            logging.info("weights and optimizer are as they were before the test")
    return found


def _table(curves) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["restart", "step", "rate", "loss", "smoothed"])
    for restart, curve in enumerate(curves):
        rows = zip(curve.rates, curve.losses, curve.smoothed, strict=True)
        for step, values in enumerate(rows):
            table.writerow([restart, step, *(f"{value:.8g}" for value in values)])
    return text.getvalue()


def _scalars(folder: pathlib.Path, curves) -> None:
    import tensorflow as tf

    for restart, curve in enumerate(curves):
        writer = tf.summary.create_file_writer(str(folder / f"restart_{restart}"))
        with writer.as_default():
            for step in range(len(curve.rates)):
                tf.summary.scalar("lr_find/rate", curve.rates[step], step=step)
                tf.summary.scalar("lr_find/loss", curve.losses[step], step=step)
                smoothed = curve.smoothed[step]
                tf.summary.scalar("lr_find/smoothed", smoothed, step=step)
        writer.close()


def _picture(found: dict, curves, path: pathlib.Path) -> None:
    from tltf.analysis import rate_curves

    try:
        rate_curves.picture(found, curves, path)
    except errors.UserError as error:  # matplotlib is an extra
        logging.warning("no %s: %s", path.name, error)
