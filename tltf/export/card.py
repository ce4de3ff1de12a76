"""The model card: what a published version is, where it is from, how well it does."""

import datetime
import hashlib
import pathlib
from typing import Any

import tltf
from tltf import registry
from tltf.export import run as runs
from tltf.export import serving

_USE = (
    "{what} Meant for {many} like those of {source}, which it was trained on; answers "
    "to other {many}{other} say nothing.{kind} Check them on your own {many} before "
    "acting on them."
)
_NOUNS = {"image": ("an image", "images"), "text": ("a text", "texts")}
_INPUTS = {
    "image": ("image_bytes", "string [b], JPEG, PNG, GIF, BMP or WebP files"),
    "text": ("text", "string [b], UTF-8"),
}


def card(run: runs.Run, name: str, proof: dict[str, Any]) -> dict[str, Any]:
    """Returns the facts of a version, ready for JSON.

    Args:
      run: What is published.
      name: Of the model.
      proof: What `proof.check` found.
    """
    report = run.report
    parts = runs.parts(run)
    if run.recipe.parts:
        each = {part: _part(one) for part, one in parts.items()}
        answered = {"parts": each, "scores": report.scores}
    else:
        answered = {**_answered(run), "scores": report.scores}
    return {
        "name": name,
        "created": _now(),
        **answered,
        "counts": report.counts,
        "views": serving.views(run),
        "recipe": run.recipe.model_dump(mode="json"),
        "weights": report.weights,
        "licence_of_weights": report.weights.get("licence", "not stated"),
        "seed": report.seed,
        "versions": report.versions | {"tltf": tltf.__version__},
        "signatures": signatures(
            {part: _task(one).ANSWERS for part, one in parts.items()}, kind=_kind(run)
        ),
        "proof": proof,
    }


def signatures(
    tasks: dict[str, dict[str, str]], *, kind: str = "image"
) -> dict[str, Any]:
    """Returns inputs and outputs of each signature in words.

    Args:
      tasks: What each part's task answers, by output; of a run without parts, one
        under "".
      kind: What records are, `image` or `text`.
    """
    key, said = _INPUTS[kind]
    record = {key: said}
    answers = {
        f"{part}_{name}" if part else name: text
        for part, given in tasks.items()
        for name, text in given.items()
    }
    alone = {
        part: {"inputs": record, "outputs": given}
        for part, given in tasks.items()
        if part
    }
    examples = f"string [b], serialized tf.Example with the feature {key}"
    return {
        "serving_default": {"inputs": record, "outputs": answers},
        "features": {
            "inputs": record,
            "outputs": {"features": "float32 [b, features], the encoder's vector"},
        },
        "predict_examples": {"inputs": {"examples": examples}, "outputs": answers},
        **alone,
    }


def _part(run: runs.Run) -> dict[str, Any]:
    return {"task": run.recipe.task, **_answered(run), "scores": run.report.scores}


def _answered(run: runs.Run) -> dict[str, Any]:
    several = run.thresholds is not None
    cuts = {"thresholds": run.report.choices["thresholds"]} if several else {}
    return {
        "intended_use": _use(run),
        "labels": list(run.labels),
        "temperature": run.temperature,
        **cuts,
    }


def digests(folder: pathlib.Path) -> dict[str, str]:
    """Returns the sha256 of every file under a folder, by its path below it."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[path.relative_to(folder).as_posix()] = digest
    return found


def _use(run: runs.Run) -> str:
    one, many = _NOUNS[_kind(run)]
    other, kind = "", ""
    if run.labels:
        calibrated = "temperature" in run.report.choices
        said = "calibrated on its valid split" if calibrated else "uncalibrated"
        kind = f" Scores are probabilities, {said}."
    if _task(run).LABELS in ("one", "several"):
        other = f", or to {many} with none of the classes,"
    return _USE.format(
        what=_task(run).USE.format(count=len(run.labels), one=one),
        many=many,
        source=pathlib.PurePath(run.recipe.data.source).name,
        other=other,
        kind=kind,
    )


def _task(run: runs.Run):
    return registry.find("tasks", run.recipe.task)


def _kind(run: runs.Run) -> str:
    module, form = registry.variant(run.recipe.backbone)
    return module.VARIANTS[form].kind


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
