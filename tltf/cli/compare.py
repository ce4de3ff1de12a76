"""The table of methods on one split: tltf compare --config=F --workdir=D

Of a recipe with parts: every part alone against all together.

Writes compare.json, compare.md and compare.png; says which method to take.
"""

import json

from absl import flags

from tltf import errors
from tltf.cli import _main

_CONFIG = flags.DEFINE_string("config", None, "Recipe file.", required=True)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the comparison.", required=True
)
_METHODS = flags.DEFINE_list(
    "methods", None, "Rows: methods, or names under compare; default: all that fit."
)
_SET = flags.DEFINE_multi_string("set", [], "Override, e.g. data.source=folder:PATH.")
_SPLIT = flags.DEFINE_enum("split", "test", ["test", "valid"], "What to report.")
_JSON = flags.DEFINE_bool("json", False, "Print compare.json instead of the table.")


def main(argv: list[str]) -> int:
    """Compares and prints the table."""
    if len(argv) > 1:
        raise errors.UserError(f"unexpected {argv[1:]}; methods go by --methods=a,b")
    from tltf import config

    recipe = config.load(_CONFIG.value, _SET.value)
    _main.tensorflow()
    from tltf.analysis import comparison, comparison_parts
    from tltf.runs import compare

    methods = _METHODS.value or ()
    table = compare.compare(recipe, _WORKDIR.value, methods=methods, split=_SPLIT.value)
    kind = comparison_parts if recipe.parts else comparison
    _main.out(json.dumps(table) if _JSON.value else kind.markdown(table).rstrip())
    return 0


def run() -> None:
    """Entry point."""
    _main.run(main)


if __name__ == "__main__":
    run()
