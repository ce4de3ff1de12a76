"""The records of a split that were answered worst."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from tltf.analysis import curves, gallery, run_folder

_COUNT = 12  # records shown
_SHOWN = 300  # characters of a text
_TOKENS = 8  # wrong tokens named of one text


def records(classes: Sequence[str], answers: run_folder.Split) -> list[dict[str, Any]]:
    """Returns what is shown of the worst records, the worst first."""
    losses = _losses(answers)
    shown = []
    for number_ in np.argsort(-losses, kind="stable")[:_COUNT]:
        row = answers.rows[number_]
        text = textwrap.shorten(row.get("text", ""), _SHOWN, placeholder=" …")
        shown.append(
            {
                "id": row["id"],
                "picture": gallery.thumbnail(row.get("file", "")),
                "text": text,
                "loss": f"{losses[number_]:.2f}",
                **_verdict(row, answers.form, classes),
            }
        )
    return shown


def number(value: float, share: bool) -> str:
    """Returns a score as it is shown, as percent if it is a share."""
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%" if share else f"{value:.3f}"


def _losses(answers: run_folder.Split) -> np.ndarray:
    labels, given = answers.labels, answers.probabilities
    if answers.form == "number":
        return np.abs(given[:, 0] - labels)
    if answers.form == "tokens":
        pairs = zip(labels, given, strict=True)
        return np.array([curves.losses(*pair).mean() for pair in pairs])
    return curves.losses(labels, given)


def _verdict(row: dict[str, Any], form: str, classes: Sequence[str]) -> dict[str, Any]:
    label, answer = row["label"], row["answer"]
    if form == "number":
        shown = {"true": f"{label:.6g}", "given": f"{answer:.6g}"}
        return shown | {"right": False, "verdict": f"off by {abs(label - answer):.4g}"}
    right = label == answer
    shown = {"right": right, "verdict": "right, but unsure" if right else "wrong"}
    if form == "tokens":
        return shown | _tokens(row)
    given = row["probabilities"]
    true, said = _named(label, given, classes), _named(answer, given, classes)
    return shown | {"true": true, "given": said}


def _tokens(row: dict[str, Any]) -> dict[str, str]:
    """Returns the wrong tokens with their tags; all where none is wrong."""
    words = row["text"].split(" ")
    triples = list(zip(words, row["label"], row["answer"], strict=False))
    odd = [triple for triple in triples if triple[1] != triple[2]] or triples
    more = " …" if len(odd) > _TOKENS else ""
    return {
        key: ", ".join(f"{triple[0]} {triple[place]}" for triple in odd[:_TOKENS])
        + more
        for place, key in ((1, "true"), (2, "given"))
    }


def _named(label, probabilities, classes) -> str:
    names = label if isinstance(label, list) else [label]
    place = {name: number_ for number_, name in enumerate(classes)}
    parts = [f"{n} {number(probabilities[place[n]], True)}" for n in names]
    return ", ".join(parts) or "none"
