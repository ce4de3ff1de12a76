"""Yelp reviews: negative or positive, or one to five stars."""

import dataclasses

from tltf.sources import _base, _texts, _zhang

CARD = _base.Card(
    title="Yelp Review Polarity: 560,000 reviews to train on, 38,000 to test",
    homepage="https://www.yelp.com/dataset",
    licence="Yelp dataset challenge of 2015; non-commercial use, see the homepage",
    citation=_zhang.CITATION,
    # sha256 and size as registered by tensorflow_datasets 4.9.10
    files=(
        (
            "https://s3.amazonaws.com/fast-ai-nlp/yelp_review_polarity_csv.tgz",
            "528f22e286cad085948acbc3bea7e58188416546b0e364d0ae4ca0ce666abe35",
            166373201,
        ),
    ),
)

# no checksum is published for this copy
_FULL = ("https://s3.amazonaws.com/fast-ai-nlp/yelp_review_full_csv.tgz", None, None)
_CLASSES = {False: ("negative", "positive"), True: ("1", "2", "3", "4", "5")}


def load(
    argument: str = "", *, path: str | None = None, full: bool = False
) -> _base.Table:
    """Returns the reviews; the full set has 650,000 to train on, 50,000 to test.

    Args:
      argument: Not used.
      path: Folder or archive of an own copy, with train.csv and test.csv; by
        default the cache, then a download.
      full: Whether it is the set with stars, not the one of two classes.

    Raises:
      UserError: The set is nowhere and cannot be downloaded, or is broken.
    """
    _texts.choice("full", full, (False, True))
    name, card = "yelp", CARD
    if full:
        name, card = "yelp_full", dataclasses.replace(CARD, files=(_FULL,))
    return _zhang.read("yelp", _texts.place(name, card, path), _CLASSES[full])
