"""Runs recipes and writes what they measured into their headers.

python tools/measure.py --out=runs/measured configs/quickstart.yaml [--set=a.b=v ...]
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configs", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--keep_header", action="store_true")
    asked = parser.parse_args()
    for config in asked.configs:
        folder = asked.out / config.stem
        sets = [f"--set={text}" for text in asked.set]
        tltf("train", f"--config={config}", f"--workdir={folder}", "--resume", *sets)
        tltf("evaluate", f"--workdir={folder}")
        line = measured(json.loads((folder / "report.json").read_text()), asked.set)
        print(f"{config}: {line}", flush=True)
        if not asked.keep_header:
            write(config, line)


def write(config: pathlib.Path, line: str) -> None:
    """Puts the line into a recipe's header."""
    text = config.read_text()
    config.write_text(re.sub(r"# Measured: .*", lambda _: line, text, count=1))


def tltf(verb: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "tltf.cli", verb, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def measured(report: dict, sets: list[str]) -> str:
    """Returns the header's line."""
    test, valid = report["scores"]["test"], report["scores"]["valid"]
    # where the data lie is not what was measured
    changed = [text for text in sets if not text.startswith("data.options.path")]
    note = f" with {', '.join(changed)}" if changed else ""
    return (
        f"# Measured: test accuracy {test['accuracy']:.3f} "
        f"({test['accuracy_low']:.3f} to {test['accuracy_high']:.3f}) of "
        f"{report['counts']['test']}, valid {valid['accuracy']:.3f}; "
        f"{report['seconds']['total']:.0f} s on {os.cpu_count()} CPU cores{note}"
    )


if __name__ == "__main__":
    main()
