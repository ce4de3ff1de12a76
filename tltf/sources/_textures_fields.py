"""Grids, smooth random fields and soft edges that textures are drawn with."""

import functools

import numpy as np

_TABLE = 64  # cells after which random patterns repeat; no image shows as many


def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns x and y of pixel centres in -0.5..0.5, float32 `[side, side]`."""
    axis = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return x, y


def smooth(side: int, knots: int, rng: np.random.Generator) -> np.ndarray:
    """Returns a random field with about `knots` hills across, float32 `[side, side]`.

    Cubic B-spline of normal coefficients: mean 0, nearly always within -1..1.
    """
    lattice = rng.standard_normal((knots + 3, knots + 3), np.float32)
    return _curve(_curve(lattice, side).T, side)


def _curve(lattice: np.ndarray, side: int) -> np.ndarray:
    """Cubic B-splines along the first axis, `[knots + 3, n]` to `[side, n]`."""
    # four rows are added, for a matrix product would keep both cores waiting
    first, weights = _basis(side, len(lattice) - 3)
    rows = np.ascontiguousarray(lattice)
    return sum(weights[k][:, None] * rows[first + k] for k in range(4))


@functools.lru_cache(maxsize=64)
def _basis(side: int, knots: int) -> tuple[np.ndarray, np.ndarray]:
    """First knot `[side]` and the four weights `[4, side]` of each place."""
    place = (np.arange(side) + 0.5) / side * knots
    first = np.floor(place).astype(int)
    t = place - first
    near, far = 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1
    weights = np.stack([(1 - t) ** 3, near, far, t**3]) / 6
    return first, weights.astype(np.float32)


def noise(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns value noise at points of the plane, one hill a unit, in 0..1."""
    table = rng.random((_TABLE, _TABLE)).astype(np.float32)
    i, j = np.floor(u), np.floor(v)
    a, b = (t * t * (3 - 2 * t) for t in (u - i, v - j))
    i, j = (w.astype(np.int32) & (_TABLE - 1) for w in (i, j))
    k, m = (i + 1) & (_TABLE - 1), (j + 1) & (_TABLE - 1)
    near = table[i, j] * (1 - a) + table[k, j] * a
    far = table[i, m] * (1 - a) + table[k, m] * a
    return near * (1 - b) + far * b


def cells(
    u: np.ndarray, v: np.ndarray, rng: np.random.Generator, count: int
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Splits the plane into unit cells, every second row moved by half a cell.

    Returns:
      Place within the cell in -0.5..0.5, twice, and `count` random numbers in
      0..1 that are equal within a cell.
    """
    row = np.floor(v)
    moved = u + 0.5 * (row % 2)
    column = np.floor(moved)
    at = tuple(w.astype(np.int32) & (_TABLE - 1) for w in (column, row))
    tables = rng.random((count, _TABLE, _TABLE)).astype(np.float32)
    return moved - column - 0.5, v - row - 0.5, [table[at] for table in tables]


def step(distance: np.ndarray, soft: float) -> np.ndarray:
    """Returns 1 where `distance` is above 0, with an edge `soft` wide."""
    return np.clip(distance / soft + 0.5, 0, 1)


def wave(t: np.ndarray) -> np.ndarray:
    """Returns a triangle wave of period 1, in 0..1 with 0 at whole numbers."""
    return 2 * np.abs(t - np.floor(t + 0.5))


def turn(x: np.ndarray, y: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns x and y in axes turned by `angle` radians."""
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return c * x + s * y, c * y - s * x


def blend(image: np.ndarray, alpha: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Returns `color` laid on `image` `[3, h, w]` as far as `alpha` `[h, w]` says.

    Args:
      image: Planes of red, green and blue.
      alpha: Coverage in 0..1.
      color: One colour, `[3, 1, 1]`, or planes like `image`.
    """
    return image + alpha * (color - image)
