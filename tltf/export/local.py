"""Answers of a published model or a run for records of this machine."""

import collections
import concurrent.futures
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tltf import errors
from tltf.export import named, publish, serving
from tltf.export import run as runs
from tltf.ops import lines, messages

_READERS = 8  # threads that read files; they mostly wait
Serve = Callable[[tf.Tensor], dict[str, tf.Tensor]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A network to ask.

    Attributes:
      serve: Bytes of records, string `[b]`, to named outputs; see `named`.
      reads: What a record is: `image_bytes` or `text`.
      labels: Class names in the order of scores.
      form: What is answered: `classes`, a `number`, or tags of `tokens`.
      parts: Of a model of several parts, what each of them answers; then there
        are no labels above.
      owner: Of the variables; `serve` alone does not keep them alive.
    """

    serve: Serve
    reads: str
    labels: tuple[str, ...]
    form: str
    owner: object
    parts: Mapping[str, named.Ends] = dataclasses.field(default_factory=dict)

    @property
    def ends(self) -> named.Ends:
        """What a model without parts answers."""
        return named.Ends(self.labels, self.form)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one record.

    Attributes:
      id: Path, or name, as given.
      label: The class, the list of accepted ones, the number, or a tag for each
        token.
      probabilities: float32 `[classes]`; `[1]`, the number; `[tokens, classes]`; None
        where there is an error.
      error: Why there is no answer.
      parts: Of a model of several parts, the answer of each.
    """

    id: str
    label: named.Label | None = None
    probabilities: np.ndarray | None = None
    error: str | None = None
    parts: Mapping[str, "Answer"] = dataclasses.field(default_factory=dict)


def load(folder: pathlib.Path) -> Model:
    """Returns the model of a version folder, the newest of a model folder, or a run's.

    Raises:
      UserError: The folder is none of these.
    """
    if not folder.is_dir():
        raise errors.UserError(f"--model: no folder {str(folder)!r}")
    if (folder / "saved_model.pb").is_file():
        return _published(folder)
    if numbers := publish.versions(folder):
        return _published(folder / str(numbers[-1]))
    if (folder / "recipe.yaml").is_file():
        run = runs.read(folder)
        server = serving.Server(run)
        outputs = server.serve.get_concrete_function().structured_outputs
        names = {name: tuple(a.labels) for name, a in server.answerers.items()}
        return Model(
            serve=server.serve,
            reads=server.reader.name_of_input,
            owner=server,
            **fields(names, outputs),
        )
    raise errors.UserError(
        f"--model: {str(folder)!r} is neither a published model (saved_models/NAME or "
        "a version in it) nor a run folder"
    )


def answers(model: Model, records: Iterable, *, batch: int) -> Iterator[Answer]:
    """Gives one answer a record, in order; a bad one gives an answer with `error`.

    Files are read ahead by threads while the network works; at most four
    batches of bytes are held.

    Args:
      model: From `load`.
      records: Paths of files, or pairs of a name and the bytes themselves.
      batch: Records that go through the network together.
    """
    read = _read(records, ahead=3 * batch)
    while files := list(itertools.islice(read, batch)):
        good = [contents for _, contents in files if isinstance(contents, bytes)]
        asked = iter(_asked(model, good))
        for path, contents in files:
            found = next(asked) if isinstance(contents, bytes) else contents
            yield _answer(model, path, found)


def _read(records: Iterable, ahead: int) -> Iterator[tuple[str, bytes | str]]:
    waiting: collections.deque = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
        for record in records:
            name = record if isinstance(record, str) else record[0]
            waiting.append((name, pool.submit(_contents, record)))
            if len(waiting) > ahead:
                first, done = waiting.popleft()
                yield first, done.result()
        for first, done in waiting:
            yield first, done.result()


def _contents(record: str | tuple[str, bytes]) -> bytes | str:
    if not isinstance(record, str):
        return record[1]
    try:
        return pathlib.Path(record).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        return getattr(error, "strerror", None) or str(error)


def _asked(model: Model, files: list[bytes]) -> list[dict[str, np.ndarray] | str]:
    """Outputs of each file, or the cause why it has none."""
    if not files:
        return []
    try:
        found = model.serve(tf.constant(files))
    except tf.errors.InvalidArgumentError as error:
        if len(files) == 1:
            return [messages.cause(error.message)]
        # One bad file fails its batch: halves find it in few calls.
        half = len(files) // 2
        return _asked(model, files[:half]) + _asked(model, files[half:])
    found = {name: value.numpy() for name, value in found.items()}
    return [{n: value[row] for n, value in found.items()} for row in range(len(files))]


def _answer(model: Model, path: str, found: dict[str, np.ndarray] | str) -> Answer:
    if isinstance(found, str):
        return Answer(id=path, error=found)
    if model.parts:
        each = {
            name: _answered(name, ends.labels, named.of_part(found, name))
            for name, ends in model.parts.items()
        }
        return Answer(id=path, parts=each)
    return _answered(path, model.labels, found)


def _answered(path: str, labels: tuple[str, ...], found: dict) -> Answer:
    return Answer(
        id=path,
        label=named.label(found, labels),
        probabilities=named.scores(found),
    )


def _published(folder: pathlib.Path) -> Model:
    labels = _labels(folder)
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise errors.UserError(f"{folder} does not load: {error}") from None
    serve = loaded.signatures["serving_default"]

    [reads] = serve.structured_input_signature[1]
    return Model(
        serve=lambda records: serve(**{reads: records}),
        reads=reads,
        owner=loaded,
        **fields(labels, serve.structured_outputs),
    )


def _labels(folder: pathlib.Path) -> dict[str, tuple[str, ...]]:
    """Class names by part; of a model without parts under ""."""
    files = sorted((folder / "assets").glob("labels_*.txt"))
    found = {file.stem.removeprefix("labels_"): file for file in files}
    found = found or {"": folder / "assets" / "labels.txt"}
    for file in found.values():
        if not file.is_file():
            raise errors.UserError(f"{file} is missing: not a model of `tltf export`")
    return {
        name: tuple(lines.of(file.read_text(encoding="utf-8")))
        for name, file in found.items()
    }


def fields(
    labels: Mapping[str, tuple[str, ...]], outputs: Sequence[str]
) -> dict[str, Any]:
    """Returns the fields of a `Model` that say what it answers.

    Args:
      labels: Class names by part; of a model without parts under "".
      outputs: Names of its outputs.
    """
    if "" in labels:
        return {"labels": labels[""], "form": named.form(outputs)}
    parts = {
        name: named.Ends(names, named.form(named.of_part(outputs, name)))
        for name, names in labels.items()
    }
    return {"labels": (), "form": "parts", "parts": parts}
