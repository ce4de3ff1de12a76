"""Writes word vectors in the formats that others read."""

import gzip
import os
import pathlib
import re
from collections.abc import Callable, Iterator

import numpy as np

from tltf import errors
from tltf.text import _decimals, _vector_lines
from tltf.text import vectors as vectors_

_ROWS = 4096  # of a block
_UNFIT = re.compile(r"[\t\r\n]|^ | $")


def write(vectors: vectors_.Vectors, path: str | os.PathLike, format: str) -> None:
    """Writes all words and vectors to a file; numbers read back as the same float32.

    Args:
      vectors: What to write.
      path: The file to make or replace, in one step; compressed if it ends in
        .gz.
      format: One of `FORMATS`: `glove` (no header), `word2vec` (header, text),
        `word2vec_binary`, or `fasttext` (.vec: header, a space at line ends).

    Raises:
      UserError: No such format, or it cannot hold a word.
    """
    if format not in FORMATS:
        raise errors.UserError(
            f"format: {format!r}; choose one of {', '.join(FORMATS)}"
        )
    path = pathlib.Path(path)
    _check(vectors, path, format)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    try:
        with _opened(half, packed=path.suffix == ".gz") as file:
            for part in FORMATS[format](vectors):
                file.write(part)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def _opened(half: pathlib.Path, *, packed: bool):
    return gzip.open(half, "wb", compresslevel=6) if packed else half.open("wb")


def _check(vectors: vectors_.Vectors, path: pathlib.Path, format: str) -> None:
    for word in vectors.words:
        if " " not in word and not _UNFIT.search(word):
            continue
        inner = word.split(" ")[1:]
        if format == "word2vec_binary" or _UNFIT.search(word) or _numeric(inner):
            raise errors.UserError(
                f"{path}: {format} cannot hold the word {word!r}; leave it out"
            )
    numeric = vectors.dimension == 1 and len(vectors) and vectors.words[0].isdigit()
    if format == "glove" and numeric:
        raise errors.UserError(
            f"{path}: the first line would pass for a header; choose another format"
        )
    if not np.isfinite(vectors.matrix).all():
        raise errors.UserError(f"{path}: not all numbers to write are finite")


def _numeric(fields: list[str]) -> bool:
    """Returns whether a reader must take the fields for numbers of the vector."""
    values = [_decimals.number(field.encode()) for field in fields if field]
    return bool(np.isfinite(values).all())


def _glove(vectors: vectors_.Vectors) -> Iterator[bytes]:
    return _lines(vectors, b"\n")


def _word2vec(vectors: vectors_.Vectors) -> Iterator[bytes]:
    yield _header(vectors)
    yield from _lines(vectors, b"\n")


def _fasttext(vectors: vectors_.Vectors) -> Iterator[bytes]:
    yield _header(vectors)
    yield from _lines(vectors, b" \n")


def _binary(vectors: vectors_.Vectors) -> Iterator[bytes]:
    yield _header(vectors)
    for words, rows in _blocks(vectors):
        numbers = rows.astype("<f4")
        pairs = zip(words, numbers, strict=True)
        yield b"".join(w + b" " + row.tobytes() + b"\n" for w, row in pairs)


FORMATS: dict[str, Callable[[vectors_.Vectors], Iterator[bytes]]] = {
    "glove": _glove,
    "word2vec": _word2vec,
    "word2vec_binary": _binary,
    "fasttext": _fasttext,
}


def _header(vectors: vectors_.Vectors) -> bytes:
    return f"{len(vectors)} {vectors.dimension}\n".encode()


def _blocks(vectors: vectors_.Vectors) -> Iterator[tuple[list[bytes], np.ndarray]]:
    for start in range(0, len(vectors), _ROWS):
        words = vectors.words[start : start + _ROWS]
        rows = np.asarray(vectors.matrix[start : start + _ROWS])
        yield [word.encode() for word in words], rows


def _lines(vectors: vectors_.Vectors, end: bytes) -> Iterator[bytes]:
    for words, rows in _blocks(vectors):
        texts = _numbers(rows)
        pairs = zip(words, texts, strict=True)
        yield b"".join(b"".join((w, b" ", text, end)) for w, text in pairs)


def _numbers(rows: np.ndarray) -> list[bytes]:
    """Returns each row as text: six digits where they do, else the shortest."""
    fast = " ".join(["%.6g"] * rows.shape[1])
    texts = [(fast % tuple(row)).encode() for row in rows.tolist()]
    lines = _vector_lines.framed(*(b"x " + text + b"\n" for text in texts))
    back = _vector_lines.parse(lines, rows.shape[1]).matrix
    for k in np.flatnonzero((back != rows).any(axis=1)).tolist():
        texts[k] = " ".join(map(str, rows[k])).encode()
    return texts
