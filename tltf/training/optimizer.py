"""One optimizer for each layer group, under one global gradient norm."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tltf import specs
from tltf.ops import schedules

# Decay pulls weights to zero; offsets and scales of normalisation have no
# reason to be there.
_NOT_DECAYED = ("bias", "beta", "gamma")


@keras.saving.register_keras_serializable(package="tltf")
class Rates(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate for each step, from a table.

    Args:
      rates: float32 `[steps]`; the last one holds after the end.
    """

    def __init__(self, rates: Sequence[float]):
        super().__init__()
        self.rates = np.asarray(rates, np.float32)

    def __call__(self, step):
        last = len(self.rates) - 1
        return tf.gather(self.rates, tf.minimum(tf.cast(step, tf.int32), last))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"rates": self.rates.tolist()}


class _Clipped(keras.optimizers.MultiOptimizer):
    """Clips the norm of all gradients together, then hands them to the groups."""

    def __init__(self, optimizer_map, clip: float | None):
        super().__init__(optimizer_map)
        self._clip = clip

    def apply(self, grads, trainable_variables=None):
        if self._clip:
            grads, _ = tf.clip_by_global_norm(grads, self._clip)
        super().apply(grads, trainable_variables)


def build(chosen: Mapping[str, list], stage, settings, *, steps: int, precision: str):
    """Returns an optimizer with `stage.decay` times lower rates for each group down.

    Args:
      chosen: Group to weights, topmost group first.
      stage: A `specs.Stage`.
      settings: A `specs.Optimizer`.
      steps: Steps an epoch.
      precision: float16 adds loss scaling.

    Source:
      Rates that fall by a factor for each group: Howard & Ruder 2018
      (arXiv:1801.06146), section 3.2, discriminative fine-tuning.
    """
    table = factors(stage, steps)
    made = [
        _single(settings, table * stage.rate * stage.decay**depth)
        for depth, _ in enumerate(chosen)
    ]
    rule = keras.optimizers.OptimizerMap(made[0])
    for single, weights in zip(made, chosen.values(), strict=True):
        for weight in weights:
            rule[weight.path] = single
    whole = _Clipped(rule, settings.clip_norm)
    if precision == "float16":
        whole = keras.optimizers.LossScaleOptimizer(whole)
    whole.build([weight for weights in chosen.values() for weight in weights])
    return whole


def factors(stage: specs.Stage, steps: int) -> np.ndarray:
    """Returns the share of the peak rate at each step of a stage, float `[steps]`."""
    fall = {"every": stage.step_epochs * steps, "size": stage.step_factor}
    total = stage.epochs * steps
    return np.array(
        [
            schedules.factor(
                step, total, kind=stage.schedule, warmup=stage.warmup, **fall
            )
            for step in range(total)
        ]
    )


def _single(settings: specs.Optimizer, rates: np.ndarray) -> keras.Optimizer:
    rate = Rates(rates)
    decay = settings.weight_decay or None
    if settings.name == "sgd":
        made = keras.optimizers.SGD(
            rate, settings.momentum, settings.nesterov, weight_decay=decay
        )
    elif settings.name == "rmsprop":
        made = keras.optimizers.RMSprop(
            rate, momentum=settings.momentum, weight_decay=decay
        )
    elif settings.name == "adam":
        made = keras.optimizers.Adam(rate, weight_decay=decay)
    else:
        made = keras.optimizers.AdamW(rate, weight_decay=decay or 0.0)
    if decay:
        made.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))
    return made
