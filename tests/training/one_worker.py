"""One process of a run of several: `one_worker.py RECIPE WORKDIR ADDRESS ADDRESS N`.

Prints its weights' digest.
"""

import hashlib
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tltf.runs import train
from tltf.training import network


def main() -> None:
    """Trains, resuming what is there."""
    recipe, workdir, *hosts, number = sys.argv[1:]
    task = {"type": "worker", "index": int(number)}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": hosts}, "task": task})
    made, real = [], network.build

    def build(*arguments, **options):
        made.append(real(*arguments, **options))
        return made[-1]

    network.build = build
    train.train(recipe, workdir, resume=True, distribution="multi_worker")
    digest = hashlib.sha256()
    for variable in made[0].model.weights:
        digest.update(variable.numpy().tobytes())
    sys.stdout.write(digest.hexdigest() + "\n")


if __name__ == "__main__":
    main()
