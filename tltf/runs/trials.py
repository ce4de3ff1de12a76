"""Trials of a search on disk: a row each; only the best keep their weights."""

import json
import pathlib
import shutil
from collections.abc import Sequence

from tltf.fetch import files

_ROW = "trial.json"
# of a run folder, what weighs; the report, the answers and the logs stay
_HEAVY = ("checkpoints", "language_model", "backward")


def write(folder: pathlib.Path, row: dict) -> None:
    """Writes the row of a trial into its run folder, in one step.

    Args:
      folder: WORKDIR/trials/NUMBER.
      row: `trial`, `values`, `score`, `error`, ...; `score` and `error` of a trial
        that runs are None.
    """
    files.write_text(folder / _ROW, json.dumps(row) + "\n")


def read(workdir: pathlib.Path) -> list[dict]:
    """Returns the rows of all trials of a search, in the order of their numbers."""
    paths = (workdir / "trials").glob(f"*/{_ROW}")
    # the tuner pads numbers by how many trials were asked for at the time
    paths = sorted(paths, key=lambda path: int(path.parent.name))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def fresh(folder: pathlib.Path, values: dict) -> None:
    """Removes what another trial of this number left: one that the tuner had not yet
    noted when it was killed, and for which it now proposes other values."""
    path = folder / _ROW
    if path.exists() and json.loads(path.read_text())["values"] == values:
        return
    shutil.rmtree(folder, ignore_errors=True)


def ranked(rows: Sequence[dict]) -> list[dict]:
    """Returns the finished trials, best first; of equal ones the earlier first."""
    done = [row for row in rows if row["score"] is not None]
    return sorted(done, key=lambda row: -row["score"])


def prune(workdir: pathlib.Path, keep: int) -> None:
    """Deletes the weights of every ended trial that is not among the best `keep`."""
    rows = read(workdir)
    best = {row["trial"] for row in ranked(rows)[:keep]}
    ended = [row for row in rows if row["score"] is not None or row["error"]]
    for row in ended:
        if row["trial"] in best:
            continue
        folder = workdir / "trials" / row["trial"]
        for name in _HEAVY:
            for found in sorted(folder.rglob(name)):
                # a worker beside this one may delete it at the same moment
                shutil.rmtree(found, ignore_errors=True)
