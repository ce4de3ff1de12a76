"""What runs of one process share of a frozen encoder: its view of the valid split."""

import contextlib
import contextvars
import json
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from tltf.data import features
from tltf.training import job, loop
from tltf.training import network as networks

# of head-only runs beside one another, as many kinds of vectors as images are shown
_MOST = 4
_KEPT: contextvars.ContextVar[dict | None] = contextvars.ContextVar(
    "kept", default=None
)


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Lets the runs inside the block share vectors of the valid split."""
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def scorer(task_job: job.Job, network: networks.Network) -> Callable | None:
    """Returns a function of the valid table to logits, as `job.scorer`, that runs a
    frozen encoder once for all runs of a `shared` block; None outside of one, and
    where the encoder has learnt.

    The vectors are those of the network itself, not of an engine for features: the
    logits differ from the network's by no more than the order of its sums.

    Args:
      task_job: The run.
      network: Trained.
    """
    kept, recipe = _KEPT.get(), task_job.recipe
    learnt = any(stage.train != ("head",) for stage in recipe.stages or ())
    if kept is None or learnt or recipe.method in ("standard", "ulmfit"):
        return None
    if recipe.tta > 1 or not networks.cacheable([recipe.head]):
        return None
    run = loop.logits(network.head)

    def logits(table) -> np.ndarray:
        key = _key(task_job, network)
        if key not in kept:
            while len(kept) >= _MOST:
                del kept[next(iter(kept))]
            kept[key] = _vectors(task_job, network, table)
        batches = tf.data.Dataset.from_tensor_slices(kept[key]).batch(recipe.batch)
        return run(batches)

    return logits


def _vectors(task_job, network, table) -> np.ndarray:
    encoder = keras.Model(network.encoder.input, network.encoder.output[network.reads])
    return job.scorer(encoder, task_job.recipe, task_job.codec)(table)


def _key(task_job, network) -> str:
    recipe = task_job.recipe
    about = {
        "weights": features.weights_digest(network.encoder),
        "shown": [recipe.image.model_dump(), recipe.text.model_dump()],
        "words": task_job.words,
        "built": [recipe.backbone, recipe.precision, network.reads],
        "records": task_job.records.part_digests("valid"),
    }
    return json.dumps(about)
