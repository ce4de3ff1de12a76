"""Trains one recipe: tltf train --config=configs/quickstart.yaml --workdir=runs/quick

The last line on stdout is the report's headline as JSON.
"""

import json

from absl import flags

from tltf import errors
from tltf.cli import _main

_CONFIG = flags.DEFINE_string("config", None, "Recipe file.", required=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Run folder: new, or with --resume.")
_SET = flags.DEFINE_multi_string("set", [], "Override, e.g. stages.0.rate=1e-4.")
_RESUME = flags.DEFINE_bool("resume", False, "Go on where a run was stopped.")
_DRY = flags.DEFINE_bool(
    "dry_run", False, "Print the resolved recipe and the parameter table, then stop."
)
_LEAST = flags.DEFINE_float(
    "assert_at_least", None, "Exit 1 when valid accuracy is below this share."
)
_DISTRIBUTION = flags.DEFINE_enum(
    "distribution",
    "auto",
    ["auto", "none", "mirrored", "multi_worker"],
    "Devices; auto and none use one, the others come with a later release.",
)


def main(argv: list[str]) -> int:
    """Trains and prints the headline."""
    if len(argv) > 1:
        raise errors.UserError(
            f"unexpected {argv[1:]}; overrides go by --set a.b=value"
        )
    if _DISTRIBUTION.value not in ("auto", "none"):
        raise errors.UserError(
            f"--distribution: {_DISTRIBUTION.value} comes with a later release; "
            "take none"
        )
    from tltf import config

    recipe = config.load(_CONFIG.value, _SET.value)
    if not _DRY.value and not _WORKDIR.value:
        raise errors.UserError("--workdir: name a folder for the run")
    _main.tensorflow()
    from tltf.runs import train

    if _DRY.value:
        _main.out(config.dump(recipe).rstrip())
        _main.out("")
        _main.out(_table(train.parameters(recipe)))
        return 0
    report = train.train(recipe, _WORKDIR.value, resume=_RESUME.value)
    valid = report.scores["valid"]
    headline = {
        "method": report.method,
        "valid_accuracy": round(valid["accuracy"], 4),
        "low": round(valid["accuracy_low"], 4),
        "high": round(valid["accuracy_high"], 4),
        "seconds": report.seconds["total"],
        "workdir": _WORKDIR.value,
    }
    _main.out(json.dumps(headline))
    return _asserted(valid["accuracy"])


def _asserted(accuracy: float) -> int:
    if _LEAST.value is not None and accuracy < _LEAST.value:
        raise errors.WorkError(
            f"--assert_at_least: valid accuracy is {accuracy:.4f}, "
            f"{_LEAST.value:g} was asked for"
        )
    return 0


def _table(lines) -> str:
    rows = [f"{'group':<12} {'layers':>6} {'parameters':>12}  trained in stage"]
    for line in lines:
        stages = ", ".join(map(str, line.stages)) or "never"
        rows.append(
            f"{line.group:<12} {line.layers:>6} {line.parameters:>12,}  {stages}"
        )
    total = sum(line.parameters for line in lines)
    return "\n".join([*rows, f"{'all':<12} {'':>6} {total:>12,}"])


def run() -> None:
    """Entry point."""
    _main.run(main)


if __name__ == "__main__":
    run()
