"""In which order the records of several sources are learnt from."""

from collections.abc import Callable, Sequence

import numpy as np

from tltf import errors

Arrange = Callable[[np.ndarray], np.ndarray]


def shares(sizes: Sequence[int], *, mixing: str, temperature: float) -> np.ndarray:
    """Returns the share of an epoch that each source gets, float `[sources]`.

    Args:
      sizes: Records of each source.
      mixing: `proportional`: n; `sqrt`: n ** (1/2); `temperature`: n ** (1/T);
        `round_robin`: equal.
      temperature: T, at least 1.

    Source:
      Raffel et al. 2020 (arXiv:1910.10683), section 3.5.2, without the limit.
    """
    powers = {
        "proportional": 1.0,
        "sqrt": 0.5,
        "temperature": 1 / temperature,
        "round_robin": 0.0,
    }
    if mixing not in powers:
        raise errors.UserError(
            f"joint.mixing: no {mixing!r}; there is {', '.join(powers)}"
        )
    weighed = np.asarray(sizes, np.float64) ** powers[mixing]
    weighed[np.asarray(sizes) == 0] = 0.0
    return weighed / weighed.sum()


def draws(sizes: Sequence[int], share: np.ndarray) -> np.ndarray:
    """Returns the records an epoch takes of each source, int `[sources]`; together
    they are as many as there are, and the largest remainders are rounded up."""
    total = int(np.sum(sizes))
    exact = share * total
    whole = np.floor(exact).astype(int)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - whole.sum()]] += 1
    return whole


def stream(size: int, count: int, *, epoch: int, seed: Sequence[int]) -> np.ndarray:
    """Returns the `epoch`-th stretch of `count` from an endless shuffled reading.

    The reading is one permutation of `0..size` after another, so that no record
    comes a second time before all have come, whatever part of the source an
    epoch takes; any stretch follows from its number alone.

    Args:
      size: Records of the source.
      count: Records of a stretch.
      epoch: Number of the stretch, from 0.
      seed: Of the permutations.
    """
    if not size:
        return np.zeros(0, np.int64)
    first, last = epoch * count, (epoch + 1) * count
    passes = range(first // size, -(-last // size))
    read = [np.random.default_rng([*seed, n]).permutation(size) for n in passes]
    start = first - size * (first // size)
    return np.concatenate([*read, np.zeros(0, np.int64)])[start : start + count]


def order(
    pools: Sequence[np.ndarray],
    *,
    mixing: str,
    temperature: float,
    batch: int,
    place: Sequence[int],
    arrange: Arrange = lambda rows: rows,
) -> np.ndarray:
    """Returns the rows of one epoch: as many as all sources have together.

    proportional reads every record once. sqrt and temperature read small sources
    more than once and large ones in part, going on in the next epoch where this
    one stopped; their records are shuffled together. round_robin gives equal
    shares, and each batch holds one source, the sources in turn.

    Args:
      pools: Row numbers of each source, int; disjoint.
      mixing, temperature: As of `shares`.
      batch: Records a batch.
      place: (seed, stage, epoch), which alone decide the order.
      arrange: Last change of a shuffled order, such as by length.
    """
    seed, stage, epoch = place
    sizes = [len(pool) for pool in pools]
    if mixing == "round_robin":
        counts = _turns(sizes, batch)
    else:
        counts = draws(sizes, shares(sizes, mixing=mixing, temperature=temperature))
    read = [
        pool[stream(size, count, epoch=epoch, seed=[seed, stage, 4, number])]
        for number, (pool, size, count) in enumerate(
            zip(pools, sizes, counts, strict=True)
        )
    ]
    if mixing == "round_robin":
        return _in_turn([arrange(rows) for rows in read], batch)
    rows = np.concatenate(read)
    random = np.random.default_rng([seed, stage, epoch, 5])
    return arrange(rows[random.permutation(len(rows))])


def _turns(sizes: Sequence[int], batch: int) -> np.ndarray:
    """Records of each source when batches of one source take turns, int `[sources]`."""
    total = int(np.sum(sizes))
    lengths = [batch] * (total // batch) + ([total % batch] if total % batch else [])
    there = np.flatnonzero(sizes)
    counts = np.zeros(len(sizes), int)
    for turn, length in enumerate(lengths):
        counts[there[turn % len(there)]] += length
    return counts


def _in_turn(read: Sequence[np.ndarray], batch: int) -> np.ndarray:
    there = [rows for rows in read if len(rows)]
    turns = max(-(-len(rows) // batch) for rows in there)
    # the one short batch is the last of all
    taken = [
        rows[turn * batch : (turn + 1) * batch]
        for turn in range(turns)
        for rows in there
    ]
    return np.concatenate(taken).astype(np.int64)
