"""Reads the PyPI package of GloVe: a .npy matrix and a parquet word list."""

import pathlib
from collections.abc import Iterator

import numpy as np

from tltf import errors
from tltf.text import _vector_lines, _word_index

_ROWS = 65_536  # of a block


def blocks(matrix: pathlib.Path, words: pathlib.Path) -> Iterator[_vector_lines.Block]:
    """Yields the words and vectors in the package's order.

    Raises:
      UserError: pyarrow is missing, or the two files do not fit each other.
    """
    known, vectors = _words(words), np.load(matrix, mmap_mode="r", allow_pickle=False)
    if vectors.ndim != 2 or len(vectors) != len(known):
        raise errors.UserError(
            f"{matrix} has shape {vectors.shape}, {words} has {len(known)} words; "
            "install the package again"
        )
    for at in range(0, len(known), _ROWS):
        rows = np.asarray(vectors[at : at + _ROWS], np.float32)
        part = _word_index.pack([word.encode() for word in known[at : at + _ROWS]])
        yield _vector_lines.checked(part, np.arange(len(rows)), rows)


def _words(path: pathlib.Path) -> list[str]:
    try:
        import pyarrow.parquet
    except ImportError:
        raise errors.UserError(
            f'{path.name} needs pyarrow; run `pip install "tltf[vectors]"`'
        ) from None
    return pyarrow.parquet.read_table(path).column("index").to_pylist()
