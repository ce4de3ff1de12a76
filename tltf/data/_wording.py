"""Looks at a text: is it empty, too long, or decoded wrongly."""

import hashlib
import re
from collections.abc import Iterator

LONG = 100_000  # characters; the longest of 20,000 messages of Usenet has 160,471
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_WINDOWS = re.compile(r"[\x80-\x9f]")  # quotes and dashes there, controls in Latin-1
_REPLACED = "\ufffd"  # what decoders put for bytes that they could not read
_PAIRS = re.compile("[\xc2\xc3][\x80-\xbf]")  # two bytes of UTF-8 taken for Latin-1


def causes(text: str) -> Iterator[tuple[str, str]]:
    """Yields (cause, action) of whatever is odd about a text.

    A text is usable unless the action is `skipped`.
    """
    if not text.strip():
        yield "empty text", "skipped"
        return
    if len(text) > LONG:
        yield f"very long: {len(text)} characters", "noted"
    if _REPLACED in text:
        count = text.count(_REPLACED)
        yield f"replacement characters: {count}, decoded wrongly before", "noted"
    for what, pattern in (
        ("control characters", _CONTROL),
        ("Windows-1252 read as Latin-1", _WINDOWS),
    ):
        if found := pattern.findall(text):
            shown = " ".join(f"U+{ord(c):04X}" for c in sorted(set(found))[:3])
            yield f"{what}: {len(found)} times, such as {shown}", "noted"
    if found := _PAIRS.findall(text):
        yield f"UTF-8 read as Latin-1: {len(found)} times, {found[0]!r}", "noted"


def likeness(text: str) -> str:
    """Returns a digest that texts share if they differ in case and spaces only."""
    folded = " ".join(text.casefold().split())
    return hashlib.sha256(folded.encode()).hexdigest() if folded else ""
