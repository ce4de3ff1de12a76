"""Words nearest to a word, by the cosine of their vectors.

Usage: tltf nearest --vectors=F WORD... [--k=10] [--among=N] [--json]

F is a file of word vectors (GloVe, word2vec, fastText .vec; .gz and .zip too), or
a name such as glove.6B.50d. The first read of a file takes a moment; later ones
take it from the cache folder. Several words get a list each.
"""

import json

from absl import flags

from tltf import errors
from tltf.cli import _main

_VECTORS = flags.DEFINE_string("vectors", None, "File of word vectors, or a name.")
_K = flags.DEFINE_integer("k", 10, "Words to show.", lower_bound=1)
_AMONG = flags.DEFINE_integer(
    "among", None, "Look at the first so many words of the file only.", lower_bound=1
)
_UNEVEN = flags.DEFINE_enum(
    "uneven", "stop", ["stop", "skip"], "What to do about lines of another dimension."
)
_JSON = flags.DEFINE_bool("json", False, "Print one JSON object.")


def main(argv: list[str]) -> None:
    """Prints the neighbours of each word."""
    if not _VECTORS.value:
        raise errors.UserError("--vectors is missing; see --help")
    if not argv[1:]:
        raise errors.UserError("no word; write tltf nearest --vectors=F WORD...")
    from tltf.text import neighbours, vectors

    loaded = vectors.load_vectors(_VECTORS.value, uneven=_UNEVEN.value)
    found = {
        word: neighbours.nearest(loaded, word, _K.value, among=_AMONG.value)
        for word in argv[1:]
    }
    if _JSON.value:
        words = {word: [n._asdict() for n in near] for word, near in found.items()}
        _main.out(json.dumps({"vectors": loaded.source, "nearest": words}))
        return
    for word, near in found.items():
        if len(found) > 1:
            _main.out(f"{word}:")
        for one in near:
            _main.out(f"{one.score:.4f}  {one.word}")


def run() -> None:
    """Runs the command."""
    _main.run(main)


if __name__ == "__main__":
    run()
