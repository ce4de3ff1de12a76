"""Where a pre-training stands, and its checkpoint."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tltf import errors
from tltf.training import state

_META = ("epoch", "step", "total", "count", "best", "stale", "rows")


@dataclasses.dataclass(kw_only=True, eq=False)
class Place:
    """Where a run stands.

    Attributes:
      folder: Of the run.
      identity: JSON values; a checkpoint with others is of another run.
      epoch: Epochs done.
      step: Steps of the next epoch done.
      total: Losses of those steps, summed over tokens.
      count: Tokens of those steps.
      best: Least loss of the held-out text so far.
      stale: Epochs since.
      rows: Of history.csv.
      carried: States of the network behind the last step, or None before one.
      kept: Weights at the least loss.
    """

    folder: pathlib.Path
    identity: Mapping[str, Any]
    epoch: int = 0
    step: int = 0
    total: float = 0.0
    count: float = 0.0
    best: float = math.inf
    stale: int = 0
    rows: list[dict] = dataclasses.field(default_factory=list)
    carried: dict[str, tf.Tensor] | None = None
    kept: list[np.ndarray] = dataclasses.field(default_factory=list)

    @property
    def file(self) -> pathlib.Path:
        """Where the checkpoint is."""
        return self.folder / "checkpoints" / "state.npz"

    def save(self, variables: Mapping[str, Sequence]) -> None:
        """Writes everything in one step.

        Args:
          variables: All that learning changes, by kind.
        """
        carried = self.carried or {}
        inner = {"carried": [carried[k] for k in sorted(carried)], "kept": self.kept}
        meta = {name: getattr(self, name) for name in _META}
        meta |= {"identity": self.identity, "names": sorted(carried)}
        state.save(self.file, {**variables, **inner}, meta)

    def restore(self, variables: Mapping[str, Sequence]) -> None:
        """Reads what `save` wrote, if there is anything.

        Raises:
          UserError: The checkpoint is damaged or of other settings or texts.
        """
        if not self.file.exists():
            return
        arrays, meta = state.load(self.file)
        if meta["identity"] != self.identity:
            raise errors.UserError(
                f"{self.file} is of other settings or texts; "
                "resume with the same ones, or take another --workdir"
            )
        for name in _META:
            setattr(self, name, meta[name])
        for kind, own in variables.items():
            state.put(own, arrays.get(kind, []), what=kind)
        if meta["names"]:
            found = map(tf.constant, arrays["carried"])
            self.carried = dict(zip(meta["names"], found, strict=True))
        self.kept = arrays.get("kept", [])
        logging.info("resuming in epoch %d, step %d", self.epoch + 1, self.step + 1)

    def learnt(self, loss: float, size: int) -> None:
        """Notes a step of `size` tokens with a mean loss."""
        self.total, self.count = self.total + loss * size, self.count + size
        self.step += 1

    def judged(self, row: dict, weights: Sequence) -> None:
        """Ends an epoch: `row` has its `valid_loss`."""
        if row["valid_loss"] < self.best:
            self.best, self.stale = row["valid_loss"], 0
            self.kept = [weight.numpy() for weight in weights]
        else:
            self.stale += 1
        self.epoch, self.step, self.total, self.count = self.epoch + 1, 0, 0.0, 0.0
        self.carried = None
        self.rows.append(row)
