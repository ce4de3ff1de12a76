"""Scalars for TensorBoard: `tensorboard --logdir=RUN/logs`."""

import pathlib
from collections.abc import Callable, Mapping

import tensorflow as tf


def writer(folder: pathlib.Path) -> Callable[[Mapping[str, float], int], None]:
    """Returns a function of (row of history.csv, epochs so far) that logs it.

    Names and folders are those of `keras.callbacks.TensorBoard`: `epoch_loss`
    under `train`, and the same names without `valid_` under `validation`.
    """
    files = {
        role: tf.summary.create_file_writer(str(folder / role))
        for role in ("train", "validation")
    }

    def write(row: Mapping[str, float], step: int) -> None:
        for name, value in row.items():
            if name in ("stage", "epoch"):
                continue
            part, dot, kind = name.rpartition(".")
            role = "validation" if kind.startswith("valid_") else "train"
            with files[role].as_default():
                short = f"{part}{dot}epoch_{kind.removeprefix('valid_')}"
                tf.summary.scalar(short, value, step=step)
        for file in files.values():
            file.flush()

    return write
