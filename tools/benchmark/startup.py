"""Seconds until `tltf --help` has answered and `import tltf` is done.

Usage: python tools/benchmark/startup.py [--rounds=11] > result.json
"""

import argparse
import os
import pathlib
import subprocess
import sys

import _timing

_ROOT = str(pathlib.Path(__file__).parents[2])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    flags = parser.parse_args()
    sides = {name: _command(arguments) for name, arguments in _arguments().items()}
    _timing.rounds(sides, 1)  # byte code and the page cache
    taken = _timing.rounds(sides, flags.rounds)
    seconds = {name: _timing.spread(times, 3) for name, times in taken.wall.items()}
    slowest = max(s["median"] for s in seconds.values())
    _timing.report(benchmark="startup", seconds=seconds, slowest_median=slowest)


def _arguments():
    from tltf import registry

    calls = {
        "python": ["-c", "pass"],
        "import tltf": ["-c", "import tltf"],
        "tltf --help": ["-m", "tltf.cli", "--help"],
    }
    for verb in registry.names("cli"):
        calls[f"tltf {verb} --help"] = ["-m", "tltf.cli", verb, "--help"]
    return calls


def _command(arguments):
    environment = {**os.environ, "PYTHONPATH": _ROOT}

    def run():
        subprocess.run(
            [sys.executable, *arguments],
            check=True,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    return run


if __name__ == "__main__":
    main()
