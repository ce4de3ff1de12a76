"""What a run leaves: model, answers, scores, report."""

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
from tltf.training import answers, job


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
