"""What is to C as A is to B: the words nearest to A - B + C.

Usage:
  tltf analogy --vectors=F A B C [--k=10] [--method=add|mul] [--json]
  tltf analogy --vectors=F --questions=FILE [--method=add|mul] [--json]

`tltf analogy --vectors=F king man woman` is king - man + woman; in the same
order, paris france italy asks for Italy's capital, and walking walk swim for the
form of swim. The three words are no answers. --questions scores a file in the
format of Google's questions-words.txt, by section and in total: a line `a b c d`
is right if d is nearest to b - a + c. Questions with an unknown word are counted
and not asked.
"""

import json

from absl import flags

from tltf import errors
from tltf.cli import _main

_VECTORS = flags.DEFINE_string("vectors", None, "File of word vectors, or a name.")
_K = flags.DEFINE_integer("k", 10, "Words to show.", lower_bound=1)
_METHOD = flags.DEFINE_enum(
    "method", "add", ["add", "mul"], "3CosAdd, or 3CosMul, products of cosines."
)
_QUESTIONS = flags.DEFINE_string("questions", None, "File of questions to score.")
_FOLD = flags.DEFINE_bool("fold", True, "questions: words that differ in case are one.")
_AMONG = flags.DEFINE_integer(
    "among",
    None,
    "Look at the first so many words only; by default all, for questions 300000.",
    lower_bound=1,
)
_UNEVEN = flags.DEFINE_enum(
    "uneven", "stop", ["stop", "skip"], "What to do about lines of another dimension."
)
_JSON = flags.DEFINE_bool("json", False, "Print one JSON object.")

_MOST_ASKED = 300_000  # the first words of a file, among which questions are asked


def main(argv: list[str]) -> None:
    """Prints the answers, or the scores of a file of questions."""
    words = argv[1:]
    if not _VECTORS.value:
        raise errors.UserError("--vectors is missing; see --help")
    if bool(words) == bool(_QUESTIONS.value) or len(words) not in (0, 3):
        raise errors.UserError(
            f"got {len(words)} words; write three, king man woman for king - man + "
            "woman, or --questions=FILE"
        )
    if words:
        _answer(words)
    else:
        _score()


def _answer(words: list[str]) -> None:
    from tltf.text import neighbours

    loaded = _loaded()
    options = {"method": _METHOD.value, "among": _AMONG.value}
    found = neighbours.analogy(loaded, words, _K.value, **options)
    if _JSON.value:
        shown = {"vectors": loaded.source, "question": "{} - {} + {}".format(*words)}
        _main.out(json.dumps({**shown, "answers": [n._asdict() for n in found]}))
        return
    for one in found:
        _main.out(f"{one.score:.4f}  {one.word}")


def _score() -> None:
    from tltf.text import questions

    sections = questions.read(_QUESTIONS.value)
    loaded = _loaded()
    scores = questions.score(
        loaded,
        sections,
        fold=_FOLD.value,
        method=_METHOD.value,
        among=_AMONG.value or _MOST_ASKED,
        progress=lambda name: _main.say(f"scored {name}"),
    )
    rows = [{**score._asdict(), "accuracy": score.accuracy} for score in scores]
    if _JSON.value:
        _main.out(json.dumps({"vectors": loaded.source, "scores": rows}))
        return
    wide = max(len(score.name) for score in scores)
    _main.out(f"{'section':<{wide}}  accuracy  correct    asked  unknown")
    for score in scores:
        share = "-" if score.accuracy is None else f"{score.accuracy:.4f}"
        _main.out(
            f"{score.name:<{wide}}  {share:>8}  {score.correct:>7}  {score.asked:>7}"
            f"  {score.unknown:>7}"
        )


def _loaded():
    from tltf.text import vectors

    return vectors.load_vectors(_VECTORS.value, uneven=_UNEVEN.value)


def run() -> None:
    """Runs the command."""
    _main.run(main)


if __name__ == "__main__":
    run()
