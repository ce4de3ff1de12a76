"""history.csv: one row for each finished epoch, written at once."""

import csv
import pathlib
from collections.abc import Mapping, Sequence

from absl import logging

_FIRST = ("stage", "epoch", "loss", "valid_loss")


def append(path: pathlib.Path, row: Mapping[str, float | int]) -> None:
    """Adds a row; the file gets its header with the first one."""
    fresh = not path.exists() or path.stat().st_size == 0
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _columns(row), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow({k: _text(v) for k, v in row.items()})


def rewrite(path: pathlib.Path, rows: Sequence[Mapping[str, float | int]]) -> None:
    """Replaces the file by `rows`: a resumed run drops what it will do again."""
    path.unlink(missing_ok=True)
    for row in rows:
        append(path, row)


def part(path: pathlib.Path, name: str) -> list[dict[str, str]]:
    """Returns the rows of a multi-task run's file as one part has them: its columns
    `NAME.loss`, `NAME.valid_loss` and so on without the name."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = ("stage", "epoch", "seconds")
    return [
        {key: row[key] for key in kept}
        | {k.partition(".")[2]: v for k, v in row.items() if k.startswith(f"{name}.")}
        for row in rows
    ]


def say(row: Mapping[str, float | int], stages: int, epochs: int) -> None:
    """Logs a finished epoch.

    Args:
      row: Of the file.
      stages, epochs: How many there are, of epochs in this stage.
    """
    scores = ", ".join(
        f"{key} {value:.4f}"
        for key, value in row.items()
        if key.rpartition(".")[2].startswith("valid")
    )
    logging.info(
        "stage %d/%d epoch %d/%d: loss %.4f, %s (%.1f s)",
        row["stage"], stages, row["epoch"], epochs, row["loss"], scores, row["seconds"],
    )  # fmt: skip


def _columns(row: Mapping) -> list[str]:
    return [*_FIRST, *(key for key in row if key not in _FIRST)]


def _text(value: float | int) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
