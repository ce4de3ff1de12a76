"""Rates over the steps of a stage."""

import hypothesis
import pytest
from hypothesis import strategies as st

from tltf.ops import schedules

KINDS = ["constant", "step", "cosine", "one_cycle", "slanted"]


@hypothesis.given(
    kind=st.sampled_from(KINDS),
    steps=st.integers(1, 500),
    warmup=st.floats(0, 0.9),
    data=st.data(),
)
def test_a_factor_is_between_0_and_1(kind, steps, warmup, data):
    step = data.draw(st.integers(0, steps - 1))
    fall = {"every": 7, "size": 0.1}
    value = schedules.factor(step, steps, kind=kind, warmup=warmup, **fall)
    assert 0 <= value <= 1


def test_step_falls_by_its_size():
    values = [
        schedules.factor(s, 15, kind="step", every=10, size=0.1) for s in range(15)
    ]
    assert values == pytest.approx([1.0] * 10 + [0.1] * 5)


def test_slanted_has_the_papers_values():
    # equation 3 with T=100, cut_frac=.1, ratio=32: cut = 10
    assert schedules.factor(0, 100, kind="slanted") == pytest.approx(1 / 32)
    assert schedules.factor(5, 100, kind="slanted") == pytest.approx((1 + 15.5) / 32)
    assert schedules.factor(10, 100, kind="slanted") == pytest.approx(1.0)
    assert schedules.factor(55, 100, kind="slanted") == pytest.approx((1 + 15.5) / 32)


def test_one_cycle_peaks_after_three_tenths():
    values = [schedules.factor(s, 101, kind="one_cycle") for s in range(101)]
    assert max(range(101), key=values.__getitem__) == 30
    assert values[0] == pytest.approx(1 / 25)
    assert values[-1] == pytest.approx(1 / 250_000)


def test_cosine_is_half_way_down_half_way_through():
    assert schedules.factor(50, 100, kind="cosine") == pytest.approx(0.5)


def test_warmup_rises_in_equal_steps():
    values = [schedules.factor(s, 10, kind="constant", warmup=0.4) for s in range(10)]
    assert values == pytest.approx([0.2, 0.4, 0.6, 0.8] + [1.0] * 6)
