"""Reads the formats of word vectors, block by block, on all cores."""

import collections
import concurrent.futures
import os
import re
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

import numpy as np

from tltf import errors
from tltf.text import _vector_binary, _vector_lines

_HEAD = 1 << 20  # bytes to tell the format by
_BLOCK = 1 << 20  # bytes a core parses at once
_LONGEST = 1 << 26  # bytes without a line feed are no text
_THREADS = 8
_FASTTEXT = b"\xba\x16\x4f\x2f"  # fastText's model.bin begins so
_COUNTS = re.compile(rb"\s*(\d{1,12})[ \t]+(\d{1,7})\s*$")


class Head(NamedTuple):
    """What the beginning of a file tells.

    Attributes:
      kind: `glove` (no header), `word2vec` (header, text) or `word2vec_binary`.
      dimension: Numbers of a word.
      promised: Words by the header, or None.
      rest: What was read behind the header.
    """

    kind: str
    dimension: int
    promised: int | None
    rest: bytes


def head(stream: IO[bytes], name: object) -> Head:
    """Returns the format and dimension of the file that begins here.

    Raises:
      UserError: It is empty, a fastText model, or nothing like word vectors.
    """
    text = _filled(stream, _HEAD)
    if not text.strip():
        raise errors.UserError(f"{name} is empty; give a file of word vectors")
    if text.startswith(_FASTTEXT):
        raise errors.UserError(
            f"{name} is a fastText model; give its word vectors, the .vec file"
        )
    first, _, rest = text.partition(b"\n")
    counts = _COUNTS.match(first)
    if counts is None:
        return Head("glove", _width(text, name), None, text)
    promised, width = map(int, counts.groups())
    if not width:
        raise errors.UserError(f"{name}: line 1 promises vectors of 0 numbers")
    textual = _vector_lines.dimension(_whole_lines(rest)) == width
    empty = not promised and not rest.strip()
    kind = "word2vec" if textual or empty else "word2vec_binary"
    return Head(kind, width, promised, rest)


def blocks(
    stream: IO[bytes], head: Head, name: object
) -> Iterator[_vector_lines.Block]:
    """Yields what the file holds, in its order.

    Raises:
      UserError: It is no text, or cut short.
    """
    if head.kind == "word2vec_binary":
        shape = (head.promised or 0, head.dimension)
        yield from _vector_binary.blocks(stream, head.rest, shape, name)
        return
    yield from _parallel(_texts(stream, head.rest, name), head.dimension)


def _parallel(texts: Iterable[bytes], width: int) -> Iterator[_vector_lines.Block]:
    np.empty(3 << 23, np.uint8)  # glibc then keeps freed arrays of up to this size
    threads = min(_THREADS, _cores())
    waiting = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for text in texts:
            waiting.append(pool.submit(_vector_lines.parse, text, width))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _texts(stream: IO[bytes], carry: bytes, name: object) -> Iterator[bytes]:
    """Yields whole lines as the parser takes them."""
    while chunk := stream.read(_BLOCK):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield _vector_lines.framed(carry, memoryview(chunk)[:cut])
            carry = chunk[cut:]
        else:
            carry += chunk
        if len(carry) > _LONGEST:
            raise errors.UserError(
                f"{name} is no file of word vectors: it has a line of more than "
                f"{_LONGEST >> 20} MiB"
            )
    if carry:
        yield _vector_lines.framed(carry, b"\n")


def _width(text: bytes, name: object) -> int:
    width = _vector_lines.dimension(_whole_lines(text))
    if width > 0:
        return width
    shown = text[:60].decode("utf-8", "replace").split("\n")[0]
    raise errors.UserError(
        f"{name} is no file of word vectors: a line is a word and its numbers, "
        f"the first is {shown!r}"
    )


def _whole_lines(text: bytes) -> bytes:
    return text[: text.rfind(b"\n") + 1] or text


def _filled(stream: IO[bytes], size: int) -> bytes:
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
