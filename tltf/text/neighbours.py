"""Nearest words by cosine, and analogies."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tltf import errors
from tltf.text import vectors as vectors_

_ROWS = 1 << 15  # of the matrix at a time
_TINY = 1e-6  # keeps 3CosMul from a division by zero; gensim's value

Scores = Callable[[np.ndarray], np.ndarray]  # unit rows [b, d] -> [queries, b]


class Neighbour(NamedTuple):
    """A word and how near it is."""

    word: str
    score: float


def nearest(
    vectors: vectors_.Vectors,
    target: str | np.ndarray,
    k: int = 10,
    *,
    among: int | None = None,
) -> list[Neighbour]:
    """Returns the `k` words of largest cosine, the largest first.

    Args:
      vectors: Where to look.
      target: A word, which is then left out itself, or a vector [d].
      k: How many.
      among: Look at the first so many words only; files have the most frequent
        first.

    Raises:
      UserError: No such word, or a vector of another dimension.
    """
    own = [vectors.index(target)] if isinstance(target, str) else []
    query = vectors.matrix[own[0]] if own else np.asarray(target, np.float32)
    if query.shape != (vectors.dimension,):
        raise errors.UserError(
            f"the vector has shape {query.shape}, {vectors.source} has "
            f"{vectors.dimension} numbers a word"
        )
    return _named(vectors, _cosines(unit(query[None])), own, _size(vectors, k, among))


def analogy(
    vectors: vectors_.Vectors,
    words: Sequence[str],
    k: int = 10,
    *,
    method: str = "add",
    among: int | None = None,
) -> list[Neighbour]:
    """Returns the words nearest to a - b + c, those three left out.

    Args:
      vectors: Where to look.
      words: a, b and c: king, man, woman asks what is to woman as king is to
        man.
      k: How many.
      method: `add` scores the cosine to the sum of unit vectors (3CosAdd),
        `mul` the product of shifted cosines to a and c over that to b (3CosMul).
      among: Look at the first so many words only.

    Raises:
      UserError: No such word or method.

    Source: Mikolov et al., Linguistic Regularities in Continuous Space Word
      Representations, NAACL 2013; Levy & Goldberg, Linguistic Regularities in
      Sparse and Explicit Word Representations, CoNLL 2014, section 6.
    """
    if len(words) != 3:
        raise errors.UserError(f"an analogy takes 3 words a - b + c, got {len(words)}")
    rows = [vectors.index(word) for word in words]
    scores = analogies(unit(vectors.matrix[rows])[None], method)
    return _named(vectors, scores, rows, _size(vectors, k, among))


def analogies(parts: np.ndarray, method: str) -> Scores:
    """Returns what scores rows as the answers to a - b + c.

    Args:
      parts: float32 [q, 3, d], unit vectors of a, b and c.
      method: `add` or `mul`.

    Raises:
      UserError: No such method.
    """
    a, b, c = parts[:, 0], parts[:, 1], parts[:, 2]
    if method == "add":
        return _cosines(unit(a - b + c))
    if method != "mul":
        raise errors.UserError(f"method: {method!r}; set it to add or mul")

    def product(rows: np.ndarray) -> np.ndarray:
        near = ((1 + a @ rows.T) / 2) * ((1 + c @ rows.T) / 2)
        return near / ((1 + b @ rows.T) / 2 + _TINY)

    return product


def top(
    matrix: np.ndarray, scores: Scores, banned: Sequence[np.ndarray], k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of the `k` best scores of each query, best first.

    Args:
      matrix: float32 [n, d], read in blocks.
      scores: Scores of unit rows, all queries at once.
      banned: For each query the rows that are no answer.
      k: At most n less the banned.

    Returns:
      int64 and float32 [queries, k]; of equal scores the earlier row first.
    """
    best_rows = np.zeros((len(banned), 0), np.int64)
    best = np.zeros((len(banned), 0), np.float32)
    for start, rows in _blocks(matrix):
        found = scores(rows)
        for query, out in enumerate(banned):
            inside = out[(out >= start) & (out < start + len(rows))]
            found[query, inside - start] = -np.inf
        near = _largest(found, k)
        best_rows = np.concatenate([best_rows, near + start], axis=1)
        best = np.concatenate([best, np.take_along_axis(found, near, 1)], axis=1)
        keep = np.lexsort((best_rows, -best), axis=1)[:, :k]
        best_rows = np.take_along_axis(best_rows, keep, 1)
        best = np.take_along_axis(best, keep, 1)
    return best_rows, best


def unit(rows: np.ndarray) -> np.ndarray:
    """Returns rows of length 1, float32; a zero row stays zero."""
    rows = np.asarray(rows, np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows / np.where(lengths > 0, lengths, 1)


def _cosines(queries: np.ndarray) -> Scores:
    return lambda rows: queries @ rows.T


def _largest(found: np.ndarray, k: int) -> np.ndarray:
    if k == 1:
        return found.argmax(axis=1)[:, None]
    if k >= found.shape[1]:
        return np.broadcast_to(np.arange(found.shape[1]), found.shape)
    return np.argpartition(-found, k - 1, axis=1)[:, :k]


def _blocks(matrix: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(matrix), _ROWS):
        yield start, unit(matrix[start : start + _ROWS])


def _size(vectors: vectors_.Vectors, k: int, among: int | None) -> tuple[int, int]:
    if k < 1 or (among is not None and among < 1):
        raise errors.UserError(f"k is {k}, among is {among}; both must be at least 1")
    return k, min(among or len(vectors), len(vectors))


def _named(
    vectors: vectors_.Vectors, scores: Scores, own: list[int], size: tuple[int, int]
) -> list[Neighbour]:
    k, among = size
    banned = np.array(own, np.int64)
    rows, found = top(vectors.matrix[:among], scores, [banned], k)
    pairs = zip(rows[0].tolist(), found[0].tolist(), strict=True)
    return [Neighbour(vectors.word(row), s) for row, s in pairs if s > -np.inf]
