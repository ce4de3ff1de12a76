"""The main job from data to answers, each step a command that is printed first."""

import argparse
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default=str(ROOT / "configs" / "quickstart.yaml"))
    parser.add_argument("--workdir", default="runs/quick")
    asked = parser.parse_args()
    run, models = f"{asked.workdir}/train", f"{asked.workdir}/saved_models"
    began = time.monotonic()
    tltf("train", f"--config={asked.config}", f"--workdir={run}", "--resume")
    tltf("evaluate", f"--workdir={run}")
    methods = "--methods=hog,standard,freeze"
    folder = f"--workdir={asked.workdir}/compare"
    tltf("compare", f"--config={asked.config}", folder, methods)
    tltf("export", f"--workdir={run}", f"--saved_models={models}", "--name=quick")
    tltf("predict", f"--model={models}/quick", "--top=3", *pictures(run))
    print(f"\nquick start: {time.monotonic() - began:.0f} s")


def tltf(verb: str, *arguments: str) -> None:
    print(f"\n$ tltf {verb} {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", "tltf.cli", verb, *arguments], check=True)


def pictures(run: str) -> list[str]:
    """Returns the files of three test records of different classes."""
    import json

    rows = (pathlib.Path(run) / "answers_test.jsonl").read_text().split("\n")[:-1]
    found = {}
    for row in map(json.loads, rows):
        found.setdefault(row["label"], row["file"])
    return list(found.values())[:3]


if __name__ == "__main__":
    main()
