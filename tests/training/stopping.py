"""Runs that are cut short."""

import pytest

from tltf.runs import train
from tltf.training import stages


def stop(recipe, folder, monkeypatch, *, epoch: int) -> None:
    """Trains until the epoch of that number, counted over all stages, would begin."""
    real, calls = stages._epoch, []

    def stopped(*arguments):
        calls.append(arguments)
        if len(calls) == epoch:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(stages, "_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        train.train(recipe, folder)
    monkeypatch.undo()
