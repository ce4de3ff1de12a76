"""How the losses of the parts of a network become the one that is learnt from."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tltf import specs


class Balance:
    """One loss from several; the plain sum unless a subclass says otherwise.

    Attributes:
      parts: Number of losses.
      persistent: Whether `update` asks the tape for more gradients.
      optimizer: Of what it learns itself, or None.
    """

    persistent = False
    optimizer: keras.Optimizer | None = None

    def __init__(self, parts: int):
        self.parts = parts

    @property
    def watched(self) -> list:
        """What of its own the tape has to watch."""
        return []

    @property
    def variables(self) -> list:
        """What a checkpoint has to hold."""
        return []

    def under(self, shared) -> "Balance":
        """Returns itself for a stage.

        Args:
          shared: The last weights of the encoder that learn in it, or None.
        """
        return self

    def shares(self) -> list[float]:
        """Returns the present factor of each loss."""
        return [1.0] * self.parts

    def total(self, means: list, counts: list) -> tf.Tensor:
        """Returns the loss to learn from, float32.

        Args:
          means: Mean loss of each part over the records of the batch that carry
            its label; 0 where none does.
          counts: Number of those records.
        """
        return tf.add_n(means)

    def update(self, tape, total, means: list, counts: list, *, summed=list) -> None:
        """Learns from a batch; `tape` recorded `total` and `means`.

        Args:
          tape, total, means, counts: As in `total`.
          summed: Gradients of this replica to those of all; see `training.devices`.
        """
        return  # of a body without a statement, AutoGraph complains


class Sum(Balance):
    """The sum of the losses (deck, "sum of the individual task losses")."""


class Fixed(Balance):
    """The sum of the losses, each times a factor that stays.

    Args:
      factors: One for each part.
    """

    def __init__(self, factors: Sequence[float]):
        super().__init__(len(factors))
        self._factors = [float(factor) for factor in factors]

    def shares(self) -> list[float]:
        return list(self._factors)

    def total(self, means, counts):
        pairs = zip(self._factors, means, strict=True)
        return tf.add_n([factor * mean for factor, mean in pairs])


class Uncertainty(Balance):
    """Each loss over its learnt noise: exp(-s) L + s / 2, half of that L for numbers.

    A part of which the batch has no record is left out, its s as well.

    Args:
      numbers: For each part, whether its loss is squared error.
      rate: Of Adam on s.

    Source:
      Kendall, Gal, Cipolla 2018 (arXiv:1705.07115), section 3.2; s = log sigma ** 2,
      0 at the start.
    """

    persistent = True

    def __init__(self, numbers: Sequence[bool], *, rate: float):
        super().__init__(len(numbers))
        self._halves = [0.5 if number else 1.0 for number in numbers]
        self._noise = keras.Variable(tf.zeros([self.parts]), name="log_variances")
        self.optimizer = keras.optimizers.Adam(rate)
        self.optimizer.build([self._noise])

    @property
    def watched(self):
        return [self._noise.value]

    @property
    def variables(self):
        return [self._noise, *self.optimizer.variables]

    def shares(self):
        noise = keras.ops.convert_to_numpy(self._noise)
        return [
            float(half * tf.exp(-s))
            for half, s in zip(self._halves, noise, strict=True)
        ]

    def total(self, means, counts):
        terms = []
        for number, (mean, count) in enumerate(zip(means, counts, strict=True)):
            noise = self._noise.value[number]
            term = self._halves[number] * tf.exp(-noise) * mean + 0.5 * noise
            terms.append(tf.where(count > 0, term, 0.0))
        return tf.add_n(terms)

    def update(self, tape, total, means, counts, *, summed=list):
        gradient = tape.gradient(total, self._noise.value)
        self.optimizer.apply([gradient], [self._noise])


class GradNorm(Balance):
    """Factors that bring the gradients of the parts to like norms.

    The norm of part i at the last shared weights W is G_i = |d(w_i L_i)/dW|; its
    aim is the mean G times r_i ** alpha, r_i being how far L_i has come down from
    its first value, over the mean of that. The factors then sum to the number of
    parts. Parts of which a batch has no record keep their factor.

    Args:
      parts: Number of losses.
      rate: Of Adam on the factors.
      alpha: 0 brings all norms together, more favours slow parts.

    Source:
      Chen, Badrinarayanan, Lee, Rabinovich 2018 (arXiv:1711.02257), algorithm 1.
    """

    persistent = True

    def __init__(self, parts: int, *, rate: float, alpha: float):
        super().__init__(parts)
        self._shared, self._alpha = None, alpha
        self._factors = keras.Variable(tf.ones([parts]), name="factors")
        self._first = keras.Variable(tf.zeros([parts]), name="first", trainable=False)
        self.optimizer = keras.optimizers.Adam(rate)
        self.optimizer.build([self._factors])

    def under(self, shared):
        # in a stage where the encoder is frozen there is none: the factors stay
        self._shared = shared
        return self

    @property
    def variables(self):
        return [self._factors, self._first, *self.optimizer.variables]

    def shares(self):
        return [float(w) for w in keras.ops.convert_to_numpy(self._factors)]

    def total(self, means, counts):
        return tf.reduce_sum(tf.stop_gradient(self._factors.value) * tf.stack(means))

    def update(self, tape, total, means, counts, *, summed=list):
        if self._shared is None:
            return
        losses, present = tf.stack(means), tf.stack(counts) > 0
        first = self._first.value
        self._first.assign(tf.where(present & (first == 0), losses, first))
        norms = tf.stack([_norm(one) for one in summed(self._gradients(tape, means))])
        factors = self._factors.value
        share = tf.cast(present, tf.float32)
        ratio = tf.math.divide_no_nan(losses, self._first.value) * share
        rate = tf.math.divide_no_nan(ratio, _mean(ratio, share))
        aim = _mean(factors * norms, share) * rate**self._alpha
        # of |w G - aim| with the aim held still, the derivative in w is +-G
        gradient = tf.sign(factors * norms - aim) * norms * share
        self.optimizer.apply([gradient], [self._factors])
        kept = tf.where(present, tf.maximum(self._factors.value, 1e-3), factors)
        self._factors.assign(kept * self.parts / tf.reduce_sum(kept))

    def _gradients(self, tape, means) -> list:
        return [tape.gradient(mean, self._shared.value) for mean in means]


def _norm(gradient):
    return tf.norm(tf.zeros([]) if gradient is None else gradient)


def _mean(values, share):
    return tf.math.divide_no_nan(tf.reduce_sum(values * share), tf.reduce_sum(share))


def build(recipe: specs.Recipe, numbers: Sequence[bool]) -> Balance:
    """Returns the balance that a recipe names.

    Args:
      recipe: Resolved, with parts.
      numbers: For each part, whether its labels are numbers.
    """
    joint, parts = recipe.joint, recipe.parts
    if joint.loss == "fixed":
        return Fixed([part.weight for part in parts])
    if joint.loss == "uncertainty":
        return Uncertainty(numbers, rate=joint.rate)
    if joint.loss == "gradnorm":
        return GradNorm(len(parts), rate=joint.rate, alpha=joint.alpha)
    return Sum(len(parts))


def shared(chosen: Mapping[str, list]) -> Any:
    """Returns the last weights of the encoder that learn and are a matrix, or None.

    Args:
      chosen: Group to weights, topmost group first.
    """
    groups_ = [weights for name, weights in chosen.items() if name != "head"]
    matrices = [w for w in (groups_[0] if groups_ else []) if len(w.shape) > 1]
    return matrices[-1] if matrices else None
