"""Subjectivity: 5,000 sentences of film reviews, 5,000 of plot summaries."""

from tltf import errors
from tltf.sources import _base, _texts

CARD = _base.Card(
    title="Subjectivity dataset v1.0: opinion or plot, 10,000 sentences",
    homepage="https://www.cs.cornell.edu/people/pabo/movie-review-data/",
    licence="sentences keep their writers' terms; for research",
    citation="B. Pang, L. Lee, A Sentimental Education: Sentiment Analysis Using "
    "Subjectivity Summarization Based on Minimum Cuts, ACL 2004",
    # the publisher gives no checksum
    files=(
        (
            "https://www.cs.cornell.edu/people/pabo/movie-review-data/"
            "rotten_imdb.tar.gz",
            None,
            None,
        ),
    ),
)

_CLASSES = ("subjective", "objective")
_PATH = r"(?:^|/)(subj\.all|quote\.tok\.gt9\.5000|plot\.tok\.gt9\.5000)$"
_LABELS = {"quote.tok.gt9.5000": "0", "plot.tok.gt9.5000": "1"}


def load(argument: str = "", *, path: str | None = None) -> _base.Table:
    """Returns the sentences of `subj.all`, or of the two files of the authors.

    A line of `subj.all` is `0` (subjective) or `1` (objective) and the sentence;
    a line that begins otherwise goes to `skipped`. There are no splits.

    Args:
      argument: Not used.
      path: Folder or archive of an own copy; by default the cache, then a
        download.

    Raises:
      UserError: The set is nowhere and cannot be downloaded.
    """
    where = _texts.place("subjectivity", CARD, path)
    texts, skipped = [], []
    for match, data in _texts.members(where, _PATH):
        # single bytes above 127 are those of Windows; one is a line end in Latin-1
        for number, line in enumerate(data.splitlines(), start=1):
            text = _texts.decoded(line, fallback="cp1252").strip()
            label = _LABELS.get(match[1])
            if label is None:
                label, _, text = text.partition(" ")
            name = f"{match[1]}:{number}"
            if label in ("0", "1"):
                texts.append(_texts.Text(name, text, int(label)))
            elif label:
                skipped.append((name, f"unknown class: {label!r:.40}"))
    if not texts:
        raise errors.UserError(
            f"subjectivity: {where} has no subj.all; check data.options.path"
        )
    return _texts.table(
        texts, _CLASSES, source="subjectivity", where=where, skipped=skipped
    )
