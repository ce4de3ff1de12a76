"""Hosts that train together, as TF_CONFIG names them, and what each of them reads."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tltf import errors

_EXAMPLE = (
    '{"cluster": {"worker": ["HOST:PORT", ...]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Worker:
    """One process of a run.

    Attributes:
      number: From 0, which is the chief.
      count: Processes.
    """

    number: int = 0
    count: int = 1

    def share(self, records: int, batch: int) -> "Share":
        """Returns what it reads of an epoch: its part of each batch.

        Args:
          records: Of the whole epoch.
          batch: Of all workers together.

        Raises:
          UserError: There are fewer records in the first batch than workers.
        """
        if self.count == 1:
            return Share(slice(None), batch)
        least = min(batch, records)
        if least < self.count:
            raise errors.UserError(
                f"batch: {least} records cannot be split over {self.count} workers; "
                "it is the batch of all workers together"
            )
        parts = [
            start + self._part(min(batch, records - start))
            for start in range(0, records, batch)
        ]
        return Share(
            np.concatenate(parts), len(self._part(batch)), short=not len(parts[-1])
        )

    def _part(self, rows: int) -> np.ndarray:
        # of no batch size below another is a part longer than of the other
        each, more = divmod(rows, self.count)
        start = self.number * each + min(self.number, more)
        return np.arange(start, start + each + (self.number < more))


@dataclasses.dataclass(frozen=True)
class Share:
    """What one worker reads of an epoch.

    Attributes:
      places: Positions in the order of the epoch.
      batch: Records that it reads of a full batch.
      short: The last batch has no record for it.
    """

    places: np.ndarray | slice
    batch: int
    short: bool = False

    def ended(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Returns the batches, and where the last has no record for this worker, one
        with an input that counts nowhere, as `replicas.part` takes it."""
        if not self.short:
            return batches
        none = batches.take(1).map(
            lambda inputs, targets, weights: (
                tf.nest.map_structure(lambda one: one[:1], inputs),
                *tf.nest.map_structure(lambda one: one[:0], (targets, weights)),
            )
        )
        return batches.concatenate(none)


def mine() -> Worker:
    """Returns which worker this process is, by the environment's TF_CONFIG.

    Raises:
      UserError: TF_CONFIG is not set, is no JSON, or its task is not in its cluster.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise errors.UserError(f"TF_CONFIG: not set; multi_worker needs {_EXAMPLE}")
    try:
        given = json.loads(text)
        chiefs = given["cluster"].get("chief", [])
        hosts = [("chief", n) for n, _ in enumerate(chiefs)]
        hosts += [("worker", n) for n, _ in enumerate(given["cluster"]["worker"])]
        task = given["task"]["type"], int(given["task"]["index"])
        return Worker(hosts.index(task), len(hosts))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise errors.UserError(
            f"TF_CONFIG: {text[:200]!r} does not name this worker; it takes {_EXAMPLE}"
        ) from None


@contextlib.contextmanager
def folder(workdir: pathlib.Path, kind: str) -> Iterator[pathlib.Path]:
    """Gives the folder that this process writes its run to.

    The chief writes `workdir`; another worker a temporary copy, from which it
    resumes what the chief resumes. It is taken before the workers meet, so the
    chief does not write meanwhile.

    Args:
      workdir: Run folder; on a disk that all workers see.
      kind: As of `devices.use`.
    """
    if kind != "multi_worker" or not mine().number:
        yield workdir
        return
    with tempfile.TemporaryDirectory(prefix="tltf_worker_") as scratch:
        own = pathlib.Path(scratch) / workdir.name
        if workdir.is_dir():
            shutil.copytree(workdir, own, ignore=shutil.ignore_patterns("logs"))
        yield own
