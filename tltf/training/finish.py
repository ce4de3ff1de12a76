"""What a run leaves: model, answers, scores, report."""

import dataclasses
import json
import os
import pathlib
import platform
import resource
import sys

import numpy as np

import tltf
from tltf import errors, specs
from tltf.fetch import files
from tltf.training import answers, history, job, parts


def finish(task_job: job.Job, outcome: job.Outcome, seconds: float) -> specs.Report:
    """Chooses temperature and thresholds on valid, scores valid, writes the folder.

    Args:
      task_job: The run.
      outcome: What its method returned.
      seconds: Wall time of the run so far.
    """
    task, table = task_job.task, task_job.records.part("valid")
    logits = outcome.logits(table)
    chosen = task.choices(logits, table.labels, fit=task_job.recipe.calibrate)
    labels = "".join(f"{name}\n" for name in task_job.classes)
    files.write_text(task_job.folder / "labels.txt", labels)
    if outcome.model is not None:
        _save_model(outcome.model, task_job.folder / "checkpoints" / "model.keras")
    report = specs.Report(
        method=task_job.recipe.method,
        scores={"valid": scored(task_job, "valid", table, logits, chosen)},
        counts=dict(task_job.records.counts),
        seconds={k: round(v, 3) for k, v in outcome.seconds.items()}
        | {"total": round(seconds + outcome.seconds.get("earlier", 0.0), 3)},
        seed=task_job.recipe.seed,
        versions=versions(),
        weights=outcome.weights,
        parameters=outcome.parameters,
        choices=chosen | outcome.chosen,
        peak_mb=peak_mb(),
    )
    write(task_job.folder, report)
    return report


def finish_parts(
    joint: parts.Joint, outcome: job.Outcome, seconds: float
) -> specs.Report:
    """Finishes each part in a folder of its own, then the run.

    Args:
      joint: The run.
      outcome: What its method returned; its logits are {part: `[n, ...]`}.
      seconds: Wall time of the run so far.
    """
    _save_model(outcome.model, joint.folder / "checkpoints" / "model.keras")
    reports = {}
    for name, own in answered(joint, outcome.logits, "valid").items():
        one = joint.jobs[name]
        labels = "".join(f"{label}\n" for label in one.classes)
        files.write_text(joint.folder / f"labels_{name}.txt", labels)
        rows = history.part(joint.folder / "history.csv", name)
        history.rewrite(one.folder / "history.csv", rows)
        alone = dataclasses.replace(
            outcome, model=None, logits=lambda table, own=own: own
        )
        reports[name] = finish(one, alone, seconds)
    first = next(iter(reports.values()))
    whole = first.model_copy(
        update={
            "scores": {"valid": together(joint, reports, "valid")},
            "counts": joint.counts,
            "choices": {name: report.choices for name, report in reports.items()},
        }
    )
    write(joint.folder, whole)
    return whole


def answered(joint: parts.Joint, logits, role: str) -> dict[str, np.ndarray]:
    """Returns the logits of each part's records of a role, from one pass of all."""
    merged = joint.merged(role)
    found = logits(merged.values)
    return {name: found[name][rows] for name, rows in merged.rows.items()}


def together(joint: parts.Joint, reports, role: str) -> dict[str, float]:
    """Returns the scores of all parts as `NAME.score`, and `mean`: that of the parts'
    main scores."""
    scores = {
        f"{name}.{key}": value
        for name, report in reports.items()
        for key, value in report.scores[role].items()
    }
    main = [
        reports[name].scores[role][one.task.METRIC]
        for name, one in joint.jobs.items()
        if name in reports
    ]
    return scores | {"mean": float(np.mean(main))}


def scored(task_job: job.Job, role: str, table, logits, chosen) -> dict[str, float]:
    """Writes the answers of a split and returns its scores."""
    task = task_job.task
    found = task.probabilities(logits, chosen["temperature"])
    path = task_job.folder / f"answers_{role}.jsonl"
    answers.write(path, table, found, task=task, chosen=chosen)
    scores = task.score(table.labels, found, chosen, classes=table.classes)
    return {k: float(v) for k, v in scores.items()}


def write(folder: pathlib.Path, report: specs.Report) -> None:
    """Writes report.json in one step."""
    text = json.dumps(report.model_dump(), indent=2, ensure_ascii=False)
    files.write_text(folder / "report.json", text + "\n")


def read(folder: pathlib.Path) -> specs.Report:
    """Returns the report of a finished run.

    Raises:
      UserError: There is none: the run is not finished, or the folder is no run.
    """
    path = folder / "report.json"
    try:
        return specs.Report.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise errors.UserError(
            f"--workdir: {folder} holds no finished run (no report.json); "
            "finish it by `tltf train --resume`"
        ) from None
    except ValueError as error:
        raise errors.UserError(f"{path}: damaged: {error}") from None


def versions() -> dict[str, str]:
    """Returns the versions that a result depends on."""
    import keras
    import sklearn
    import tensorflow as tf

    return {
        "tltf": tltf.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }


def peak_mb() -> float:
    """Returns the largest memory that this process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _save_model(model, path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(".part.keras")
    model.save(temporary)
    os.replace(temporary, path)
