"""Loss over a rising learning rate: smoothing, and the rates it suggests."""

import numpy as np

# of fastai's moving average of training losses (Howard & Gugger 2020,
# arXiv:2002.04688, section 4.2 and its learner.py)
BETA = 0.98


def smooth(losses: np.ndarray, beta: float = BETA) -> np.ndarray:
    """Returns the moving average of losses, float64 `[n]`, without its late start.

    Args:
      losses: Loss of each step, `[n]`.
      beta: Share of the past, 0..1.

    Source:
      Exponential average with the correction of Kingma & Ba 2015
      (arXiv:1412.6980), section 3, as fastai's learning-rate finder has it.
    """
    found, value = [], 0.0
    for step, loss in enumerate(np.asarray(losses, np.float64), 1):
        value = beta * value + (1 - beta) * loss
        found.append(value / (1 - beta**step))
    return np.array(found)


def suggest(rates: np.ndarray, losses: np.ndarray) -> dict[str, float]:
    """Returns learning rates by name: `steepest`, `valley`, `minimum_tenth`.

    Steepest is where, up to its least, the loss falls fastest over the logarithm of
    the rate; valley is the middle of the longest run of steps with ever lower loss;
    minimum_tenth is a tenth of the rate at the least loss.

    Args:
      rates: Rising, `[n]`, n >= 3.
      losses: Smoothed loss at each, `[n]`.

    Source:
      Smith 2015 (arXiv:1506.01186), section 3.3, the test itself; fastai's
      `lr_find` the three readings of its curve.
    """
    logs = np.log(np.asarray(rates, np.float64))
    losses = np.asarray(losses, np.float64)
    run = falling(losses)
    middle = (logs[run[0]] + logs[run[-1]]) / 2
    least = int(np.argmin(losses))
    slopes = np.gradient(losses, logs)[: least + 1]
    return {
        "steepest": float(rates[np.argmin(slopes)]),
        "valley": float(np.exp(middle)),
        "minimum_tenth": float(rates[least] / 10),
    }


def falling(losses: np.ndarray) -> list[int]:
    """Returns the places of the longest strictly falling subsequence, in order; of
    several equally long ones, that which ends first.

    Args:
      losses: `[n]`, n >= 1.
    """
    lengths, before = np.ones(len(losses), int), np.full(len(losses), -1)
    for place in range(1, len(losses)):
        higher = np.flatnonzero(losses[:place] > losses[place])
        if len(higher):
            before[place] = higher[np.argmax(lengths[higher])]
            lengths[place] = lengths[before[place]] + 1
    place, run = int(np.argmax(lengths)), []
    while place >= 0:
        run.append(place)
        place = int(before[place])
    return run[::-1]
