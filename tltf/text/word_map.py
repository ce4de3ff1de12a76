"""A 2-D picture of chosen words, with arrows between pairs."""

import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tltf import errors
from tltf.text import vectors as vectors_

if TYPE_CHECKING:
    from matplotlib import axes

_INCHES = 8
_COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47", "#444444")


def draw(
    vectors: vectors_.Vectors,
    groups: Sequence[Sequence[Sequence[str]]],
    path: str | os.PathLike,
) -> np.ndarray:
    """Draws words where the two largest principal components put them.

    Args:
      vectors: Where the words are looked up.
      groups: Each a colour of its own: a list of words chained by arrows, as
        `[["france", "paris"], ["italy", "rome"]]`; a chain of one has no arrow.
      path: The picture to make or replace; the ending says the format.

    Returns:
      float32 [words, 2], the places, in the order of the groups.

    Raises:
      UserError: Fewer than three words, an unknown one, or matplotlib is missing.
    """
    words = [word for group in groups for chain in group for word in chain]
    if len(set(words)) < 3:
        raise errors.UserError(
            f"a map takes at least 3 different words, got {len(set(words))}"
        )
    places = project(vectors.matrix[[vectors.index(word) for word in words]])
    figure_ = _figure()
    axes_ = figure_.add_subplot()
    row = 0
    for number, group in enumerate(groups):
        colour = _COLOURS[number % len(_COLOURS)]
        for chain in group:
            _chain(axes_, chain, places[row : row + len(chain)], colour)
            row += len(chain)
    axes_.set_title(f"Two principal components of {len(set(words))} words", loc="left")
    axes_.margins(0.12)
    axes_.spines[["top", "right"]].set_visible(False)
    _save(figure_, pathlib.Path(path))
    return places


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


def _figure():
    try:
        from matplotlib import figure
    except ImportError:
        raise errors.UserError(
            'a map needs matplotlib; run `pip install "tltf[report]"`'
        ) from None
    return figure.Figure(figsize=(_INCHES, _INCHES * 0.75), layout="constrained")


def _chain(
    axes_: "axes.Axes", words: Sequence[str], places: np.ndarray, colour: str
) -> None:
    axes_.scatter(places[:, 0], places[:, 1], s=14, color=colour)
    for word, place in zip(words, places, strict=True):
        axes_.annotate(
            word,
            place,
            xytext=(4, 4),
            textcoords="offset points",
            color=colour,
            fontsize=9,
        )
    for start, end in zip(places, places[1:], strict=False):
        arrow = {"arrowstyle": "->", "color": colour, "alpha": 0.6, "shrinkB": 4}
        axes_.annotate("", end, xytext=start, arrowprops=arrow)


def _save(figure_, path: pathlib.Path) -> None:
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
