"""How long a finished run takes for one record, as it is served."""

import pathlib
import time
from collections.abc import Mapping

import numpy as np

_ROUNDS = 21
_WARM = 3


def milliseconds(folders: Mapping[str, pathlib.Path]) -> dict[str, float]:
    """Returns the median time of one record, from its bytes to the answers.

    The graph that `tltf export` saves is asked in this process, without network or
    batching; the runs take turns, so what else the machine does meets all.

    Args:
      folders: Name to a run folder with a network.
    """
    import tensorflow as tf

    from tltf.export import readers, serving
    from tltf.export import run as runs

    asked = {}
    for name, folder in folders.items():
        run = runs.read(folder)
        server = serving.Server(run)
        part = next(iter(runs.parts(run).values()))
        row = runs.answers(part)[1][0]
        asked[name] = server, tf.constant([readers.raw(row)])
    taken: dict[str, list[float]] = {name: [] for name in folders}
    for number in range(_WARM + _ROUNDS):
        for name, (server, record) in asked.items():
            began = time.perf_counter()
            next(iter(server.serve(record).values())).numpy()
            if number >= _WARM:
                taken[name].append(time.perf_counter() - began)
    return {name: round(1e3 * float(np.median(t)), 2) for name, t in taken.items()}
