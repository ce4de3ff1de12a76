"""Searches recipe fields: each trial is a run, judged by the valid split."""

import gc
import json
import os
import pathlib
import time
import warnings
from typing import Any

import yaml
from absl import logging

from tltf import config, errors, specs
from tltf.fetch import files
from tltf.runs import search_space, trials

# seconds that a worker waits for the chief; hosts of a cluster start minutes apart
_CHIEF = 600.0


def tune(
    recipe: specs.Recipe,
    search: search_space.Search,
    workdir: str | os.PathLike,
    *,
    resume: bool = False,
) -> dict | None:
    """Runs a search, or a worker's share of it, and returns tune.json's content.

    Features of a frozen encoder are computed once: all trials read them from the
    cache. A trial is a run folder under WORKDIR/trials; the best `search.keep` keep
    their weights. best.yaml is the recipe of the best one.

    With Keras Tuner's KERASTUNER_ORACLE_IP, _PORT and _TUNER_ID this process is the
    chief, which proposes and writes the results, or a worker, which runs trials; the
    folder must be one that all of them see.

    Args:
      recipe: Resolved; what is varied.
      search: Checked against it.
      workdir: Folder of the search.
      resume: Go on with a search that was stopped; more trials may be asked for.

    Returns:
      The content of tune.json; None in a worker.

    Raises:
      UserError: The folder holds another search, or no trial's recipe works.
      WorkError: No trial finished.
    """
    from tltf.runs import _tuner

    folder, place = pathlib.Path(workdir), _tuner.place()
    if place == "worker":
        _join(folder, recipe, search)
    else:
        _begin(folder, recipe, search, resume)
        _declare(folder, recipe, search)

    def told(row: dict) -> None:
        rows = trials.read(folder)
        _tuner.say(row, rows)
        _note(folder, row, work.objective)
        if place == "alone" and trials.ranked(rows):
            _write(folder, work, rows)

    work = _tuner.Work(recipe=recipe, search=search, folder=folder, told=told)
    _run(_tuner, work, place)
    return None if place == "worker" else _concluded(folder, work)


def summary(
    recipe: specs.Recipe, search: search_space.Search, objective: str, rows: list[dict]
) -> dict[str, Any]:
    """Returns the content of tune.json.

    Args:
      recipe, search: Of the search.
      objective: Name of the score.
      rows: Of the trials, one of them finished at least.
    """
    best = trials.ranked(rows)
    kept = {row["trial"] for row in best[: search.keep]}
    near = [row["trial"] for row in best[1:] if _within(row, best[0])]
    return {
        "objective": objective,
        "split": "valid",
        "take": {**best[0], "run": f"trials/{best[0]['trial']}"},
        "near": near,
        "tuner": search.tuner,
        "seed": search.seed,
        "method": recipe.method,
        "fields": search.model_dump(mode="json")["fields"],
        "counts": {
            "finished": len(best),
            "failed": sum(1 for row in rows if row["error"]),
        },
        "seconds": round(sum(row["seconds"] or 0.0 for row in rows), 3),
        "trials": [{**row, "kept": row["trial"] in kept} for row in rows],
    }


def _concluded(folder: pathlib.Path, work) -> dict:
    rows = trials.read(folder)
    if not trials.ranked(rows):
        last = rows[-1]["error"] if rows else "no values to try"
        raise errors.WorkError(f"tune: no trial finished: {last}")
    found = _write(folder, work, rows)
    _picture(found, folder / "tune.png")
    return found


def _within(row: dict, best: dict) -> bool:
    """Whether the interval of the best trial's score reaches down to this one's."""
    return best["low"] is not None and row["score"] >= best["low"]


def _begin(folder: pathlib.Path, recipe, search, resume: bool) -> None:
    base, asked = folder / "base.yaml", folder / "search.yaml"
    if folder.exists() and not folder.is_dir():
        raise errors.UserError(f"--workdir: {folder} is a file; name a folder")
    if asked.exists() and not resume:
        raise errors.UserError(
            f"--workdir: {folder} holds a search; add --resume to go on with it, or "
            "name a new folder"
        )
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if not asked.exists() and there - {base.name}:
        raise errors.UserError(
            f"--workdir: {folder} is not empty and holds no search; name a new folder"
        )
    if asked.exists():
        _check_same(folder, recipe, search)
    files.write_text(base, config.dump(recipe))
    # the last to be written: what holds it can be gone on with
    text = yaml.safe_dump(search.model_dump(mode="json"), sort_keys=False)
    files.write_text(asked, text)


def _join(folder: pathlib.Path, recipe, search) -> None:
    """Waits until the chief has begun the search, of the same recipe."""
    end = time.monotonic() + _CHIEF
    while not (folder / "search.yaml").exists():
        if time.monotonic() > end:
            raise errors.WorkError(
                f"tune: no chief has begun a search in {folder}; start it, and give "
                "all of them one folder that each can see"
            )
        time.sleep(0.2)
    _check_same(folder, recipe, search)


def _check_same(folder: pathlib.Path, recipe, search) -> None:
    base, asked = folder / "base.yaml", folder / "search.yaml"
    if config.load(base) != recipe:
        raise errors.UserError(
            f"--workdir: {folder} was begun with another recipe; use that one "
            f"({base}), or a new folder"
        )
    before = search_space.load(asked, recipe)
    changed = {"trials": search.trials, "keep": search.keep}
    if before.model_copy(update=changed) != search:
        raise errors.UserError(
            f"--workdir: {folder} was begun with another search; only trials and "
            f"keep may change ({asked})"
        )


def _run(_tuner, work, place: str) -> None:
    from tltf.training import frozen

    with warnings.catch_warnings():
        # of threading's old names, in Keras Tuner's locks; and that a trial that was
        # killed after it had told its score tells it again
        for said in ("(currentThread|getName)", "The use case of calling"):
            warnings.filterwarnings("ignore", said, DeprecationWarning)
        tuner = _tuner.Tuner(work)
        if place != "worker":
            tuner.save()
        if place != "alone":
            logging.info(
                "%s %s of the search in %s", place, tuner.tuner_id, work.folder
            )
        # what is loaded now stays: the clearing after each trial need not look at it
        gc.freeze()
        try:
            with frozen.shared():
                tuner.search()
        except _tuner.tuner_errors.FatalError:
            raise tuner.fault from None
        finally:
            gc.unfreeze()


def _write(folder: pathlib.Path, work, rows: list[dict]) -> dict:
    from tltf.analysis import search as pages

    found = summary(work.recipe, work.search, work.objective, rows)
    files.write_text(folder / "tune.json", json.dumps(found, indent=2) + "\n")
    files.write_text(folder / "tune.md", pages.markdown(found))
    best = found["take"]
    taken = config.change(work.recipe, (), best["values"])
    header = (
        f"# Best of {len(rows)} trials of `tltf tune`: trial {best['trial']}, valid "
        f"{found['objective']} {best['score']:.4f}\n"
        f"# tltf train --config={folder / 'best.yaml'} --workdir=runs/best\n"
    )
    files.write_text(folder / "best.yaml", header + config.dump(taken))
    return found


def _declare(folder: pathlib.Path, recipe, search) -> None:
    """Writes what TensorBoard's HParams page shows: fields and the score."""
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    from tltf.runs import headline

    shown = []
    for one in search_space.domains(search, recipe):
        if one.range is None:
            domain = api.Discrete(list(one.told))
        else:
            kind, number = (
                (api.IntInterval, int) if one.whole else (api.RealInterval, float)
            )
            domain = kind(number(one.range.low), number(one.range.high))
        shown.append(api.HParam(one.path, domain))
    name = headline.names(recipe)[-1]
    writer = tf.summary.create_file_writer(str(folder / "logs"))
    with writer.as_default():
        metric = api.Metric(f"valid_{name}", display_name=f"valid {name}")
        api.hparams_config(hparams=shown, metrics=[metric])
    writer.close()


def _note(folder: pathlib.Path, row: dict, name: str) -> None:
    """Adds a trial to the HParams page."""
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    values = {
        path: value if isinstance(value, int | float | str) else json.dumps(value)
        for path, value in row["values"].items()
    }
    writer = tf.summary.create_file_writer(str(folder / "logs" / row["trial"]))
    with writer.as_default():
        api.hparams(values, trial_id=row["trial"])
        if row["score"] is not None:
            tf.summary.scalar(f"valid_{name}", row["score"], step=0)
    writer.close()


def _picture(found: dict, path: pathlib.Path) -> None:
    from tltf.analysis import search as pages

    try:
        pages.picture(found, path)
    except errors.UserError as error:  # matplotlib is an extra
        logging.warning("no %s: %s", path.name, error)
