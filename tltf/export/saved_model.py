"""Publishes a run as one SavedModel that proved itself."""

import json
import pathlib
import re
from typing import Any

import tensorflow as tf

from tltf.export import card, configs, named, proof, publish, readers, serving, warmup
from tltf.export import run as runs
from tltf.fetch import files

_WARM = 4  # validation records in the warm-up file


def export(
    workdir: pathlib.Path,
    saved_models: pathlib.Path,
    name: str | None = None,
    *,
    canary: bool = False,
) -> dict[str, Any]:
    """Builds, proves and publishes the next version of a model.

    Args:
      workdir: Folder of a finished run.
      saved_models: Folder of all models; `<name>/<version>` is made in it.
      name: Of the model; by default from the recipe, see `default_name`.
      canary: Whether the label `stable` stays on the version where it is.

    Returns:
      `path`, `name`, `version`, `proof`.

    Raises:
      UserError: No such run, or a name that does not fit.
      WorkError: The reloaded model does not answer as the run did. Nothing is
        left behind.
    """
    run = runs.read(workdir)
    name = name or default_name(run)
    model = publish.folder(saved_models.absolute(), name)
    server = serving.Server(run)
    rows = {part: _rows(server, one, part) for part, one in runs.parts(run).items()}
    with publish.building(model) as built:
        _save(server, built)
        found = _proved(server, built, rows, run.recipe.precision)
        warm = [readers.raw(row) for asked in rows.values() for row in asked[:_WARM]]
        warmup.write(built, name, warm, key=server.reader.name_of_input)
        facts = card.card(run, name, found) | {"files": card.digests(built)}
        text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        files.write_text(built / "card.json", text)
        path = publish.take(built, model)
        configs.write(model, canary=canary)
    return {"path": str(path), "name": name, "version": int(path.name), "proof": found}


def default_name(run: runs.Run) -> str:
    """Returns `task-backbone-source`, such as `image_class-mobilenet-textures`.

    Of `folder:PATH` and its like the last part of the path is taken.
    """
    backbone = run.recipe.backbone.partition("/")[0]
    if run.recipe.parts:
        names = "-".join(part.name for part in run.recipe.parts)
        return f"{run.recipe.method}-{backbone}-{names}"
    source, _, argument = run.recipe.data.source.partition(":")
    data = pathlib.PurePath(argument).stem if argument else source
    whole = f"{run.recipe.task}-{backbone}-{data or source}"
    return re.sub(r"[^A-Za-z0-9._-]+", "_", whole)


def _rows(server: serving.Server, run: runs.Run, part: str) -> list[dict]:
    """Answers of a run, or of one part, that the export is proved on."""
    origin, rows = runs.answers(run)
    rows = proof.pick(rows, origin)
    if run.recipe.tta > serving.views(run):
        return _answered(server.parts[part] if part else server.serve, rows)
    return rows


def _proved(server, built: pathlib.Path, rows: dict, precision: str) -> dict[str, Any]:
    """What `proof.check` found, over all parts."""
    found = [
        proof.check(
            built,
            asked,
            precision=precision,
            answer=server.answerers[part].answer,
            labels=server.answerers[part].labels,
            part=part,
        )
        for part, asked in rows.items()
    ]
    gaps = [one["largest_difference"] for one in found]
    records = sum(one["records"] for one in found)
    return {"records": records, "largest_difference": max(gaps)}


def _answered(serve, rows: list[dict]) -> list[dict]:
    """Rows with the answers of the graph in this process, where the run's own are
    of views that are not served."""
    made = []
    for row in rows:
        found = serve(tf.constant([readers.raw(row)]))
        scores = named.scores({n: value.numpy()[0] for n, value in found.items()})
        made.append(row | {"probabilities": scores.tolist()})
    return made


def _save(server: serving.Server, folder: pathlib.Path) -> None:
    # Without debug information a traceback of the server stays short, and no
    # path of this machine is published.
    options = tf.saved_model.SaveOptions(save_debug_info=False)
    tf.saved_model.save(
        server, str(folder), signatures=server.signatures(), options=options
    )
