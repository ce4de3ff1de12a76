"""Word vectors: info on a file, words it lacks, a subset, a map.

Usage:
  tltf vectors info F [--json]
  tltf vectors oov F TEXT... [--lower] [--top=20] [--json]
  tltf vectors oov F --words=LIST [--lower] [--top=20] [--json]
  tltf vectors subset F --words=LIST --out=FILE [--format=glove] [--lower]
  tltf vectors map F --out=map.png france:paris italy:rome / walk:walked swim:swam

F is a file of word vectors (GloVe, word2vec, fastText .vec; .gz and .zip too), or
a name such as glove.6B.50d. info counts words and names the lines that were left
out. oov says how much of some texts, or of a list with a word a line, has
vectors, and names the most frequent words that have none. subset writes the
vectors of a list of words to a new file. map draws words by their two largest
principal components, with an arrow where : stands; / begins a new panel.
"""

import json
from typing import TYPE_CHECKING, Any

from absl import flags

from tltf import errors
from tltf.cli import _main

if TYPE_CHECKING:
    from tltf.text import vectors

_WORDS = flags.DEFINE_string("words", None, "oov, subset: file with a word a line.")
_LOWER = flags.DEFINE_bool(
    "lower", False, "oov, subset: take the lower-case form of words not found."
)
_TOP = flags.DEFINE_integer("top", 20, "oov: missing words to name.", lower_bound=0)
_OUT = flags.DEFINE_string("out", None, "subset, map: file to write.")
_FORMAT = flags.DEFINE_enum(
    "format",
    "glove",
    ["glove", "word2vec", "word2vec_binary", "fasttext"],
    "subset: of the file to write; compressed if it ends in .gz.",
)
_UNEVEN = flags.DEFINE_enum(
    "uneven", "stop", ["stop", "skip"], "What to do about lines of another dimension."
)
_JSON = flags.DEFINE_bool("json", False, "Print one JSON object.")

_SHOWN = 20  # faults listed; --json has up to a thousand


def main(argv: list[str]) -> None:
    """Runs `info`, `oov`, `subset` or `map` on one file."""
    acts = {"info": _info, "oov": _oov, "subset": _subset, "map": _map}
    if len(argv) < 2 or argv[1] not in acts:
        given = f"no {argv[1]!r}" if len(argv) > 1 else "nothing to do"
        raise errors.UserError(
            f"{given}; write tltf vectors info, oov, subset or map, then a file"
        )
    if len(argv) < 3:
        raise errors.UserError(
            f"no vectors; write tltf vectors {argv[1]} FILE, or a name such as "
            "glove.6B.50d"
        )
    acts[argv[1]](argv[2], argv[3:])


def _info(name: str, more: list[str]) -> None:
    _refuse(more)
    loaded = _loaded(name)
    faults = loaded.faults
    about = {"source": loaded.source, "kind": loaded.kind, "words": len(loaded)}
    about |= {"dimension": loaded.dimension, "left_out": faults.counts}
    if _JSON.value:
        names = ("line", "kind", "cause")
        lines = [dict(zip(names, line, strict=True)) for line in faults.lines]
        _main.out(json.dumps({**about, "lines": lines}))
        return
    _main.out(f"{loaded.source}: {len(loaded)} words x {loaded.dimension}")
    _main.out(f"format: {loaded.kind}")
    counts = ", ".join(f"{n} {kind}" for kind, n in faults.counts.items())
    _main.out(f"left out: {counts or 'no line'}")
    for line, kind, cause in faults.lines[:_SHOWN]:
        _main.out(f"  line {line}: {kind}, {cause}")
    if sum(faults.counts.values()) > _SHOWN:
        _main.out("  ...; --json has more")


def _oov(name: str, texts: list[str]) -> None:
    if bool(texts) == bool(_WORDS.value):
        raise errors.UserError(
            "oov takes text files, or a list of words: tltf vectors oov F TEXT... or "
            "tltf vectors oov F --words=LIST"
        )
    from tltf.text import coverage

    counts: Any = coverage.count(texts) if texts else coverage.word_list(_WORDS.value)
    options = {"lower": _LOWER.value, "top": _TOP.value}
    found = coverage.report(_loaded(name), counts, **options)
    if _JSON.value:
        _main.out(json.dumps(found._asdict()))
        return
    _main.out(_share("distinct words", found.types_known, found.types))
    _main.out(_share("words", found.tokens_known, found.tokens))
    for word, count in found.missing:
        _main.out(f"{count:>8}  {word}")


def _subset(name: str, more: list[str]) -> None:
    _refuse(more)
    if not _WORDS.value or not _OUT.value:
        raise errors.UserError("subset takes --words=LIST and --out=FILE")
    from tltf.text import coverage, vector_formats

    words = coverage.word_list(_WORDS.value)
    kept = coverage.subset(_loaded(name), words, lower=_LOWER.value)
    vector_formats.write(kept, _OUT.value, _FORMAT.value)
    about = {"out": _OUT.value, "words": len(kept), "asked": len(set(words))}
    shown = f"{_OUT.value}: {len(kept)} of {about['asked']} words"
    _main.out(json.dumps(about) if _JSON.value else shown)


def _map(name: str, chains: list[str]) -> None:
    if not _OUT.value:
        raise errors.UserError("map takes --out=FILE, a picture such as map.png")
    panels: list[list[list[str]]] = [[]]
    for chain in chains:
        if chain == "/":
            panels.append([])
        else:
            panels[-1].append(chain.split(":") if chain != ":" else [chain])
    from tltf.text import word_map

    word_map.draw(_loaded(name), panels, _OUT.value)
    _main.out(json.dumps({"out": _OUT.value}) if _JSON.value else _OUT.value)


def _loaded(name: str) -> "vectors.Vectors":
    from tltf.text import vectors

    return vectors.load_vectors(name, uneven=_UNEVEN.value)


def _refuse(more: list[str]) -> None:
    if more:
        raise errors.UserError(f"unexpected {more[0]!r}; see tltf vectors --help")


def _share(what: str, known: int, total: int) -> str:
    share = f" ({known / total:.2%})" if total else ""
    return f"{what} with a vector: {known} of {total}{share}"


def run() -> None:
    """Runs the command."""
    _main.run(main)


if __name__ == "__main__":
    run()
