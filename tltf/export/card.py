"""The model card: what a published version is, where it is from, how well it does."""

import datetime
import hashlib
import pathlib
from typing import Any

import tltf
from tltf import registry
from tltf.export import run as runs
from tltf.export import serving

_ONE = "Tells which one of {count} classes {one} shows."
_SEVERAL = "Tells which of {count} labels {one} carries."
_USE = (
    "{what} Meant for {many} like those of {source}, which it was trained on; scores "
    "of other {many}, or of {many} with none of the classes, say nothing. Scores are "
    "{kind}. Check them on your own {many} before acting on them."
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
    several = run.thresholds is not None
    cuts = {"thresholds": report.choices["thresholds"]} if several else {}
    return {
        "name": name,
        "created": _now(),
        "intended_use": _use(run),
        "labels": list(run.labels),
        "scores": report.scores,
        "counts": report.counts,
        "temperature": run.temperature,
        "views": serving.views(run),
        **cuts,
        "recipe": run.recipe.model_dump(mode="json"),
        "weights": report.weights,
        "licence_of_weights": report.weights.get("licence", "not stated"),
        "seed": report.seed,
        "versions": report.versions | {"tltf": tltf.__version__},
        "signatures": signatures(several, kind=_kind(run)),
        "proof": proof,
    }


def signatures(several: bool, *, kind: str = "image") -> dict[str, Any]:
    """Returns inputs and outputs of each signature in words.

    Args:
      several: Whether a record may carry several labels.
      kind: What records are, `image` or `text`.
    """
    key, said = _INPUTS[kind]
    answers = {
        "scores": "float32 [b, classes], in the order of labels",
        "classes": "string [b], the best label",
    }
    if several:
        answers["accepted"] = "bool [b, classes], scores at or over their threshold"
    record = {key: said}
    examples = f"string [b], serialized tf.Example with the feature {key}"
    return {
        "serving_default": {"inputs": record, "outputs": answers},
        "features": {
            "inputs": record,
            "outputs": {"features": "float32 [b, features], the encoder's vector"},
        },
        "predict_examples": {"inputs": {"examples": examples}, "outputs": answers},
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
    what = _ONE if run.thresholds is None else _SEVERAL
    one, many = _NOUNS[_kind(run)]
    calibrated = "temperature" in run.report.choices
    return _USE.format(
        what=what.format(count=len(run.labels), one=one),
        many=many,
        source=pathlib.PurePath(run.recipe.data.source).name,
        kind="probabilities calibrated on its valid split"
        if calibrated
        else "uncalibrated probabilities",
    )


def _kind(run: runs.Run) -> str:
    module, form = registry.variant(run.recipe.backbone)
    return module.VARIANTS[form].kind


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
