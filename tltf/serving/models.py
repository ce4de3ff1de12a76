"""The models under a folder, kept in memory as the folder changes."""

import contextlib
import dataclasses
import gc
import pathlib
import time
from collections.abc import Iterator

from absl import logging

from tltf import errors
from tltf.serving import batches, folders, limits, metrics, status, tensors, version

# Numbers of tensorflow_serving/apis/get_model_status.proto.
STATES = {"START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ready:
    """A version that takes requests."""

    version: version.Version
    worker: batches.Worker


@dataclasses.dataclass(frozen=True)
class State:
    """Where a version stands: a name of `STATES`, and why it is not served."""

    name: str
    error: str = ""


class Models:
    """All models of a server.

    Reading is safe on any thread; `poll` and `close` belong to one.
    """

    def __init__(self, folder: pathlib.Path, bounds: limits.Limits):
        self.bounds = bounds
        self._folder = folder
        self._ready: dict[str, dict[int, Ready]] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._states: dict[str, dict[int, State]] = {}
        self._failed: dict[pathlib.Path, tuple] = {}
        self._troubles: dict[str, str] = {}

    def names(self) -> list[str]:
        """Returns the models with a version that takes requests."""
        return sorted(name for name, ready in self._ready.items() if ready)

    def troubles(self) -> list[str]:
        """Returns why models, or versions of them, are not served."""
        found = list(self._troubles.values())
        for name, states in self._states.items():
            for number, state in states.items():
                if state.error:
                    found.append(f"{name} version {number}: {state.error}")
        return found

    def ready(self, name: str) -> dict[int, Ready]:
        """Returns the versions of a model that take requests."""
        return dict(self._ready.get(name, {}))

    def labels(self, name: str) -> dict[str, int]:
        """Returns version numbers by label."""
        return dict(self._labels.get(name, {}))

    def states(self, name: str, number: int | None = None) -> dict[int, State]:
        """Returns where the versions of a model stand, or one of them.

        Raises:
          status.Refused: There is none.
        """
        found = dict(self._states.get(name, {}))
        if not found:
            raise status.Refused(
                "NOT_FOUND", f"Could not find any versions of model {name}"
            )
        if number is None:
            return found
        if number not in found:
            raise status.Refused(
                "NOT_FOUND", f"Could not find version {number} of model {name}"
            )
        return {number: found[number]}

    def labelled(self, name: str, label: str) -> int:
        """Returns the number that a label stands for.

        Raises:
          status.Refused: The model has no such label.
        """
        found = self._labels.get(name, {})
        if label not in found:
            raise status.invalid(f"Unrecognized servable version label: {label}")
        return found[label]

    def find(self, name: str, number: int | None = None, label: str = "") -> Ready:
        """Returns what answers for a model: the version asked for, or the newest.

        Raises:
          status.Refused: There is none.
        """
        if label:
            number = self.labelled(name, label)
        ready = self._ready.get(name, {})
        if ready and number is None:
            return ready[max(ready)]
        if number in ready:
            return ready[number]
        asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
        raise status.Refused("NOT_FOUND", f"Servable not found for request: {asked}")

    def submit(
        self, ready: Ready, signature: str, inputs: tensors.Tensors, deadline: float
    ) -> batches.Call:
        """Queues a request and returns it; its `done` gets the outputs.

        Raises:
          batches.Closed: The version went meanwhile; find another.
          status.Refused: The inputs do not fit, or the queue is full.
        """
        name = signature or version.DEFAULT
        found = ready.version.signature(name)
        tensors.fitting(inputs, found)
        call = batches.Call(
            signature=name,
            inputs=inputs,
            rows=tensors.rows(inputs, found),
            pixels=limits.pixels(inputs, self.bounds.pixels),
            deadline=deadline,
        )
        ready.worker.submit(call)
        return call

    def poll(self) -> None:
        """Loads what the folder asks for, then lets go of what it no longer does.

        What cannot be loaded keeps its error and is tried again when its files
        change. While a new version loads, the older ones answer.
        """
        folder = folders.models(self._folder)
        for name in [*folder, *(set(self._states) - set(folder))]:
            try:
                wanted = folders.wanted(folder[name]) if name in folder else None
            except errors.UserError as error:
                if self._troubles.get(name) != str(error):
                    self._troubles[name] = str(error)
                    logging.error("%s", error)
                continue
            self._troubles.pop(name, None)
            self._follow(name, folder.get(name), wanted)

    def close(self) -> None:
        """Answers everything that waits and lets go of all models."""
        for name in list(self._ready):
            self._follow(name, None, None)

    def _follow(self, name, path, wanted: folders.Wanted | None) -> None:
        numbers = wanted.versions if wanted else ()
        for number in numbers:
            if number not in self._ready.get(name, {}):
                self._load(name, path / str(number))
        ready = self._ready.get(name, {})
        labels = self._turned(name, wanted.labels if wanted else {})
        self._labels[name] = labels
        if wanted and not set(numbers) & set(ready):
            return  # nothing better than what is there
        for number in set(ready) - set(numbers) - set(labels.values()):
            self._unload(name, number)

    def _turned(self, name: str, labels: dict[str, int]) -> dict[str, int]:
        """Labels by what is ready: one whose version is not stays where it was."""
        ready, before = self._ready.get(name, {}), self._labels.get(name, {})
        turned = {k: n if n in ready else before.get(k) for k, n in labels.items()}
        return {label: number for label, number in turned.items() if number in ready}

    def _load(self, name: str, path: pathlib.Path) -> None:
        number = int(path.name)
        stamp = _stamp(path)
        if self._failed.get(path) == stamp:
            return
        self._set(name, number, State("LOADING"))
        began = time.monotonic()
        try:
            loaded = version.Version(path)
            warmed = loaded.warm()
        except Exception as error:  # a broken model must not stop the others
            self._failed[path] = stamp
            words = " ".join(str(error).split())[:500]
            self._set(name, number, State("END", f"{type(error).__name__}: {words}"))
            logging.error("%s version %d does not load: %s", name, number, words)
            return
        worker = batches.Worker(
            loaded.call,
            self.bounds,
            name=f"{name}-{number}",
            seen=metrics.BATCH.labels(name, str(number)).observe,
        )
        ready = Ready(version=loaded, worker=worker)
        self._ready[name] = self._ready.get(name, {}) | {number: ready}
        self._set(name, number, State("AVAILABLE"))
        took = time.monotonic() - began
        say = "%s version %d takes requests: loaded and %d times warmed in %.1f s"
        logging.info(say, name, number, warmed, took)

    def _unload(self, name: str, number: int) -> None:
        self._set(name, number, State("UNLOADING"))
        left = dict(self._ready[name])
        gone = left.pop(number)
        self._ready[name] = left  # from here on nobody finds it
        gone.worker.close()
        gone.version.close()
        del gone
        gc.collect()  # graphs refer to themselves
        self._set(name, number, State("END"))
        logging.info("%s version %d is unloaded", name, number)

    def _set(self, name: str, number: int, state: State) -> None:
        metrics.READY.labels(name, str(number)).set(state.name == "AVAILABLE")
        self._states[name] = self._states.get(name, {}) | {number: state}


def _stamp(path: pathlib.Path) -> tuple:
    """Changes when a file below a folder does."""
    found = []
    for file in sorted(path.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            told = file.stat()
            found.append((str(file), told.st_size, told.st_mtime_ns))
    return tuple(found)


def waiting(models: Models) -> Iterator[tuple[str, int, int]]:
    """Gives model, version and the requests that wait for it."""
    for name in models.names():
        for number, ready in models.ready(name).items():
            yield name, number, len(ready.worker)
