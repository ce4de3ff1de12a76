"""Scores of one tag for each token, and of the spans that BIO tags mark."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from tltf import errors
from tltf.ops import bootstrap

_BIO = re.compile(r"O|[BI](-.+)?")
Span = tuple[int, int, str]


def tokens(
    labels: Sequence[np.ndarray],
    probabilities: np.ndarray,
    *,
    classes: Sequence[str] = (),
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Returns the scores of records with one tag for each token.

    Tokens that the network does not read, past its length, are answered wrong.
    Intervals stand beside as `_low` and `_high` (percentile bootstrap over records,
    95 %).

    Args:
      labels: Tag of each token, n arrays int `[tokens]`, n >= 1.
      probabilities: `[n, t, tags]`; rows past a record's tokens are not read.
      classes: Names of the tags; spans are scored where all are BIO.
      resamples: Of the bootstrap.
      seed: Of the bootstrap.

    Returns:
      `accuracy` (of tokens); `span_precision`, `span_recall`, `span_f1` where tags
      are BIO, each with its interval; `class_averaged_accuracy` (mean recall of the
      tags that occur), `log_loss` (a token read), `unread_tokens` and
      `absent_classes` where there are any.

    Raises:
      UserError: No records.
      WorkError: A probability that is not finite.
    """
    if not len(labels):
        raise errors.UserError("there are no records to score; check the split's slice")
    _finite(labels, probabilities)
    answers = [
        row[: len(tags)].argmax(-1)
        for row, tags in zip(probabilities, labels, strict=True)
    ]
    columns = [_hits(*pair) for pair in zip(labels, answers, strict=True)]
    names = list(classes)
    spans = bio(names)
    if spans:
        for row, pair in zip(columns, zip(labels, answers, strict=True), strict=True):
            row += _span_hits(*pair, names)
    table = np.array(columns, np.float64)
    found = _with_intervals(table, spans, resamples, seed)
    return found | _plain(labels, answers, probabilities)


def bio(classes: Sequence[str]) -> bool:
    """Returns whether all tags are `O`, or `B` or `I` with or without `-type`, and
    some of them mark spans."""
    return any(name != "O" for name in classes) and all(map(_BIO.fullmatch, classes))


def spans(tags: Sequence[str]) -> Iterator[Span]:
    """Yields (first token, last token, type) of each span, in order.

    A span begins at a B, at an I behind an O, and at an I of another type; it ends
    before the next beginning, or before an O.

    Source:
      conlleval of the CoNLL-2000 shared task (Tjong Kim Sang & Buchholz 2000), for
      tags of B, I and O.
    """
    first, kind = 0, ""
    inside = False
    for place, tag in enumerate([*tags, "O"]):
        mark, _, type_ = tag.partition("-")
        goes_on = inside and mark == "I" and type_ == kind
        if inside and not goes_on:
            yield first, place - 1, kind
        if mark != "O" and not goes_on:
            first, kind = place, type_
        inside = mark != "O"


def _hits(tags: np.ndarray, answers: np.ndarray) -> list[int]:
    return [int((tags[: len(answers)] == answers).sum()), len(tags)]


def _span_hits(tags: np.ndarray, answers: np.ndarray, names: list[str]) -> list[int]:
    true = set(spans([names[k] for k in tags]))
    given = set(spans([names[k] for k in answers]))
    return [len(true & given), len(given), len(true)]


def _with_intervals(table, spans_too, resamples, seed) -> dict[str, float]:
    whole = _of_sums(table.sum(0)[None], spans_too)
    drawn = _of_sums(bootstrap.sums(table, resamples=resamples, seed=seed), spans_too)
    found = {}
    for name, value in whole.items():
        low, high = bootstrap.percentiles(drawn[name])
        found |= {name: float(value[0]), f"{name}_low": low, f"{name}_high": high}
    return found


def _of_sums(sums: np.ndarray, spans_too: bool) -> dict[str, np.ndarray]:
    found = {"accuracy": sums[:, 0] / sums[:, 1]}
    if spans_too:
        _, _, right, given, true = sums.T
        found["span_precision"] = right / np.maximum(given, 1)
        found["span_recall"] = right / np.maximum(true, 1)
        found["span_f1"] = 2 * right / np.maximum(given + true, 1)
    return found


def _plain(labels, answers, probabilities) -> dict[str, float]:
    read = np.concatenate([t[: len(a)] for t, a in zip(labels, answers, strict=True)])
    every, given = np.concatenate(list(labels)), np.concatenate(answers)
    size = probabilities.shape[-1]
    support = np.bincount(every, minlength=size)
    right = np.bincount(read[read == given], minlength=size)
    sure = np.concatenate(
        [
            row[np.arange(len(a)), t[: len(a)]]
            for row, t, a in zip(probabilities, labels, answers, strict=True)
        ]
    )
    recall = right[support > 0] / support[support > 0]
    found = {
        "class_averaged_accuracy": float(recall.mean()),
        "log_loss": float(-np.log(np.maximum(sure, np.finfo(float).eps)).mean()),
    }
    if len(every) > len(read):
        found["unread_tokens"] = float(len(every) - len(read))
    if missing := int((support == 0).sum()):
        found["absent_classes"] = float(missing)
    return found


def _finite(labels, probabilities) -> None:
    rows = zip(probabilities, labels, strict=True)
    bad = [n for n, (row, t) in enumerate(rows) if not np.isfinite(row[: len(t)]).all()]
    if bad:
        raise errors.WorkError(
            f"{len(bad)} of {len(labels)} records have an answer that is not a number, "
            f"first record {bad[0]}: training diverged; lower the rate"
        )
