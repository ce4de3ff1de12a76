"""A 2-D picture of chosen words, with arrows between pairs."""

import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tltf import errors
from tltf.text import vectors as vectors_

if TYPE_CHECKING:
    from matplotlib import axes, figure

_INCHES = 6  # of a panel
_COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47", "#444444")
_AWAY = 6  # points from a word's place to its name

Panel = Sequence[Sequence[str]]


def draw(
    vectors: vectors_.Vectors, panels: Sequence[Panel], path: str | os.PathLike
) -> list[np.ndarray]:
    """Draws words where the two largest principal components put them.

    Args:
      vectors: Where the words are looked up.
      panels: Pictures side by side, each with components of its own: a list of
        words chained by arrows, as `[["france", "paris"], ["italy", "rome"]]`; a
        chain of one has no arrow.
      path: The picture to make or replace; the ending says the format.

    Returns:
      For each panel float32 [words, 2], the places in the order of its words.

    Raises:
      UserError: Fewer than three words in a panel, an unknown one, an ending
        that is no picture format, or matplotlib is missing.
    """
    places = [_places(vectors, panel) for panel in panels]
    figure_ = _figure(len(panels))
    for number, (panel, spots) in enumerate(zip(panels, places, strict=True)):
        axes_ = figure_.add_subplot(1, len(panels), number + 1)
        _panel(axes_, panel, spots, _COLOURS[number % len(_COLOURS)])
    _save(figure_, pathlib.Path(path))
    return places


def _places(vectors: vectors_.Vectors, panel: Panel) -> np.ndarray:
    words = [word for chain in panel for word in chain]
    if len(set(words)) < 3:
        raise errors.UserError(
            f"a map takes at least 3 different words, got {len(set(words))}"
        )
    return project(vectors.matrix[[vectors.index(word) for word in words]])


def project(rows: np.ndarray) -> np.ndarray:
    """Returns the first two principal components of rows, float32 [n, 2].

    Args:
      rows: [n, d], n and d at least 2.
    """
    from sklearn import decomposition

    if min(rows.shape) < 2:
        raise errors.UserError(f"a map needs vectors of 2 numbers, not {rows.shape}")
    made = decomposition.PCA(2, svd_solver="full").fit_transform(np.asarray(rows))
    return made.astype(np.float32)


def _figure(panels: int) -> "figure.Figure":
    try:
        from matplotlib import figure
    except ImportError:
        raise errors.UserError(
            'a map needs matplotlib; run `pip install "tltf[report]"`'
        ) from None
    return figure.Figure(figsize=(_INCHES * panels, _INCHES), layout="constrained")


def _panel(axes_: "axes.Axes", panel: Panel, spots: np.ndarray, colour: str) -> None:
    row = 0
    for chain in panel:
        _chain(axes_, chain, spots[row : row + len(chain)], colour)
        row += len(chain)
    axes_.set_title(f"Two principal components of {row} words", loc="left")
    axes_.margins(0.2)
    axes_.set_aspect("equal", "datalim")  # so that arrows of one length look it
    axes_.spines[["top", "right"]].set_visible(False)


def _chain(
    axes_: "axes.Axes", words: Sequence[str], spots: np.ndarray, colour: str
) -> None:
    axes_.scatter(spots[:, 0], spots[:, 1], s=14, color=colour)
    for start, end in zip(spots, spots[1:], strict=False):
        arrow = {"arrowstyle": "->", "color": colour, "alpha": 0.6, "shrinkB": 4}
        axes_.annotate("", end, xytext=start, arrowprops=arrow)
    for row, word in enumerate(words):
        away = _free_side(spots, row)
        axes_.annotate(
            word,
            spots[row],
            xytext=_AWAY * away,
            textcoords="offset points",
            color=colour,
            fontsize=9,
            ha=("right", "center", "left")[int(np.sign(np.round(away[0]))) + 1],
            va=("top", "center", "bottom")[int(np.sign(np.round(away[1]))) + 1],
        )


def _free_side(spots: np.ndarray, row: int) -> np.ndarray:
    """Returns the direction, of length 1, that no arrow of the chain takes."""
    beside = np.array([s for k, s in enumerate(spots) if abs(k - row) == 1])
    away = spots[row] - beside.mean(axis=0) if len(beside) else np.array([1.0, 1.0])
    length = np.hypot(*away)
    return away / length if length > 0 else np.array([0.0, 1.0])


def _save(figure_: "figure.Figure", path: pathlib.Path) -> None:
    kinds = figure_.canvas.get_supported_filetypes()
    kind = path.suffix[1:].lower()
    if kind not in kinds:
        raise errors.UserError(
            f"{path}: no picture format {path.suffix!r}; end it in .png, .svg or .pdf"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        figure_.savefig(half, dpi=150)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
