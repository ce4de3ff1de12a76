"""One request from its model to its answer, whatever protocol it came by."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tltf.serving import batches, models, status, tensors, version


class Spec(NamedTuple):
    """Which model is asked: the newest version, or the one named."""

    name: str
    number: int | None = None
    label: str = ""


Read = Callable[[version.Version], tuple[str, tensors.Tensors]]


async def ask(
    held: models.Models, spec: Spec, read: Read, *, until: float, beside: bool = False
) -> tuple[models.Ready, tensors.Tensors]:
    """Returns the outputs of a signature and the version that gave them.

    Args:
      held: The models of the server.
      spec: Which one.
      read: Gives signature and inputs of the request as a version takes them.
      until: Time, of `time.monotonic`, after which the caller has left.
      beside: Whether `read` takes long, so that it runs on a thread.

    Raises:
      status.Refused: There is no answer, or none in time.
    """
    while True:
        ready = held.find(*spec)
        if beside:
            name, inputs = await asyncio.to_thread(read, ready.version)
        else:
            name, inputs = read(ready.version)
        try:
            call = held.submit(ready, name, inputs, until)
        except batches.Closed:
            continue  # the version went between the two lines; another has come
        break
    try:
        async with asyncio.timeout(max(0.0, until - time.monotonic())):
            return ready, await asyncio.wrap_future(call.done)
    except TimeoutError:
        raise status.Refused("DEADLINE_EXCEEDED", "no answer in time") from None


def classify_inputs(
    examples: list[bytes], name: str, loaded: version.Version
) -> tuple[str, tensors.Tensors]:
    """Returns signature and inputs for examples.

    Raises:
      status.Refused: The signature is not one that classifies.
    """
    found = loaded.signature(name)
    if list(found.inputs) != ["inputs"]:
        raise status.invalid(
            "Expected one input Tensor with the key inputs in the signature to "
            f"classify; it has {', '.join(found.inputs)}"
        )
    if not set(found.outputs) <= {"classes", "scores"}:
        raise status.invalid(
            "Expected classification signature outputs to be classes and scores. "
            f"Were: {', '.join(found.outputs)}"
        )
    array = np.empty(len(examples), object)
    array[:] = examples
    return name, {"inputs": array}


def classes(outputs: tensors.Tensors, count: int) -> list[list[tuple[str, float]]]:
    """Returns label and score pairs of each example, "" where there are no labels.

    Args:
      outputs: `classes`, string `[n, k]`, or `scores`, float `[n, k]`, or both.
      count: Of the examples.

    Raises:
      status.Refused: They have other shapes.
    """
    for name, value in outputs.items():
        if value.ndim != 2 or len(value) != count:
            raise status.invalid(
                f"Expected {name} of shape [{count}, classes]; it has "
                f"{list(value.shape)}"
            )
    scores, names = outputs.get("scores"), outputs.get("classes")
    if scores is None:
        scores = np.zeros(names.shape, np.float32)
    if names is None:
        names = np.full(scores.shape, b"", object)
    if scores.shape != names.shape:
        raise status.invalid("classes and scores have unlike shapes")
    return [
        [(n.decode("utf-8", "replace"), float(s)) for n, s in zip(*pair, strict=True)]
        for pair in zip(names, scores, strict=True)
    ]
