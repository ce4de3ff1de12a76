"""Trials of a frozen encoder's head: one search against as many runs of their own.

Usage: python tools/benchmark/tune.py [--config=F] [--rounds=3] > result.json

Both sides are the commands a user gives, each process from its start to its end, with
the same recipes: the runs take the values that the first search proposed. The search
begins with an empty cache of features; each run has an empty one of its own.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import _timing
import yaml

_FIELDS = {"stages.0.rate": {"low": 1e-4, "high": 1e-1, "scale": "log"}}


def main():
    flags = _flags()
    with tempfile.TemporaryDirectory() as home:
        root = pathlib.Path(home)
        os.environ |= {"TLTF_HOME": f"{home}/tltf", "TLTF_OFFLINE": "1"}
        search = root / "search.yaml"
        search.write_text(yaml.safe_dump({"trials": flags.trials, "fields": _FIELDS}))
        recipe = [f"--config={flags.config}", *(f"--set={one}" for one in flags.set)]
        sides = {
            "tune": lambda: _tune(root, recipe, search),
            "runs": lambda: _runs(root, recipe),
        }
        sides["tune"]()  # the values; the data; digests of the files; the page cache
        taken = _timing.rounds(sides, flags.rounds)
        scores = _scores(root)
    _timing.report(
        benchmark="tune",
        config=flags.config,
        set=flags.set,
        trials=flags.trials,
        seconds={name: _timing.spread(times) for name, times in taken.wall.items()},
        times_faster=_timing.ratios(taken.wall["runs"], taken.wall["tune"]),
        scores_equal=scores["tune"] == scores["runs"],
    )


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="configs/quickstart.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="a.b=value")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _tune(root, recipe, search) -> None:
    shutil.rmtree(root / "tune", ignore_errors=True)
    features = root / "features"
    shutil.rmtree(features, ignore_errors=True)
    flags = [f"--search={search}", f"--workdir={root / 'tune'}"]
    _call("tune", [*recipe, *flags], features)


def _runs(root, recipe) -> None:
    shutil.rmtree(root / "runs", ignore_errors=True)
    for row in _rows(root):
        folder = root / "runs" / row["trial"]
        sets = [f"--set={path}={value!r}" for path, value in row["values"].items()]
        with tempfile.TemporaryDirectory() as features:
            _call("train", [*recipe, f"--workdir={folder}", *sets], features)


def _call(verb: str, flags: list[str], features) -> None:
    command = [sys.executable, "-m", f"tltf.cli.{verb}", *flags]
    surroundings = {**os.environ, "TLTF_FEATURES": str(features)}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{verb}: {done.stderr[-2000:]}")


def _rows(root) -> list[dict]:
    return json.loads((root / "tune" / "tune.json").read_text())["trials"]


def _scores(root) -> dict[str, list[float]]:
    runs = [root / "runs" / row["trial"] / "report.json" for row in _rows(root)]
    reports = [json.loads(path.read_text()) for path in runs]
    return {
        "tune": [row["score"] for row in _rows(root)],
        "runs": [report["scores"]["valid"]["accuracy"] for report in reports],
    }


if __name__ == "__main__":
    main()
