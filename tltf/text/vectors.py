"""Word vectors of any published format, memory-mapped after the first read."""

import functools
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tltf import errors
from tltf.text import _vector_names, _vector_parse, _vector_store, _word_index


class Faults(NamedTuple):
    """What was left out of a file.

    Attributes:
      counts: Lines by kind: `broken` (no word, or not all finite numbers),
        `uneven` (another dimension), `not_utf8`, `duplicate` (the first stays).
      lines: (line number from 1, kind, cause) of the first thousand.
    """

    counts: dict[str, int]
    lines: tuple[tuple[int, str, str], ...]


class Vectors:
    """Distinct words and a vector for each.

    Attributes:
      matrix: float32 [n, d], row i is the vector of word i; not to be written
        to where it is memory-mapped.
      source: Where the vectors come from.
      kind: `glove`, `word2vec`, `word2vec_binary`, `package` or `memory`.
      faults: What was left out when the file was parsed.
    """

    def __init__(self, matrix: np.ndarray, index: _word_index.Index, about: dict):
        self.matrix = matrix
        self.source: str = about["source"]
        self.kind: str = about["kind"]
        lines = tuple((line, kind, cause) for line, kind, cause in about["lines"])
        self.faults = Faults(dict(about["faults"]), lines)
        self._index = index

    @functools.cached_property
    def words(self) -> list[str]:
        """All words in row order."""
        return _word_index.words(self._index)

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        return self.matrix.shape[1]

    def __len__(self) -> int:
        return len(self.matrix)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and bool(self.find([word])[0] >= 0)

    def __repr__(self) -> str:
        return f"<{len(self)} words x {self.dimension} of {self.source}>"

    def index(self, word: str) -> int:
        """Returns the row of a word.

        Raises:
          UserError: There is no such word.
        """
        row = int(self.find([word])[0])
        if row < 0:
            lower = word.lower()
            there = lower != word and lower in self
            hint = f"; there is {lower!r}" if there else ", see `tltf vectors oov`"
            raise errors.UserError(f"no word {word!r} in {self.source}{hint}")
        return row

    def word(self, row: int) -> str:
        """Returns the word of a row."""
        return _word_index.word(self._index, row).decode()

    def vector(self, word: str) -> np.ndarray:
        """Returns the vector of a word, float32 [d], read-only where mapped.

        Raises:
          UserError: There is no such word.
        """
        return np.asarray(self.matrix[self.index(word)])

    def find(self, words: Sequence[str], *, lower: bool = False) -> np.ndarray:
        """Returns the row of each word, -1 for an unknown one; int64 [n].

        Args:
          words: Any strings.
          lower: Look a word that is unknown up once more in lower case.
        """
        rows = _word_index.find(self._index, [_bytes(word) for word in words])
        if lower:
            missing = np.flatnonzero(rows < 0)
            again = [_bytes(words[k].lower()) for k in missing]
            rows[missing] = _word_index.find(self._index, again)
        return rows


def load_vectors(path_or_name: str | os.PathLike, *, uneven: str = "stop") -> Vectors:
    """Returns word vectors, parsed on the first call and memory-mapped later.

    The format is found out: GloVe text, word2vec text (also fastText's .vec) or
    binary; each plain, as .gz or in a .zip (`ARCHIVE.zip/MEMBER`). The last
    numbers of a line are its vector, so words may hold spaces. Lines without a
    word, with anything but finite numbers, with a word that is not UTF-8 or that
    came before are left out: `faults` counts and names them. What was parsed is
    kept in `$TLTF_HOME/vectors` by the content of the file.

    Args:
      path_or_name: A file, or `glove.6B.50d`, `.100d`, `.200d`, `.300d`: from
        the cache folder, the PyPI package (50d) or the download.
      uneven: `stop` raises for a line that has more or fewer numbers than the
        others, and for a header that promises another count of words; `skip`
        counts and leaves out.

    Raises:
      UserError: No such file or name; no word vectors in it; or see `uneven`.

    Source: Pennington et al., GloVe, EMNLP 2014; Mikolov et al., Efficient
      Estimation of Word Representations in Vector Space, 2013 (the word2vec
      formats).
    """
    if uneven not in ("stop", "skip"):
        raise errors.UserError(f"uneven: {uneven!r}; set it to stop or skip")
    origin = _vector_names.find(os.fspath(path_or_name))
    matrix, index, about = _vector_parse.stored(origin, uneven=uneven)
    return Vectors(matrix, index, {**about, "source": str(origin)})


def locate(path_or_name: str | os.PathLike) -> pathlib.Path:
    """Returns the file that `load_vectors` would read, downloaded where need be.

    Raises:
      UserError: No such file or name, or it cannot be downloaded.
    """
    origin = _vector_names.find(os.fspath(path_or_name))
    return origin.path / origin.member if origin.member else origin.path


def from_arrays(
    words: Sequence[str], matrix: np.ndarray, *, source: str = "memory"
) -> Vectors:
    """Returns vectors held in memory.

    Args:
      words: Distinct words, none empty, none with a line feed.
      matrix: [n, d], taken as float32.
      source: What to call them in messages.

    Raises:
      UserError: A word comes twice or cannot be one, or the counts differ.
    """
    matrix = np.asarray(matrix, np.float32)
    if matrix.ndim != 2 or len(matrix) != len(words):
        raise errors.UserError(
            f"{source}: {len(words)} words and a matrix of shape {matrix.shape}; "
            "one row a word is needed"
        )
    if len(set(words)) < len(words) or any(not w or "\n" in w for w in words):
        raise errors.UserError(
            f"{source}: words must be distinct, not empty and without line feeds"
        )
    packed = _word_index.pack([word.encode() for word in words])
    hashes = _word_index.hashes(packed)
    index = _word_index.build(packed, hashes, np.argsort(hashes))
    about = {"source": source, "kind": "memory", "faults": {}, "lines": []}
    return Vectors(matrix, index, about)


def align(words: Iterable[str], vectors: Vectors, *, lower: bool = False) -> np.ndarray:
    """Returns the matrix of an embedding layer: row i is the vector of word i.

    Args:
      words: The vocabulary in the order of its ids.
      vectors: Where to look.
      lower: An unknown word gets the vector of its lower-case form, if any.

    Returns:
      float32 [len(words), d], zero rows for unknown words.
    """
    words = list(words)
    rows = vectors.find(words, lower=lower)
    matrix = np.zeros((len(words), vectors.dimension), np.float32)
    known = rows >= 0
    matrix[known] = vectors.matrix[rows[known]]
    return matrix


def stored_in() -> os.PathLike:
    """Returns the folder where parsed vectors are kept."""
    return _vector_store.root()


def _bytes(word: str) -> bytes:
    # a lone surrogate is in no file: it must be unknown, not an error
    return word.encode("utf-8", "surrogatepass")
