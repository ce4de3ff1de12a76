"""A language model from plain text, or one adapted to your own.

Usage: tltf pretrain --method=awd_lstm --data=TEXTS --workdir=DIR [--set KEY=VALUE]...

TEXTS is a file with one text a line or in WikiText's form, a folder or archive of
.txt files, nltk's brown.zip, or a source such as csv:PATH; --data may be given
several times. Part of the texts is held out for perplexity; what is best there is
kept. DIR gets the weights, vocabulary.txt, lm.json and history.csv, and goes into a
recipe as `weights: DIR`. A killed run goes on with --resume, exactly.

Settings of awd_lstm: words least embedding hidden layers epochs batch bptt rate decay
schedule weight_decay clip dropout alpha beta patience save_steps seed half start.
`--set start=DIR` adapts the model in DIR. The last line on stdout is JSON.
"""

import json
import pathlib

from absl import flags

from tltf import errors, registry
from tltf.cli import _main

_METHOD = flags.DEFINE_string("method", "awd_lstm", "awd_lstm or elmo.")
_DATA = flags.DEFINE_multi_string("data", [], "Texts to learn from.")
_VALID = flags.DEFINE_multi_string("valid", [], "Texts held out.")
_SHARE = flags.DEFINE_float(
    "valid_share", 0.05, "Held out of --data where --valid is not given.", 0.001, 0.5
)
_ONLY = flags.DEFINE_string(
    "only", "*", "Pattern of the files read in folders and archives: */unsup/*."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run and its result.")
_SET = flags.DEFINE_multi_string("set", [], "KEY=VALUE, a setting of the method.")
_RESUME = flags.DEFINE_bool("resume", False, "Go on where a run stopped.")
_BACKWARD = flags.DEFINE_bool("backward", False, "Read texts from their end.")
_LIMIT = flags.DEFINE_integer(
    "limit", None, "Texts kept, drawn by the seed, to try things out.", lower_bound=2
)


def main(argv: list[str]) -> None:
    """Trains and prints the summary."""
    method, settings = _checked(argv)
    from tltf.pretraining import texts

    found = [text for place in _DATA.value for text in _read(texts, place)]
    seed = int(settings.get("seed", 0))
    if _LIMIT.value and _LIMIT.value < len(found):
        found = texts.held_out(found, _LIMIT.value / len(found), seed)[1]
    if _VALID.value:
        valid = [text for place in _VALID.value for text in _read(texts, place)]
    else:
        found, valid = texts.held_out(found, _SHARE.value, seed)
    _main.tensorflow()
    module = registry.find("pretraining", method)
    folder = pathlib.Path(_WORKDIR.value).expanduser()
    done = module.run(found, valid, folder, settings=settings, resume=_RESUME.value)
    _main.out(json.dumps({"method": method, **done}))


def run() -> None:
    """Runs the command."""
    _main.run(main)


def _read(texts, place: str) -> list:
    return texts.read(place, only=_ONLY.value)


def _checked(argv: list[str]) -> tuple[str, dict[str, str | bool]]:
    if argv[1:]:
        raise errors.UserError(f"unexpected {argv[1]!r}; texts go in --data")
    for flag in (_DATA, _WORKDIR):
        if not flag.value:
            raise errors.UserError(f"--{flag.name} is missing; see --help")
    if _METHOD.value not in ("awd_lstm", "elmo"):
        known = ["awd_lstm", "elmo"]
        what = f"--method: no {_METHOD.value!r}"
        raise errors.UserError(registry.unknown(what, _METHOD.value, known))
    settings: dict[str, str | bool] = {}
    for pair in _SET.value:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise errors.UserError(f"--set {pair!r} is not KEY=VALUE")
        settings[key.strip()] = value.strip()
    if not str(settings.get("seed", 0)).isdigit():
        raise errors.UserError(f"--set seed={settings['seed']}: give a number from 0")
    if _BACKWARD.value:
        settings["backward"] = True
    _unmixed()
    return _METHOD.value, settings


def _unmixed() -> None:
    """Raises UserError where the folder has a run and --resume is not given."""
    folder = pathlib.Path(_WORKDIR.value).expanduser()
    if (folder / "checkpoints").exists() and not _RESUME.value:
        raise errors.UserError(
            f"{folder} has a run already; add --resume, or take another --workdir"
        )


if __name__ == "__main__":
    run()
