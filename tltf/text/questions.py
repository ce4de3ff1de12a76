"""Analogy questions in the format of Google's questions-words.txt."""

import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tltf import errors
from tltf.text import neighbours
from tltf.text import vectors as vectors_

_AT_ONCE = 256  # questions of one matrix product
_SYNTACTIC = "gram"  # sections of the original file that ask for word forms


class Section(NamedTuple):
    """A part of the file; a question is four words, a : b as c : d."""

    name: str
    questions: list[tuple[str, str, str, str]]


class Score(NamedTuple):
    """What came of some questions.

    Attributes:
      name: The section, or `total`, `semantic`, `syntactic`.
      asked: Questions whose four words are all known.
      correct: Those answered by d.
      unknown: Questions with an unknown word; not asked.
    """

    name: str
    asked: int
    correct: int
    unknown: int

    @property
    def accuracy(self) -> float | None:
        """Share of the questions asked; None where there are none."""
        return self.correct / self.asked if self.asked else None


def read(path: str | os.PathLike) -> list[Section]:
    """Returns the sections of a file: `: name` lines, below them four words each.

    Raises:
      UserError: A line is neither, or the file is not there or not UTF-8.
    """
    try:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UserError(f"cannot read {path}: {error}") from None
    sections: list[Section] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if line.startswith(":"):
            sections.append(Section(line[1:].strip(), []))
        elif words and (len(words) != 4 or not sections):
            raise errors.UserError(
                f"{path}: line {number} is {line.strip()[:60]!r}; it must be four "
                "words, and a line ': name' above the first"
            )
        elif words:
            sections[-1].questions.append(tuple(words))
    if not sections:
        raise errors.UserError(f"{path} has no questions")
    return sections


def score(
    vectors: vectors_.Vectors,
    sections: Iterable[Section],
    *,
    fold: bool = True,
    method: str = "add",
    among: int | None = 300_000,
    progress: Callable[[str], Any] = lambda name: None,
) -> list[Score]:
    """Returns the scores by section, then `semantic`, `syntactic` and `total`.

    The answer to a question is the word nearest to b - a + c but for these
    three. Only words of the vocabulary that is looked at may be asked or answer.

    Args:
      vectors: What is judged.
      sections: The questions.
      fold: Take words that differ in case as one; the more frequent, which files
        have first, gives the vector.
      method: `add` or `mul`, as in `neighbours.analogy`.
      among: Look at the first so many words only; None for all.
      progress: Called with the name of each section that is done.

    Source: Mikolov et al., Efficient Estimation of Word Representations in
      Vector Space, 2013, section 4.1; the rules are those of word2vec's
      compute-accuracy.
    """
    known = _Known(vectors, fold, among)
    scores = []
    for section in sections:
        scores.append(_section(known, section, method))
        progress(section.name)
    return scores + _sums(scores)


class _Known:
    """The rows that may be asked and answer."""

    def __init__(self, vectors: vectors_.Vectors, fold: bool, among: int | None):
        words = vectors.words[: among or None]
        self.matrix = vectors.matrix[: len(words)]
        self._fold = str.upper if fold else str
        self._rows: dict[str, list[int]] = {}
        for row, word in enumerate(words):
            self._rows.setdefault(self._fold(word), []).append(row)

    def same(self, word: str) -> list[int]:
        """Returns the rows of a word, the most frequent form first."""
        return self._rows.get(self._fold(word), [])


def _section(known: _Known, section: Section, method: str) -> Score:
    found = [[known.same(word) for word in words] for words in section.questions]
    asked = [rows for rows in found if all(rows)]
    correct = 0
    for start in range(0, len(asked), _AT_ONCE):
        correct += _correct(known, asked[start : start + _AT_ONCE], method)
    return Score(section.name, len(asked), correct, len(found) - len(asked))


def _correct(known: _Known, asked: Sequence[list[list[int]]], method: str) -> int:
    order = np.array([(b[0], a[0], c[0]) for a, b, c, _ in asked])
    parts = neighbours.unit(known.matrix[order.ravel()]).reshape(*order.shape, -1)
    banned = [np.array([*a, *b, *c]) for a, b, c, _ in asked]
    scores = neighbours.analogies(parts, method)
    rows, _ = neighbours.top(known.matrix, scores, banned, 1)
    answers = zip(rows[:, 0].tolist(), asked, strict=True)
    return sum(row in wanted for row, (_, _, _, wanted) in answers)


def _sums(scores: Sequence[Score]) -> list[Score]:
    syntactic = [s for s in scores if s.name.startswith(_SYNTACTIC)]
    semantic = [s for s in scores if not s.name.startswith(_SYNTACTIC)]
    parts = {"semantic": semantic, "syntactic": syntactic} if syntactic else {}
    return [_sum(name, part) for name, part in {**parts, "total": scores}.items()]


def _sum(name: str, scores: Sequence[Score]) -> Score:
    return Score(
        name,
        sum(s.asked for s in scores),
        sum(s.correct for s in scores),
        sum(s.unknown for s in scores),
    )
