"""AG News: 120,000 headlines with abstracts to train on, 7,600 to test, 4 topics."""

from tltf.sources import _base, _texts, _zhang

CARD = _base.Card(
    title="AG News: title and description of articles, 4 topics",
    homepage="http://groups.di.unipi.it/~gulli/AG_corpus_of_news_articles.html",
    licence="non-commercial use, see the homepage",
    citation=_zhang.CITATION,
    # no checksum is published for this copy
    files=(("https://s3.amazonaws.com/fast-ai-nlp/ag_news_csv.tgz", None, None),),
)

_CLASSES = ("World", "Sports", "Business", "Sci/Tech")


def load(argument: str = "", *, path: str | None = None) -> _base.Table:
    """Returns title and description of each article.

    Args:
      argument: Not used.
      path: Folder or archive of an own copy, with train.csv and test.csv; by
        default the cache, then a download.

    Raises:
      UserError: The set is nowhere and cannot be downloaded, or is broken.
    """
    return _zhang.read("ag_news", _texts.place("ag_news", CARD, path), _CLASSES)
