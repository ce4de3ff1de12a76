"""TREC questions: 5,452 to train on and 500 to test, by the kind of the answer."""

from collections.abc import Iterator

from tltf import errors
from tltf.sources import _base, _texts

CARD = _base.Card(
    title="TREC question classification, 6 classes or 50",
    homepage="https://cogcomp.seas.upenn.edu/Data/QA/QC/",
    licence="not stated; for research",
    citation="X. Li, D. Roth, Learning Question Classifiers, COLING 2002",
    # sha256 and size as registered by tensorflow_datasets 4.9.10
    files=(
        (
            "https://cogcomp.seas.upenn.edu/Data/QA/QC/train_5500.label",
            "9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3",
            335858,
        ),
        (
            "https://cogcomp.seas.upenn.edu/Data/QA/QC/TREC_10.label",
            "033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e",
            23354,
        ),
    ),
)

_FILES = ("train_5500.label", "TREC_10.label")
_PATH = r"(?:^|/)(train_5500|TREC_10)\.label$"
_KINDS = {
    "ABBR": "abb exp",
    "DESC": "def desc manner reason",
    "ENTY": "animal body color cremat currency dismed event food instru lang letter "
    "other plant product religion sport substance symbol techmeth termeq veh word",
    "HUM": "desc gr ind title",
    "LOC": "city country mount other state",
    "NUM": "code count date dist money ord other perc period speed temp volsize weight",
}
_FINE = [f"{kind}:{part}" for kind, parts in _KINDS.items() for part in parts.split()]


def load(
    argument: str = "", *, path: str | None = None, fine: bool = False
) -> _base.Table:
    """Returns the questions; a line that begins with no class goes to `skipped`.

    Args:
      argument: Not used.
      path: Folder or archive of an own copy; by default the cache, then a
        download.
      fine: Whether the 50 classes such as `NUM:date` count, not the 6 above.

    Raises:
      UserError: The set is nowhere and cannot be downloaded.
    """
    _texts.choice("fine", fine, (False, True))
    where = _texts.place("trec", CARD, path, files=_FILES)
    texts, skipped = [], []
    for split, number, line in _lines(where):
        label, _, question = line.partition(" ")
        name = f"{split}/{number}"
        if label in _FINE:
            kind = _FINE.index(label) if fine else [*_KINDS].index(label.split(":")[0])
            texts.append(_texts.Text(name, question.strip(), kind, split))
        else:
            skipped.append((name, f"unknown class: {label!r:.40}"))
    classes = _FINE if fine else [*_KINDS]
    return _texts.table(texts, classes, source="trec", where=where, skipped=skipped)


def _lines(where) -> Iterator[tuple[str, int, str]]:
    """Yields (split, line number, line) of the two files, `train` first."""
    found = {match[1]: data for match, data in _texts.members(where, _PATH)}
    if not found:
        raise errors.UserError(
            f"trec: {where} has neither {' nor '.join(_FILES)}; check data.options.path"
        )
    for file, split in (("train_5500", "train"), ("TREC_10", "test")):
        # of bytes, for a decoded text has line ends of Latin-1 too
        for number, line in enumerate(found.get(file, b"").splitlines(), start=1):
            if line.strip():
                yield split, number, _texts.decoded(line).strip()
