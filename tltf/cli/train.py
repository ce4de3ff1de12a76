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
    "assert_at_least", None, "Exit 1 when the main valid score is below it."
)
_DISTRIBUTION = flags.DEFINE_enum(
    "distribution",
    "auto",
    ["auto", "none", "mirrored", "multi_worker"],
    "Devices: auto takes all GPUs, none one device, multi_worker hosts by TF_CONFIG.",
)


def main(argv: list[str]) -> int:
    """Trains and prints the headline."""
    if len(argv) > 1:
        raise errors.UserError(
            f"unexpected {argv[1:]}; overrides go by --set a.b=value"
        )
    from tltf import config

    recipe = config.load(_CONFIG.value, _SET.value)
    if not _DRY.value and not _WORKDIR.value:
        raise errors.UserError("--workdir: name a folder for the run")
    _main.tensorflow()
    from tltf.runs import headline, train

    if _DRY.value:
        _main.out(config.dump(recipe).rstrip())
        _main.out("")
        _main.out(_table(train.parameters(recipe)))
        return 0
    report = train.train(
        recipe,
        _WORKDIR.value,
        resume=_RESUME.value,
        distribution=_DISTRIBUTION.value,
    )
    names = headline.names(recipe)
    _main.out(json.dumps(_headline(report, names)))
    # of several parts, the mean stands last
    return _asserted(names[-1], report.scores["valid"][names[-1]])


def _headline(report, names: list[str]) -> dict:
    valid = report.scores["valid"]
    found = {f"valid_{name}": round(valid[name], 4) for name in names}
    if len(names) == 1:
        found["low"] = round(valid[f"{names[0]}_low"], 4)
        found["high"] = round(valid[f"{names[0]}_high"], 4)
    seconds = report.seconds["total"]
    return {
        "method": report.method,
        **found,
        "seconds": seconds,
        "workdir": _WORKDIR.value,
    }


def _asserted(name: str, value: float) -> int:
    if _LEAST.value is not None and value < _LEAST.value:
        raise errors.WorkError(
            f"--assert_at_least: valid {name} is {value:.4f}, "
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
