"""Texts as one stream of tokens, cut into steps of a language model."""

import dataclasses
from collections.abc import Iterator

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """Ids of all texts on end.

    Attributes:
      ids: Int32 `[tokens]`.
      starts: Where each text begins, int64 `[texts]`.
    """

    ids: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def shuffled(self, *key: int) -> np.ndarray:
        """Returns all ids with the texts in an order drawn from `key`."""
        parts = np.split(self.ids, self.starts[1:])
        order = np.random.default_rng(key).permutation(len(parts))
        return np.concatenate([parts[k] for k in order])


def stream(texts: list[np.ndarray]) -> Stream:
    """Returns a stream of texts, each int32 `[tokens]`."""
    sizes = np.array([0, *map(len, texts)], np.int64)
    ids = np.concatenate([np.zeros(0, np.int32), *texts])
    return Stream(ids=ids, starts=np.cumsum(sizes)[:-1])


def columns(ids: np.ndarray, batch: int) -> np.ndarray:
    """Returns ids in `batch` rows that are read side by side, `[batch, n + 1]`.

    Each row begins with the last id of the row before, so that all but the
    first id are predicted once. What does not fill a row is dropped.

    Args:
      ids: Int32 `[tokens]`.
      batch: Rows.
    """
    width = (len(ids) - 1) // batch
    rows = np.arange(batch)[:, None] * width + np.arange(width + 1)
    return ids[rows]


def lengths(width: int, bptt: int, *key: int) -> np.ndarray:
    """Returns the steps' lengths over `width` tokens, int64.

    19 of 20 are drawn round `bptt` with a deviation of 5, the others round
    half of it; `bptt` itself each time if it is less than 20.

    Source:
      Merity et al. 2018 (arXiv:1708.02182), section 3.1.
    """
    random = np.random.default_rng(key)
    found: list[int] = []
    while (left := width - sum(found)) > 0:
        mean = bptt if random.random() < 0.95 else bptt / 2
        drawn = round(random.normal(mean, 5)) if bptt >= 20 else bptt
        # at least 5, and no overlong step may exhaust the memory
        found.append(min(max(drawn, min(5, bptt)), bptt + 20, left))
    return np.array(found, np.int64)


def steps(rows: np.ndarray, sizes: np.ndarray, first: int = 0) -> Iterator[np.ndarray]:
    """Yields `[batch, size + 1]` for each step from `first`; neighbours share one id.

    Args:
      rows: Of `columns`.
      sizes: Of `lengths`.
      first: Number of the first step wanted.
    """
    ends = np.cumsum(sizes)
    for end, size in zip(ends[first:], sizes[first:], strict=True):
        yield rows[:, end - size : end + 1]
