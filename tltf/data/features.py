"""Feature vectors of frozen encoders: computed once, then read."""

import dataclasses
import hashlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from tltf import errors
from tltf.data import cache, forward, pixels
from tltf.data.pixels import Preprocess

# encoder -> digest of its weights -> engines built; a run asks for several splits
_BUILT: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

Progress = Callable[[int], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Frozen:
    """An encoder whose weights stay as they are, and how to run it.

    Attributes:
      encoder: Model {"image": float32 `[b, side, side, 3]`, 0..255} to
        {"vector": `[b, features]`}.
      name: Which architecture, such as `mobilenet_v2/full`.
      sha256: Digest of the weights: `weights_digest(encoder)`, or that of the
        file they were read from.
      engine: A file under tltf/engines, or `auto`.
      precision: float32 or bfloat16.
    """

    encoder: Any
    name: str
    sha256: str
    engine: str = "auto"
    precision: str = "float32"

    @property
    def features(self) -> int:
        """Length of a vector."""
        return self.encoder.output["vector"].shape[-1]


@dataclasses.dataclass(frozen=True, eq=False)
class Extract:
    """Vectors, and how they came about.

    Attributes:
      vectors: float32 `[n, features]`; read-only where mapped from disk.
      rows: Which of the records asked for the rows of `vectors` are, int `[n]`.
      bad: Row -> cause of each file that does not decode.
      computed: Vectors computed; the others were in the cache.
      damaged: Segments of the cache that were found damaged.
      engine: Engine that computed, or None.
      precision: As asked for, or float32 where the CPU has no other.
    """

    vectors: np.ndarray
    rows: np.ndarray
    bad: dict[int, str]
    computed: int
    damaged: int
    engine: str | None
    precision: str


def vectors(
    frozen: Frozen,
    paths: Sequence[str],
    digests: Sequence[str],
    preprocess: Preprocess,
    *,
    batch: int = 32,
    progress: Progress | None = None,
) -> np.ndarray:
    """Returns the vectors of image files, float32 `[n, features]`.

    Read from the cache where there, computed and stored otherwise. The cache
    is keyed by what decides a vector (bytes of the file, weights, preprocessing,
    precision) and not by the engine: engines agree within `forward.TOLERANCE`.

    Args:
      frozen: The encoder.
      paths: Files, `[n]`.
      digests: SHA-256 of each file's bytes, hexadecimal, `[n]`.
      preprocess: How files become images.
      batch: Images a forward pass.
      progress: Called with the records done since its last call.

    Raises:
      UserError: A file does not decode; the message names it.
    """
    files = list(zip(map(str, paths), map(str, digests), strict=True))
    done = extract(frozen, files, preprocess, batch=batch, progress=progress)
    return done.vectors


def extract(
    frozen: Frozen,
    files: Sequence[tuple[str, str]],
    preprocess: Preprocess,
    *,
    batch: int = 32,
    bad: Literal["skip", "stop"] = "stop",
    progress: Progress | None = None,
) -> Extract:
    """Returns what `vectors` returns, with counts; files may be skipped.

    Args:
      frozen: The encoder.
      files: Pairs of path and digest, see `vectors`.
      preprocess: How files become images.
      batch: Images a forward pass.
      bad: What to do about a file that does not decode.
      progress: Called with the records done since its last call.

    Raises:
      UserError: A file does not decode and `bad` is `stop`, or the encoder
        takes another side, or the engine cannot be used.
    """
    _check_side(frozen, preprocess)
    engine, precision = forward.usable(frozen.engine, frozen.precision)
    work = _Work(frozen, preprocess, precision, batch, bad, progress or _silent)
    folder = cache.folder(_about(work))
    paths = {digest: path for path, digest in reversed(files)}
    found = cache.lookup(folder, set(paths), features=frozen.features)
    missing = [(p, d) for d, p in paths.items() if d not in found.places][::-1]
    work.tell(len(files) - len(missing))
    causes: dict[str, str] = {}
    taken, fresh = _fill(folder, work, engine, missing, causes)
    places = found.places | fresh
    rows = [row for row, (_, digest) in enumerate(files) if digest in places]
    kept = [files[row][1] for row in rows]
    answer = cache.gather(places, kept, features=frozen.features)
    if fresh:
        cache.trim(cache.root(), cache.limit())
    refused = {row: causes[d] for row, (_, d) in enumerate(files) if d in causes}
    how = (len(fresh), found.damaged, taken, precision)
    return Extract(answer, np.array(rows, np.int64), refused, *how)


def weights_digest(model) -> str:
    """Returns the SHA-256 of all weights of a Keras model, hexadecimal.

    Names do not count, for Keras numbers them by the order of construction.
    """
    total = hashlib.sha256()
    for weight in model.weights:
        value = np.ascontiguousarray(weight.numpy())
        total.update(f"{value.dtype.str}{value.shape}".encode())
        total.update(value.tobytes())
    return total.hexdigest()


def built(frozen: Frozen) -> dict:
    """Returns the engines built in this process for the encoder as it is now."""
    of_encoder = _BUILT.setdefault(frozen.encoder, {})
    for digest in set(of_encoder) - {frozen.sha256}:
        del of_encoder[digest]  # its weights have changed since
    return of_encoder.setdefault(frozen.sha256, {})


@dataclasses.dataclass(frozen=True, eq=False)
class _Work:
    frozen: Frozen
    preprocess: Preprocess
    precision: str
    batch: int
    bad: str
    tell: Progress


def _check_side(frozen: Frozen, preprocess: Preprocess) -> None:
    side = frozen.encoder.inputs[0].shape[1]
    if side != preprocess.side:
        raise errors.UserError(
            f"image.side: {preprocess.side}, but encoder {frozen.name!r} was built "
            f"for {side}; give both the same side"
        )


def _about(work: _Work) -> dict[str, Any]:
    frozen = work.frozen
    about = {"encoder": frozen.name, "weights": frozen.sha256}
    # an encoder built for training in half precision has other vectors
    about["compute"] = frozen.encoder.layers[-1].compute_dtype
    return {**about, "precision": work.precision, **pixels.about(work.preprocess)}


def _fill(folder, work: _Work, engine: str, files, causes: dict[str, str]):
    """Engine taken, and places of the vectors computed and stored for `files`."""
    if not files:
        return None, {}
    options = {"engine": engine, "precision": work.precision, "batch": work.batch}
    encoder, known = work.frozen.encoder, built(work.frozen)
    name, run = forward.compile(encoder, count=len(files), built=known, **options)
    made = _computed(work, run, files, causes)
    return name, cache.store(folder, made, features=work.frozen.features)


def _silent(count: int) -> None:
    """Tells nobody."""


def _computed(work: _Work, run, files, causes: dict[str, str]) -> Iterator:
    """Yields digests and vectors batch by batch; fills `causes` of bad files."""
    for done in pixels.batches(files, work.preprocess, batch=work.batch):
        for row, cause in done.bad.items():
            _refuse(files[row][0], cause, work.bad)
            causes[files[row][1]] = cause
        if len(done.rows):
            digests = [files[row][1] for row in done.rows]
            yield digests, run(done.images)[: len(digests)]
        work.tell(len(done.rows) + len(done.bad))


def _refuse(path: str, cause: str, bad: str) -> None:
    if bad == "stop":
        raise errors.UserError(
            f"{path}: does not decode ({cause}); mend or remove it, or skip bad files"
        )
