"""One process of a run of several: `one_worker.py RECIPE WORKDIR ADDRESS ADDRESS N`.

Prints its weights' digest; without addresses it trains alone.
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
    recipe, workdir, *hosts = sys.argv[1:]
    if hosts:
        *hosts, number = hosts
        task = {"type": "worker", "index": int(number)}
        os.environ["TF_CONFIG"] = json.dumps(
            {"cluster": {"worker": hosts}, "task": task}
        )
    made, real = [], network.build

    def build(*arguments, **options):
        made.append(real(*arguments, **options))
        return made[-1]

    network.build = build
    kind = "multi_worker" if hosts else "none"
    train.train(recipe, workdir, resume=True, distribution=kind)
    digest = hashlib.sha256()
    for variable in made[0].model.weights:
        digest.update(variable.numpy().tobytes())
    sys.stdout.write(digest.hexdigest() + "\n")


if __name__ == "__main__":
    main()
