"""Chooses the engine that runs a frozen encoder soonest."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from absl import logging

from tltf import errors, registry

ALWAYS = "tensorflow"
# Largest difference from the encoder's own output, in parts of that output's
# largest number; measured on MobileNetV2: 4e-7, and 2e-3 for bfloat16.
TOLERANCE = {"float32": 1e-4, "bfloat16": 2e-2}


def usable(engine: str, precision: str) -> tuple[str, str]:
    """Returns engine and precision that can be had, the same unless engine is auto.

    With `auto`, bfloat16 gives way to float32 where no engine has it, and the
    log says so.

    Raises:
      UserError: No such engine or precision, or the engine cannot be used.
    """
    if precision not in TOLERANCE:
        what = f"no precision {precision!r} for features"
        raise errors.UserError(registry.unknown(what, precision, list(TOLERANCE)))
    if engine != "auto":
        reason = registry.find("engines", engine).available(precision)
        if reason:
            raise errors.UserError(f"engine {engine!r}: {reason}, or take engine auto")
    elif not any(_candidates(precision)):
        logging.warning("features in float32: no engine for %s here", precision)
        return engine, "float32"
    return engine, precision


def compile(
    encoder, *, engine: str, precision: str, batch: int, count: int, built: dict
) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Returns the engine taken and its forward pass.

    Args:
      encoder: Model {"image"} -> {"vector", ...}, of fixed side.
      engine: A file under tltf/engines, or `auto`: the one that would be done
        first, building included.
      precision: float32 or bfloat16.
      batch: Images a call.
      count: Images to come, which `auto` weighs against the time to build.
      built: Forward passes by (engine, precision, batch); what is made is added.

    Returns:
      Name of the engine, and float32 `[batch, side, side, 3]` to float32
      `[batch, features]`, which was compared with the encoder on two images.

    Raises:
      UserError: The engine asked for cannot run this encoder. `auto` takes the
        next one instead, and the log names engine and reason.
    """
    ready = {name for name, *form in built if form == [precision, batch]}
    work = multiplications(encoder) * count
    for name in [engine] if engine != "auto" else ranked(precision, work, ready):
        try:
            if name not in ready:
                made = _checked(encoder, name, precision, batch)
                built[name, precision, batch] = made
            return name, built[name, precision, batch]
        except errors.UserError as error:
            if engine != "auto":
                raise
            logging.warning("%s; taking the next engine", error)
    raise errors.UserError(f"no engine can run this encoder in {precision}")


def ranked(precision: str, work: float, ready: set[str]) -> list[str]:
    """Returns the usable engines, the one expected to be done first in front.

    Args:
      precision: float32 or bfloat16.
      work: Multiplications to come, over all images.
      ready: Engines that need not be built any more.
    """
    if precision == "float32" and tf.config.list_physical_devices("GPU"):
        return [ALWAYS]  # the others would run on the CPU

    def seconds(name: str) -> float:
        build, pace = registry.find("engines", name).COST[precision]
        return build * (name not in ready) + pace * work / 1e9

    return sorted(_candidates(precision), key=seconds)


def multiplications(model) -> int:
    """Returns the multiplications of one forward pass, of layers with kernels."""
    total = 0
    for layer in model.layers:
        if hasattr(layer, "layers"):
            total += multiplications(layer)
        elif layer.weights and hasattr(layer.output, "shape"):
            places = math.prod(layer.output.shape[1:-1])
            sizes = (math.prod(w.shape) for w in layer.weights if len(w.shape) > 1)
            total += places * sum(sizes)
    return total


def _candidates(precision: str) -> Iterator[str]:
    for name in registry.names("engines"):
        if registry.find("engines", name).available(precision) is None:
            yield name


def _checked(encoder, name: str, precision: str, batch: int) -> Callable:
    try:
        forward = registry.find("engines", name).compile(
            encoder, batch=batch, precision=precision
        )
        if name != ALWAYS:
            _compare(encoder, forward, precision, batch)
    except Exception as error:  # converters raise what they like
        cause = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise errors.UserError(
            f"engine {name!r} cannot run this encoder ({cause}); take engine {ALWAYS!r}"
        ) from error
    return forward


def _compare(encoder, forward: Callable, precision: str, batch: int) -> None:
    shape = (batch, *encoder.inputs[0].shape[1:])
    images = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    want = encoder({"image": images[:2]}, training=False)["vector"].numpy()
    apart, most = np.abs(forward(images)[:2] - want).max(), np.abs(want).max()
    if not apart <= TOLERANCE[precision] * most:
        raise errors.WorkError(f"its features are {apart:.1e} off, of {most:.1e}")
