"""Trains one recipe into a run folder."""

import os
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging

from tltf import config, errors, registry, specs
from tltf.fetch import files


def train(
    recipe: str | os.PathLike | specs.Recipe,
    workdir: str | os.PathLike,
    *,
    overrides: Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
    resume: bool = False,
    distribution: str = "none",
) -> specs.Report:
    """Runs a recipe and returns its report.

    Args:
      recipe: YAML file, or a resolved recipe.
      workdir: Run folder; made when it is missing.
      overrides: Fields to change, from dotted path to value.
      sets: The same as text, `a.b=value`.
      resume: Go on with a run that was stopped; a finished one is left as it is.
      distribution: Devices, `none` for one; see docs/distribution.md.

    Raises:
      UserError: Wrong recipe or data, or the folder holds another run.
      WorkError: The loss is not finite.
    """
    if not isinstance(recipe, specs.Recipe):
        recipe = config.load(recipe, sets, overrides)
    elif sets or overrides:
        recipe = config.change(recipe, sets, overrides)
    if distribution == "multi_worker" and not recipe.stages:
        raise errors.UserError(
            f"distribution: method {recipe.method} takes no steps that workers could "
            "share; take none"
        )
    from tltf.training import workers

    with workers.folder(pathlib.Path(workdir), distribution) as folder:
        return _whole(recipe, folder, resume, distribution)


def parameters(recipe: specs.Recipe):
    """Returns the parameter table that `--dry_run` prints; needs no data.

    Random weights stand in for pre-trained ones: only counts are read.
    """
    from tltf.training import groups, network

    if getattr(registry.find("methods", recipe.method), "READS", None):
        return []
    bare = recipe.model_copy(update={"weights": "none"})
    # as many words as the recipe allows; how many train has, only the data say
    words = [str(number) for number in range(recipe.text.words)]
    heads = [(part.name, part.head) for part in recipe.parts] or [("", recipe.head)]
    tops = [network.Top(head=head, outputs=2, name=name) for name, head in heads]
    make = network.joined if recipe.parts else network.build
    built = make(bare, tops if recipe.parts else tops[0], words=words)
    return groups.table(built.model, built.backbone, recipe.stages)


def _whole(recipe, folder: pathlib.Path, resume: bool, kind: str) -> specs.Report:
    from tltf.training import devices

    if _finished(folder, recipe, resume):
        report = _finish().read(folder)
        logging.info("%s is finished", folder)
    else:
        # without steps there is nothing to share
        with devices.use(kind if recipe.stages else "none"):
            report = _once(recipe, folder, resume)
    if recipe.repeats > 1:
        report = _repeated(recipe, folder, report, kind)
    return report


def _once(recipe: specs.Recipe, folder: pathlib.Path, resume: bool) -> specs.Report:
    import keras

    from tltf.training import finish, job

    began = time.perf_counter()
    keras.utils.set_random_seed(recipe.seed)
    if recipe.parts:
        return _joint(recipe, folder, resume, began)
    task_job = job.start(recipe, folder, resume=resume)
    data = recipe.data.model_copy(update=dict(task_job.records.cuts))
    settled = recipe.model_copy(update={"data": data})
    files.write_text(folder / "recipe.yaml", config.dump(settled))
    if task_job.codec:
        task_job.codec.save(folder)
    logging.info("%s", _opening(task_job))
    if unread := config.unread(recipe):
        logging.warning("method %s does not read %s", recipe.method, ", ".join(unread))
    loaded = time.perf_counter() - began
    outcome = registry.find("methods", recipe.method).run(task_job)
    outcome.seconds["data"] = loaded
    return finish.finish(task_job, outcome, time.perf_counter() - began)


def _joint(recipe: specs.Recipe, folder, resume: bool, began: float) -> specs.Report:
    from tltf.training import finish, parts

    joint = parts.start(recipe, folder, resume=resume)
    settled = _settled(joint)
    files.write_text(folder / "recipe.yaml", config.dump(settled))
    if joint.codec:
        joint.codec.save(folder)
    for part in settled.parts:
        one = joint.jobs[part.name]
        alone = config.dump(parts.alone(settled, part))
        files.write_text(one.folder / "recipe.yaml", alone)
        logging.info("%s: %s", part.name, _opening(one))
    loaded = time.perf_counter() - began
    outcome = registry.find("methods", recipe.method).run(joint)
    outcome.seconds["data"] = loaded
    return finish.finish_parts(joint, outcome, time.perf_counter() - began)


def _settled(joint) -> specs.Recipe:
    """The recipe with the slices that were open filled in."""
    settled = [
        part.model_copy(
            update={
                "data": part.data.model_copy(
                    update=dict(joint.jobs[part.name].records.cuts)
                )
            }
        )
        for part in joint.recipe.parts
    ]
    return joint.recipe.model_copy(update={"parts": tuple(settled)})


def _repeated(recipe, folder, first: specs.Report, kind: str) -> specs.Report:
    from tltf.runs import headline
    from tltf.training import finish

    if f"{headline.names(recipe)[0]}_mean" in first.scores["valid"]:
        return first
    reports = [first]
    for number in range(1, recipe.repeats):
        seed = {"seed": recipe.seed + number, "repeats": 1}
        again = recipe.model_copy(update=seed)
        place = folder / "repeats" / str(number)
        reports.append(_whole(again, place, True, kind))
    spread = headline.spread(recipe, [report.scores["valid"] for report in reports])
    scores = {**first.scores, "valid": {**first.scores["valid"], **spread}}
    whole = first.model_copy(update={"scores": scores})
    finish.write(folder, whole)
    return whole


def _finished(folder: pathlib.Path, recipe: specs.Recipe, resume: bool) -> bool:
    if folder.exists() and not folder.is_dir():
        raise errors.UserError(f"--workdir: {folder} is a file; name a folder")
    before = folder / "recipe.yaml"
    if not before.exists():
        if folder.exists() and any(folder.iterdir()) and not resume:
            raise errors.UserError(
                f"--workdir: {folder} is not empty; name a new folder, or --resume"
            )
        return False
    if not resume:
        raise errors.UserError(
            f"--workdir: {folder} holds a run; add --resume to go on with it, "
            "or name a new folder"
        )
    if difference := _difference(config.load(before), recipe):
        raise errors.UserError(
            f"--resume: {folder} was begun with another recipe: {difference}"
        )
    return (folder / "report.json").exists()


def _difference(old: specs.Recipe, new: specs.Recipe) -> str:
    left, right = old.model_dump(mode="json"), new.model_dump(mode="json")
    pairs = [(left["data"], right["data"])] if right["data"] else []
    both = zip(left["parts"], right["parts"], strict=False)
    pairs += [(old["data"], new["data"]) for old, new in both]
    for before, now in pairs:
        for role in ("train", "valid", "test"):
            # an open slice was filled in when the run began
            if now[role] is None:
                now[role] = before[role]
    left.pop("compare")
    right.pop("compare")
    for key in left:
        if left[key] != right[key]:
            return f"{key} was {left[key]}, is {right[key]}"
    return ""


def _opening(task_job) -> str:
    counts = dict(task_job.records.counts)
    skipped = counts.pop("skipped")
    roles = ", ".join(f"{role} {count}" for role, count in counts.items())
    return (
        f"{task_job.recipe.method} of {task_job.recipe.backbone} on "
        f"{task_job.recipe.data.source}: {len(task_job.classes)} classes, {roles}, "
        f"skipped {skipped}"
    )


def _finish():
    from tltf.training import finish

    return finish
