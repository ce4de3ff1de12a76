"""How much of a text has word vectors, and vectors for a vocabulary alone."""

import collections
import os
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tltf import errors
from tltf.text import vectors as vectors_

# runs of letters and digits with inner apostrophes, dots and hyphens; or one mark
_TOKEN = re.compile(r"\w+(?:['’.-]\w+)*|[^\w\s]")


class Coverage(NamedTuple):
    """Known words of a text.

    Attributes:
      types: Distinct words, and `types_known` those with a vector.
      tokens: All words, and `tokens_known` those with a vector.
      missing: (word, how often) of the most frequent words without one.
    """

    types: int
    types_known: int
    tokens: int
    tokens_known: int
    missing: list[tuple[str, int]]


def report(
    vectors: vectors_.Vectors,
    words: Mapping[str, int] | Iterable[str],
    *,
    lower: bool = False,
    top: int = 20,
) -> Coverage:
    """Returns how many words have vectors and which have none.

    Args:
      vectors: Where to look.
      words: Counts by word, or words to count.
      lower: A word counts as known where its lower-case form is.
      top: Missing words to name, the most frequent first, then by alphabet.
    """
    counts = collections.Counter(words)
    names = list(counts)
    known = (vectors.find(names, lower=lower) >= 0).tolist()
    pairs = [(counts[name], name, k) for name, k in zip(names, known, strict=True)]
    missing = sorted((-count, name) for count, name, k in pairs if not k)
    return Coverage(
        types=len(names),
        types_known=sum(known),
        tokens=counts.total(),
        tokens_known=sum(count for count, _, k in pairs if k),
        missing=[(name, -count) for count, name in missing[:top]],
    )


def tokens(text: str) -> list[str]:
    """Returns the words and punctuation marks of a text."""
    return _TOKEN.findall(text)


def count(paths: Iterable[str | os.PathLike]) -> collections.Counter[str]:
    """Returns how often each word of some UTF-8 text files comes.

    Raises:
      UserError: A file cannot be read.
    """
    counts: collections.Counter[str] = collections.Counter()
    for path in paths:
        try:
            with pathlib.Path(path).open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    counts.update(tokens(line))
        except OSError as error:
            raise errors.UserError(f"cannot read {path}: {error.strerror}") from None
    return counts


def word_list(path: str | os.PathLike) -> list[str]:
    """Returns the words of a file, one a line; blank lines are left out.

    Raises:
      UserError: The file cannot be read or is not UTF-8.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UserError(f"cannot read {path}: {error}") from None
    return [line.strip() for line in text.split("\n") if line.strip()]


def subset(
    vectors: vectors_.Vectors, words: Iterable[str], *, lower: bool = False
) -> vectors_.Vectors:
    """Returns the vectors of some words, in the words' order.

    Args:
      vectors: Where to look.
      words: The vocabulary; unknown and repeated words are left out.
      lower: An unknown word gets the vector of its lower-case form, if any.

    Raises:
      UserError: None of the words is known.
    """
    asked = [word for word in dict.fromkeys(words) if word]
    rows = vectors.find(asked, lower=lower)
    kept = [word for word, row in zip(asked, rows.tolist(), strict=True) if row >= 0]
    if not kept:
        raise errors.UserError(
            f"none of the {len(asked)} words is in {vectors.source}; "
            "see whether it has them in lower case"
        )
    return vectors_.from_arrays(
        kept, vectors.matrix[rows[rows >= 0]], source=f"subset of {vectors.source}"
    )
