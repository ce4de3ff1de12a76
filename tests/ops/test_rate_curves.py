"""Smoothing of the range test's losses, and what is read from them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tltf.ops import rate_curves, schedules

numbers = st.lists(st.integers(-5, 5), min_size=1, max_size=9)


def test_smoothing_is_the_weighted_mean_of_the_past():
    losses = np.random.default_rng(0).normal(size=30)
    found = rate_curves.smooth(losses, 0.9)
    for step in (0, 7, 29):
        weights = 0.9 ** np.arange(step, -1, -1)
        mean = np.average(losses[: step + 1], weights=weights)
        assert found[step] == pytest.approx(mean)


def test_equal_losses_stay_as_they_are():
    np.testing.assert_allclose(rate_curves.smooth(np.full(200, 0.7)), 0.7)


@settings(max_examples=200, deadline=None)
@given(numbers)
def test_the_valley_is_a_longest_falling_subsequence(losses):
    run = rate_curves.falling(np.array(losses))
    picked = [losses[place] for place in run]
    assert run == sorted(run)
    assert all(a > b for a, b in itertools.pairwise(picked))
    longest = max(
        len(tried)
        for size in range(1, len(losses) + 1)
        for tried in itertools.combinations(losses, size)
        if all(a > b for a, b in itertools.pairwise(tried))
    )
    assert len(run) == longest


def test_suggestions_of_a_curve_known_in_closed_form():
    # a logistic fall around 1e-3 that turns at 1e-1 into a rise
    rates = np.geomspace(1e-6, 1, 601)
    place = np.log10(rates)
    losses = 1 / (1 + np.exp(4 * (place + 3))) + np.maximum(place + 1, 0) * 3
    found = rate_curves.suggest(rates, losses)
    assert found["steepest"] == pytest.approx(1e-3, rel=0.03)
    assert found["minimum_tenth"] == pytest.approx(1e-2, rel=0.03)
    # it falls from the first rate to the least loss: 1e-6 .. 1e-1
    assert found["valley"] == pytest.approx(10**-3.5, rel=0.03)


def test_the_steepest_fall_is_sought_before_the_least_loss_only():
    rates = np.geomspace(1e-3, 1, 7)
    found = rate_curves.suggest(rates, np.array([5, 4, 2, 1, 9, 3, 2.0]))
    assert found["steepest"] == pytest.approx(rates[1])


def test_rates_rise_by_the_same_factor_each_step():
    found = [
        schedules.factor(step, 5, kind="exponential", size=1e-4) for step in range(5)
    ]
    np.testing.assert_allclose(found, np.geomspace(1e-4, 1, 5))
