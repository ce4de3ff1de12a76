"""Moving averages of weights, where those that learn stand."""


class InPlace:
    """Puts the averages in place of the weights; back on exit unless kept."""

    def __init__(self, learner, *, keep: bool = False):
        self._pairs = list(zip(learner.averages, learner.weights, strict=False))
        self._keep = keep

    def __enter__(self) -> None:
        self._before = [weight.numpy() for _, weight in self._pairs]
        for average, weight in self._pairs:
            weight.assign(average)

    def __exit__(self, *_) -> None:
        if not self._keep:
            for (_, weight), value in zip(self._pairs, self._before, strict=True):
                weight.assign(value)
