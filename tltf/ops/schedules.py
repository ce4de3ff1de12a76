"""Learning rates over the steps of a stage, as factors of the peak rate."""

import math


def factor(step: int, steps: int, *, kind: str, warmup: float = 0.0, **fall) -> float:
    """Returns the rate at `step` as a share of the peak rate, 0..1.

    Args:
      step: Number of the step, 0..steps - 1.
      steps: Steps of the whole stage, at least 1.
      kind: `constant`; `step` (falls by `size` every `every` steps); `cosine`
        (to 0); `one_cycle` (cosine from 1/25 up over the first 30 %, then down
        to 1/250,000); `slanted` (linear up over the first 10 %, then linear
        down, between 1/32 and 1); `exponential` (up from `size` to 1, of the
        range test).
      warmup: Share of the steps with a linear rise from 0, before `constant`,
        `step` and `cosine`.
      **fall: `every` (steps) and `size` (0..1) of kind `step`; `size` of
        `exponential`.

    Source:
      one_cycle: Smith 2018 (arXiv:1803.09820) with fastai's div=25,
      div_final=1e5 (peak / div / 1e4 in its code's terms), pct_start=.3;
      slanted: Howard & Ruder 2018 (arXiv:1801.06146), equation 3, with
      cut_frac=.1 and ratio=32.
    """
    if kind == "one_cycle":
        return _one_cycle(step / max(steps - 1, 1))
    if kind == "slanted":
        return _slanted(step, steps)
    if kind == "exponential":
        return fall["size"] ** (1 - step / max(steps - 1, 1))
    rise = round(warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    if kind == "step":
        return fall["size"] ** (step // fall["every"])
    if kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))
    return 1.0


def _one_cycle(done: float) -> float:
    if done < 0.3:
        return _between(1 / 25, 1.0, done / 0.3)
    return _between(1.0, 1 / 250_000, (done - 0.3) / 0.7)


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))


def _slanted(step: int, steps: int) -> float:
    cut = max(math.floor(steps * 0.1), 1)
    up = step < cut
    share = step / cut if up else 1 - (step - cut) / max(steps - cut, 1)
    return (1 + share * (32 - 1)) / 32
