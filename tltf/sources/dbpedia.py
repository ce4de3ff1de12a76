"""DBpedia ontology: 560,000 abstracts to train on, 70,000 to test, 14 classes."""

from tltf.sources import _base, _texts, _zhang

CARD = _base.Card(
    title="DBpedia 2014 ontology classification: title and abstract, 14 classes",
    homepage="https://www.dbpedia.org/",
    licence="CC-BY-SA-3.0",
    citation=_zhang.CITATION,
    # no checksum is published for this copy
    files=(("https://s3.amazonaws.com/fast-ai-nlp/dbpedia_csv.tgz", None, None),),
)

_CLASSES = (
    *("Company", "EducationalInstitution", "Artist", "Athlete", "OfficeHolder"),
    *("MeanOfTransportation", "Building", "NaturalPlace", "Village", "Animal"),
    *("Plant", "Album", "Film", "WrittenWork"),
)


def load(argument: str = "", *, path: str | None = None) -> _base.Table:
    """Returns title and abstract of each article.

    Args:
      argument: Not used.
      path: Folder or archive of an own copy, with train.csv and test.csv; by
        default the cache, then a download.

    Raises:
      UserError: The set is nowhere and cannot be downloaded, or is broken.
    """
    return _zhang.read("dbpedia", _texts.place("dbpedia", CARD, path), _CLASSES)
