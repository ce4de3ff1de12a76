"""Searches recipe fields: tltf tune --config=F --search=S --workdir=D

S is YAML: {tuner: bayesian, trials: 20, fields: {stages.0.rate: {low: 1e-5, high: 1e-1,
scale: log}, head.dropout: [0, .2, .5]}}. Trials are compared by the valid split alone.
Writes tune.json, tune.md, tune.png and best.yaml, a recipe that train takes.
"""

import json

from absl import flags

from tltf import errors
from tltf.cli import _main

_CONFIG = flags.DEFINE_string("config", None, "Recipe file.", required=True)
_SEARCH = flags.DEFINE_string("search", None, "File of the search.", required=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the search.", required=True)
_SET = flags.DEFINE_multi_string("set", [], "Override of the recipe.")
_TRIALS = flags.DEFINE_integer("trials", None, "In place of the file's.")
_RESUME = flags.DEFINE_bool(
    "resume", False, "Go on with a search that was stopped, or add --trials to it."
)
_JSON = flags.DEFINE_bool("json", False, "Print tune.json instead of the table.")


def main(argv: list[str]) -> int:
    """Searches and prints the table."""
    if len(argv) > 1:
        raise errors.UserError(
            f"unexpected {argv[1:]}; overrides go by --set a.b=value"
        )
    from tltf import config
    from tltf.runs import search_space

    recipe = config.load(_CONFIG.value, _SET.value)
    search = search_space.load(_SEARCH.value, recipe)
    if _TRIALS.value is not None:
        if _TRIALS.value < 1:
            raise errors.UserError(f"--trials: {_TRIALS.value}, it takes 1 or more")
        search = search.model_copy(update={"trials": _TRIALS.value})
    _main.tensorflow()
    from tltf.analysis import search as pages
    from tltf.runs import tune

    found = tune.tune(recipe, search, _WORKDIR.value, resume=_RESUME.value)
    if found is not None:
        text = json.dumps(found) if _JSON.value else pages.markdown(found).rstrip()
        _main.out(text)
    return 0


def run() -> None:
    """Entry point."""
    _main.run(main)


if __name__ == "__main__":
    run()
