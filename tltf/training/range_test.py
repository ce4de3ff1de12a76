"""Learning-rate range test: the rate rises step by step until the loss explodes."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from tltf import errors
from tltf.ops import rate_curves
from tltf.training import groups, loop, stages

# fastai's finder ends where the smoothed loss is this many times its least
_EXPLODED = 4.0
# share of the steps left out of the curve: the average of so few is only noise
_SKIPPED = 0.1
# points that a curve must have to be read
_FEWEST = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What rates a test goes through.

    Attributes:
      low, high: Rates of the first and the last step, of the topmost group.
      steps: Of one test.
      restarts: Tests from the same weights, each with records in another order.
    """

    low: float = 1e-7
    high: float = 10.0
    steps: int = 100
    restarts: int = 3


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """One test.

    Attributes:
      seed: Of the order of the records.
      rates, losses, smoothed: Of each step that was done, `[n]`.
      skipped: Steps at the start that suggestions leave out.
      stopped: Why it ended before its last step, or "".
    """

    seed: int
    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    skipped: int
    stopped: str

    def suggestions(self) -> dict[str, float]:
        """Returns what `rate_curves.suggest` reads from the curve."""
        kept = slice(self.skipped, None)
        return rate_curves.suggest(self.rates[kept], self.smoothed[kept])


def run(setting: stages.Setting, number: int, plan: Plan) -> list[Curve]:
    """Returns a curve for each restart of a stage, and leaves the network as it was.

    Weights, statistics of normalisation, states of random layers, optimizer slots
    and weights of losses are put back bit by bit after each restart.

    Args:
      setting: The run; its feed and its step are the ones of training.
      number: Of the stage, from 0. Earlier ones must have been trained.
      plan: The rates.

    Raises:
      WorkError: The loss explodes within the first steps.

    Source:
      Smith 2015 (arXiv:1506.01186), section 3.3.
    """
    recipe = setting.recipe
    stage = recipe.stages[number]
    network = setting.network
    chosen = groups.select(
        network.model, network.backbone, stage.train, norm=recipe.norm
    )
    feed = setting.feed(stage)
    rising = {
        "schedule": "exponential",
        "rate": plan.high,
        "step_factor": plan.low / plan.high,
        "warmup": 0.0,
        "epochs": 1,
    }
    stage = stage.model_copy(update=rising)
    learner = stages.learner_of(setting, chosen, stage, feed, plan.steps)
    curves = []
    for seed in range(recipe.seed, recipe.seed + plan.restarts):
        batches = _epochs(feed, recipe, number, seed)
        with restored(learner):
            curves.append(_curve(learner, batches, plan, seed))
    return curves


@contextlib.contextmanager
def restored(learner: loop.Learner) -> Iterator[None]:
    """Puts everything that a step changes back when the block ends."""
    variables = [
        *learner.model.variables,
        *learner.optimizer.variables,
        *learner.averages,
        learner.steps,
        *learner.balance.variables,
    ]
    before = [variable.numpy() for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def _epochs(feed, recipe, number: int, seed: int) -> Iterator:
    for epoch in itertools.count():
        yield feed.epoch(seed=seed, stage=number, epoch=epoch, batch=recipe.batch)


def _curve(learner, epochs, plan: Plan, seed: int) -> Curve:
    rates = np.geomspace(plan.low, plan.high, plan.steps)
    losses, stopped = [], ""
    for rate, loss in zip(rates, _losses(learner, epochs), strict=False):
        where = f"at step {len(losses) + 1} of {plan.steps}, rate {rate:.3g}"
        if not np.isfinite(loss):
            stopped = f"the loss is {loss} {where}"
            break
        losses.append(loss)
        smoothed = rate_curves.smooth(losses)
        if 0 < _EXPLODED * smoothed.min() < smoothed[-1]:
            stopped = f"the loss is {_EXPLODED:g} times its least {where}"
            break
    skipped = int(plan.steps * _SKIPPED)
    if len(losses) < skipped + _FEWEST:
        raise errors.WorkError(
            f"lr_find: {stopped or 'too few steps'}: no curve to read; lower --low "
            "or take more --steps"
        )
    return Curve(
        seed=seed,
        rates=rates[: len(losses)],
        losses=np.array(losses),
        smoothed=smoothed,
        skipped=skipped,
        stopped=stopped,
    )


def _losses(learner: loop.Learner, epochs) -> Iterator[float]:
    graph = loop.step(learner)
    for batches in epochs:
        learn = graph(batches.element_spec)
        for batch in batches:
            sums, counts = learn(*batch)
            # of several parts: the sum of their means
            yield float(np.sum(sums.numpy() / np.maximum(counts.numpy(), 1.0)))
