"""Joins the requests that wait for a version into batches, on one thread."""

import collections
import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable, Mapping

import numpy as np
from absl import logging

from tltf.serving import limits, status

_FEW = 8  # rows that always go together
Tensors = dict[str, np.ndarray]
Run = Callable[[str, Tensors], Tensors]


class Closed(Exception):
    """The version takes no more requests: it is being unloaded."""


@dataclasses.dataclass(eq=False, kw_only=True)
class Call:
    """One request on its way to the graph.

    Attributes:
      signature: Name of it.
      inputs: Tensors by name.
      rows: Size of the first axis of all inputs; None where the request must not
        be joined with others.
      pixels: That its images state.
      deadline: Time, of `time.monotonic`, after which nobody waits for it.
      done: Gets the outputs, or a `status.Refused`.
    """

    signature: str
    inputs: Tensors
    rows: int | None
    pixels: int
    deadline: float
    done: concurrent.futures.Future = dataclasses.field(
        default_factory=concurrent.futures.Future
    )

    @property
    def key(self) -> tuple:
        """What calls have in common that may be joined."""
        shapes = [(n, v.dtype.str, v.shape[1:]) for n, v in self.inputs.items()]
        return self.signature, *sorted(shapes)


class Worker:
    """A thread that answers the calls of one version, in the order they came."""

    def __init__(self, run: Run, bounds: limits.Limits, *, name: str, seen=None):
        """Starts the thread.

        Args:
          run: Signature and inputs to outputs; called on this thread only.
          bounds: Of batches and queue.
          name: Of the thread.
          seen: Called with the rows of every batch.
        """
        self._run = run
        self._bounds = bounds
        self._seen = seen or (lambda rows: None)
        self._waiting: collections.deque[Call] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self._last = 0  # rows of the batch before
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, call: Call) -> None:
        """Puts a call at the end of the queue.

        Raises:
          Closed: The worker is closing.
          status.Refused: The queue is full.
        """
        with self._changed:
            if self._closed:
                raise Closed
            if len(self._waiting) >= self._bounds.queue:
                raise status.Refused(
                    "RESOURCE_EXHAUSTED",
                    f"{len(self._waiting)} requests wait already; try again later",
                )
            self._waiting.append(call)
            self._changed.notify()

    def close(self) -> None:
        """Answers what waits, takes nothing more and ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next():
            self._seen(sum(call.rows or 1 for call in batch))
            self._answer(batch)

    def _next(self) -> list[Call]:
        """The oldest call and what may go with it; nothing once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return []
            until = time.monotonic() + self._bounds.wait
            while not self._closed and (left := until - time.monotonic()) > 0:
                if self._rows() >= self._bounds.batch:
                    break
                self._changed.wait(left)
            return self._joined()

    def _rows(self) -> int:
        return sum(call.rows or 1 for call in self._waiting)

    def _room(self) -> int:
        """Rows of the next batch.

        Clients whose answers come together ask again together, and the thread has
        nothing to do meanwhile. So of many rows as many stay for the next batch as
        evens the two out.
        """
        if self._bounds.wait:
            return self._bounds.batch
        even = (self._rows() + self._last + 1) // 2
        return min(self._bounds.batch, max(even, _FEW))

    def _joined(self) -> list[Call]:
        room = self._room()
        first = self._waiting.popleft()
        batch, rows, pixels = [first], first.rows, first.pixels
        if rows is None:
            return batch
        rest: collections.deque[Call] = collections.deque()
        for call in self._waiting:
            fits = call.rows is not None and call.key == first.key
            fits = fits and rows + call.rows <= room
            if fits and pixels + call.pixels <= self._bounds.pixels:
                batch.append(call)
                rows, pixels = rows + call.rows, pixels + call.pixels
            else:
                rest.append(call)
        self._waiting = rest
        self._last = rows
        return batch

    def _answer(self, batch: list[Call]) -> None:
        now = time.monotonic()
        late = [call for call in batch if call.deadline < now]
        for call in late:
            self._refuse(call, status.Refused("DEADLINE_EXCEEDED", "waited too long"))
        self._ask([call for call in batch if call.deadline >= now])

    def _ask(self, batch: list[Call]) -> None:
        """Runs some calls as one; where that fails, halves find the bad ones."""
        if not batch:
            return
        try:
            found = self._outputs(batch)
        except Exception as error:  # of whatever kind: the thread must go on
            if len(batch) > 1:
                half = len(batch) // 2
                self._ask(batch[:half])
                self._ask(batch[half:])
                return
            if not isinstance(error, status.Refused):
                logging.exception("a request failed for a reason of the server")
                error = status.Refused("INTERNAL", f"{type(error).__name__}: {error}")
            self._refuse(batch[0], error)
            return
        for call, outputs in zip(batch, found, strict=True):
            if call.done.set_running_or_notify_cancel():
                call.done.set_result(outputs)

    def _outputs(self, batch: list[Call]) -> list[Tensors]:
        first = batch[0]
        if len(batch) == 1:
            return [self._run(first.signature, first.inputs)]
        joined = {
            name: np.concatenate([call.inputs[name] for call in batch])
            for name in first.inputs
        }
        return _split(self._run(first.signature, joined), [c.rows for c in batch])

    def _refuse(self, call: Call, error: status.Refused) -> None:
        if call.done.set_running_or_notify_cancel():
            call.done.set_exception(error)


def _split(outputs: Mapping[str, np.ndarray], rows: list[int]) -> list[Tensors]:
    """Outputs of each call, of the outputs of all."""
    total = sum(rows)
    for name, value in outputs.items():
        if not value.ndim or len(value) != total:
            # Not a row for a row: these calls are answered one by one.
            raise status.Refused("INTERNAL", f"{name} has other rows than the inputs")
    ends = np.cumsum(rows)
    starts = ends - rows
    return [
        {name: value[start:end] for name, value in outputs.items()}
        for start, end in zip(starts, ends, strict=True)
    ]
