"""Reads what a finished run left for serving: network, labels, choices."""

import dataclasses
import json
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic
import yaml

from tltf import errors, registry, specs
from tltf.ops import lines

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run folder, without its network.

    Attributes:
      workdir: The folder.
      recipe: As resolved, with `image.side` filled.
      report: What the run wrote of itself.
      labels: Class names in output order.
    """

    workdir: pathlib.Path
    recipe: specs.Recipe
    report: specs.Report
    labels: tuple[str, ...]

    @property
    def temperature(self) -> float:
        """The divisor of logits before probabilities; 1 where none was fitted."""
        return float(self.report.choices.get("temperature", 1.0))

    @property
    def thresholds(self) -> np.ndarray | None:
        """Least probability of each given label, `[classes]`; None for one label."""
        found = self.report.choices.get("thresholds")
        return None if found is None else np.asarray(found, np.float32)


def read(workdir: pathlib.Path) -> Run:
    """Returns the run in a folder.

    Raises:
      UserError: The folder or one of its files is missing or damaged.
    """
    if not workdir.is_dir():
        raise errors.UserError(f"--workdir: no folder {str(workdir)!r}")
    recipe = _parsed(workdir / "recipe.yaml", specs.Recipe, yaml.safe_load)
    report = _parsed(workdir / "report.json", specs.Report, json.loads)
    labels: tuple[str, ...] = ()
    if not recipe.parts:
        labels = tuple(lines.of(_text(workdir / "labels.txt")))
    if recipe.image.side is None and recipe.text.length is None:
        raise errors.UserError(
            f"{workdir / 'recipe.yaml'}: neither image.side nor text.length is filled"
        )
    return Run(workdir=workdir, recipe=recipe, report=report, labels=labels)


def parts(run: Run) -> dict[str, Run]:
    """Returns the run of each part; of a run without parts, itself under ""."""
    if not run.recipe.parts:
        return {"": run}
    return {
        part.name: read(run.workdir / "parts" / part.name) for part in run.recipe.parts
    }


def labels(run: Run) -> list[pathlib.Path]:
    """Returns the files with class names, of which a version keeps copies."""
    names = [f"labels_{part.name}.txt" for part in run.recipe.parts]
    return [run.workdir / name for name in names or ["labels.txt"]]


def model(run: Run) -> "keras.Model":
    """Returns the trained network, image to logits.

    Raises:
      UserError: The run left no network, or one with another number of outputs
        than labels.
    """
    import keras

    from tltf import layers  # noqa: F401  registers the layers that Keras lacks

    path = run.workdir / "checkpoints" / "model.keras"
    if not path.is_file():
        raise errors.UserError(
            f"{path} is missing: method {run.recipe.method} left no network, or "
            "training did not finish; `tltf train --resume` finishes it"
        )
    network = keras.models.load_model(path, compile=False)
    for name, part in parts(run).items():
        found = network.output[name] if name else network.output
        wanted = registry.find("tasks", part.recipe.task).outputs(len(part.labels))
        if found.shape[-1] != wanted:
            raise errors.UserError(
                f"{path} has {found.shape[-1]} outputs but "
                f"{part.workdir / 'labels.txt'} has {len(part.labels)} lines, which "
                f"need {wanted}"
            )
    return network


def answers(run: Run) -> tuple[pathlib.Path, list[dict[str, Any]]]:
    """Returns the answers that the run gave on valid, else on test, and their file.

    Raises:
      UserError: There are none.
    """
    for split in ("valid", "test"):
        path = run.workdir / f"answers_{split}.jsonl"
        if path.is_file() and (rows := lines.of(_text(path))):
            return path, [json.loads(line) for line in rows]
    raise errors.UserError(
        f"{run.workdir} has no answers_valid.jsonl to prove the export against; "
        f"run `tltf evaluate --workdir={run.workdir} --split=valid`"
    )


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise errors.UserError(
            f"{path} is missing: no finished run; `tltf train --workdir="
            f"{path.parent}` makes one"
        ) from None


def _parsed(path, kind, parse):
    try:
        return kind.model_validate(parse(_text(path)))
    except pydantic.ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"]))
        raise errors.UserError(f"{path}: {where}: {found['msg']}") from None
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise errors.UserError(f"{path} is damaged: {error}") from None
