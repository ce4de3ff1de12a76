"""Finds a learning rate: tltf lr_find --config=F --workdir=D

The rate of one stage rises from --low to --high over --steps steps, on the recipe's
own records, weights and optimizer; nothing that is learnt is kept. Writes
lr_find.json, lr_find.csv, lr_find.png and TensorBoard logs.
"""

import json

from absl import flags

from tltf import errors
from tltf.cli import _main

_CONFIG = flags.DEFINE_string("config", None, "Recipe file.", required=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder to write to.", required=True)
_SET = flags.DEFINE_multi_string("set", [], "Override, e.g. optimizer.name=sgd.")
_STAGE = flags.DEFINE_integer("stage", 0, "Stage to test, as in stages.0.rate.")
_STEPS = flags.DEFINE_integer("steps", 100, "Steps from the least rate to the most.")
_LOW = flags.DEFINE_float("low", 1e-7, "Rate of the first step.")
_HIGH = flags.DEFINE_float("high", 10.0, "Rate of the last step.")
_RESTARTS = flags.DEFINE_integer(
    "restarts", 3, "Tests from the same weights, with records in another order."
)
_JSON = flags.DEFINE_bool("json", False, "Print lr_find.json instead of the table.")


def main(argv: list[str]) -> int:
    """Runs the test and prints the suggestions."""
    if len(argv) > 1:
        raise errors.UserError(
            f"unexpected {argv[1:]}; overrides go by --set a.b=value"
        )
    from tltf import config

    recipe = config.load(_CONFIG.value, _SET.value)
    _main.tensorflow()
    from tltf.runs import lr_find
    from tltf.training import range_test

    plan = range_test.Plan(
        low=_LOW.value, high=_HIGH.value, steps=_STEPS.value, restarts=_RESTARTS.value
    )
    found = lr_find.lr_find(recipe, _WORKDIR.value, plan, stage=_STAGE.value)
    _main.out(json.dumps(found) if _JSON.value else _table(found))
    return 0


def _table(found: dict) -> str:
    rows = [f"{'suggestion':<14} {'rate':>9} {'least':>9} {'most':>9}"]
    for name, row in found["suggestions"].items():
        numbers = " ".join(f"{row[key]:>9.3g}" for key in ("rate", "low", "high"))
        rows.append(f"{name:<14} {numbers}")
    for curve in found["curves"]:
        if curve["stopped"]:
            rows.append(f"seed {curve['seed']} ended early: {curve['stopped']}")
    rows += [f"note: {remark}" for remark in found["remarks"]]
    return "\n".join([*rows, f"take --set {found['field']}={found['rate']:.2g}"])


def run() -> None:
    """Entry point."""
    _main.run(main)


if __name__ == "__main__":
    run()
