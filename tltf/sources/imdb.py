"""IMDB reviews: 25,000 to train on and 25,000 to test, 50,000 more unlabelled."""

from tltf import errors
from tltf.sources import _base, _texts

CARD = _base.Card(
    title="Large Movie Review Dataset (IMDB), positive and negative reviews",
    homepage="https://ai.stanford.edu/~amaas/data/sentiment/",
    licence="reviews keep their writers' terms; for research",
    citation="A. Maas, R. Daly, P. Pham, D. Huang, A. Ng, C. Potts, Learning Word "
    "Vectors for Sentiment Analysis, ACL 2011",
    # sha256 and size as registered by tensorflow_datasets 4.9.10
    files=(
        (
            "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
            84125825,
        ),
    ),
)

_CLASSES = ("neg", "pos")
_LABELLED = r"(?:^|/)((train|test)/(neg|pos)/[^/]+\.txt)$"
_UNLABELLED = r"(?:^|/)(train/unsup/[^/]+\.txt)$"


def load(argument: str = "", *, path: str | None = None) -> _base.Table:
    """Returns the reviews of `{train,test}/{neg,pos}/*.txt`.

    Args:
      argument: Not used.
      path: Folder or archive of an own copy; by default the cache, then a
        download. An archive is read as it is.

    Raises:
      UserError: The set is nowhere and cannot be downloaded.
    """
    where = _texts.place("imdb", CARD, path)
    found = sorted(
        (match.groups(), data) for match, data in _texts.members(where, _LABELLED)
    )
    texts = [
        _texts.Text(name, _texts.decoded(data), _CLASSES.index(kind), split)
        for (name, split, kind), data in found
    ]
    return _texts.table(texts, _CLASSES, source="imdb", where=where)


def unlabelled(path: str | None = None) -> list[str]:
    """Returns the reviews of `train/unsup/*.txt`, to learn a language from.

    Args:
      path: As of `load`.

    Raises:
      UserError: The set is nowhere and cannot be downloaded, or has none.
    """
    where = _texts.place("imdb", CARD, path)
    found = sorted((m[1], data) for m, data in _texts.members(where, _UNLABELLED))
    if not found:
        raise errors.UserError(f"imdb: {where} has no reviews in train/unsup")
    return [text for _, data in found if (text := _texts.decoded(data)).strip()]
