"""What the outputs of a served graph say of one record. NumPy only."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Label = str | list[str] | float
OUTPUTS = ("scores", "classes", "accepted", "value", "tags")


class Ends(NamedTuple):
    """What a graph, or one part of it, answers.

    Attributes:
      labels: Class names in the order of scores.
      form: Of `form`.
    """

    labels: tuple[str, ...]
    form: str


def of_part(found: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Returns the outputs of one part among those of all."""
    names = [name for name in OUTPUTS if f"{part}_{name}" in found]
    return {name: found[f"{part}_{name}"] for name in names}


def label(found: Mapping[str, Any], labels: Sequence[str]) -> Label:
    """Returns a record's answer: a class, the accepted labels, a number, or tags.

    Args:
      found: Outputs of the graph for the record, names as text or bytes.
      labels: Class names in the order of scores.
    """
    if "value" in found:
        return float(str(np.float32(found["value"])))
    if "tags" in found:
        tags = [_text(tag) for tag in found["tags"]]
        return [tag for tag in tags if tag]
    if "accepted" in found:
        pairs = zip(labels, found["accepted"], strict=True)
        return [name for name, hit in pairs if hit]
    return _text(found["classes"])


def scores(found: Mapping[str, Any]) -> np.ndarray:
    """Returns a record's scores, float `[classes]`; `[1]`, the number; or `[tokens,
    classes]`, of the tokens that are there."""
    if "value" in found:
        return np.atleast_1d(np.asarray(found["value"]))
    given = np.asarray(found["scores"])
    return given[: len(label(found, ()))] if "tags" in found else given


def form(outputs: Sequence[str]) -> str:
    """Returns what a graph with these outputs answers: `number`, `tokens` or
    `classes`."""
    if "value" in outputs:
        return "number"
    return "tokens" if "tags" in outputs else "classes"


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
