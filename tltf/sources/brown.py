"""Brown corpus: 57,340 sentences, a part of speech for each of 1,161,192 tokens."""

import re

import numpy as np

from tltf import errors
from tltf.sources import _base, _texts

CARD = _base.Card(
    title="Brown corpus: American English of 1961, 12 parts of speech",
    homepage="http://www.hit.uib.no/icame/brown/bcm.html",
    licence="redistribution permitted; for non-commercial use",
    citation="W. N. Francis, H. Kucera, A Standard Corpus of Present-Day Edited "
    "American English, Brown University 1964, revised 1979",
    files=(
        (
            "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/"
            "corpora/brown.zip",
            "9b275f9b3b95d7bd66ccfb7cd259f445a13bbe5d1f4107aba09fd3e8364bafa6",
            3314357,
        ),
    ),
)

# The corpus's tags under the twelve of Petrov, Das, McDonald 2012 (arXiv:1104.2086);
# which tag stands where is our own choice, after the tag list of the manual.
_TAGS = {
    "NOUN": "nn nns np nps nr nrs",
    "VERB": "vb vbd vbg vbn vbz be bed bedz beg bem ben ber bez do dod doz hv hvd hvg "
    "hvn hvz md",
    "ADJ": "jj jjr jjs jjt",
    "ADV": "rb rbr rbt rn ql qlp wrb wql *",
    "PRON": "pn pp ppl ppls ppo pps ppss wp wpo wps ex",
    "DET": "at dt dti dts dtx abl abn abx ap wdt",
    "ADP": "in",
    "NUM": "cd od",
    "CONJ": "cc cs",
    "PRT": "to rp",
    "PUNCT": "' '' ( ) , -- . : ``",
    "X": "fw uh nil",
}
_CLASSES = tuple(_TAGS)
_PLACE = {t: n for n, tags in enumerate(_TAGS.values()) for t in tags.split()}
_PATH = r"(?:^|/)(c[a-r]\d\d)$"
# title, headline and cited word are no parts of speech
_MARKS = re.compile(r"(?<=.)-(tl|hl|nc)(?=-|\+|$)")


def load(argument: str = "", *, path: str | None = None) -> _base.Table:
    """Returns the sentences; the label is the part of speech of each token.

    Foreign words are `X`; of a contraction such as he's the first part counts, and
    of a negated verb the verb. There are no splits; a sentence with a token that
    has no known tag goes to `skipped`.

    Args:
      argument: Not used.
      path: Folder or archive of an own copy; by default the cache, then a
        download. An archive is read as it is.

    Raises:
      UserError: The corpus is nowhere and cannot be downloaded.
    """
    where = _texts.place("brown", CARD, path)
    texts, skipped = [], []
    for match, data in _texts.members(where, _PATH):
        lines = [line.split() for line in _texts.decoded(data).splitlines()]
        for number, tokens in enumerate(filter(None, lines), start=1):
            name = f"{match[1]}:{number}"
            words, tags = _parted(tokens)
            if None in tags:
                skipped.append((name, f"no tag: {tokens[tags.index(None)]!r:.40}"))
            else:
                labels = np.array(tags, np.int32)
                texts.append(_texts.Text(name, " ".join(words), labels))
    if not texts:
        raise errors.UserError(
            f"brown: {where} has no files ca01 to cr09; check data.options.path"
        )
    return _texts.table(texts, _CLASSES, source="brown", where=where, skipped=skipped)


def _parted(tokens: list[str]) -> tuple[list[str], list[int | None]]:
    """Returns the words of a sentence, and the class of each; None where unknown."""
    pairs = [token.rpartition("/") for token in tokens]
    return [word for word, _, _ in pairs], [
        _class(tag) if word else None for word, _, tag in pairs
    ]


def _class(tag: str) -> int | None:
    if tag.startswith("fw-"):
        return _PLACE["fw"]
    first = _MARKS.sub("", tag).partition("+")[0]
    return _PLACE.get(first, _PLACE.get(first.rstrip("*$")))
