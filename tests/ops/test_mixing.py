"""Orders of several sources."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tltf import errors
from tltf.ops import mixing

KINDS = ("proportional", "sqrt", "temperature", "round_robin")


def pools(sizes):
    bounds = np.cumsum([0, *sizes])
    return [np.arange(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]


def order(sizes, kind, epoch=0, batch=4, seed=3):
    place = (seed, 0, epoch)
    return mixing.order(
        pools(sizes), mixing=kind, temperature=2.0, batch=batch, place=place
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("proportional", [0.9, 0.1]),
        ("sqrt", [0.75, 0.25]),
        ("temperature", [0.75, 0.25]),
        ("round_robin", [0.5, 0.5]),
    ],
)
def test_shares_are_those_of_the_formulas(kind, expected):
    found = mixing.shares([900, 100], mixing=kind, temperature=2.0)
    np.testing.assert_allclose(found, expected)


def test_an_unknown_kind_is_named():
    with pytest.raises(errors.UserError, match="joint.mixing: no 'even'"):
        mixing.shares([1, 2], mixing="even", temperature=1.0)


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    kind=st.sampled_from(KINDS),
    epoch=st.integers(0, 5),
    batch=st.integers(1, 9),
)
def test_an_epoch_has_as_many_records_as_there_are(sizes, kind, epoch, batch):
    rows = order(sizes, kind, epoch, batch)
    assert len(rows) == sum(sizes)
    assert set(rows) <= set(range(sum(sizes)))
    np.testing.assert_array_equal(rows, order(sizes, kind, epoch, batch))


@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=3))
def test_proportional_reads_every_record_once(sizes):
    for epoch in (0, 1):
        rows = order(sizes, "proportional", epoch)
        np.testing.assert_array_equal(np.sort(rows), np.arange(sum(sizes)))


@settings(deadline=None, max_examples=60)
@given(size=st.integers(1, 20), count=st.integers(1, 30), epochs=st.integers(1, 6))
def test_a_stream_repeats_no_record_before_all_have_come(size, count, epochs):
    read = np.concatenate(
        [mixing.stream(size, count, epoch=e, seed=[1]) for e in range(epochs)]
    )
    assert len(read) == count * epochs
    for start in range(0, len(read) - size + 1, size):
        np.testing.assert_array_equal(
            np.sort(read[start : start + size]), np.arange(size)
        )


def test_a_large_source_is_read_on_where_the_epoch_before_stopped():
    sizes = [90, 10]
    epochs = [order(sizes, "round_robin", epoch) for epoch in (0, 1)]
    large = [rows[rows < 90] for rows in epochs]
    left = 90 - len(large[0])
    assert len(large[0]) == 52 and not set(large[0]) & set(large[1][:left])


def test_round_robin_has_one_source_in_a_batch_and_takes_turns():
    rows = order([40, 24, 16], "round_robin", batch=8)
    source = np.digitize(rows, [40, 64])
    batches = source[: len(source) // 8 * 8].reshape(-1, 8)
    assert (batches == batches[:, :1]).all()
    assert batches[:3, 0].tolist() == [0, 1, 2]


def test_other_seeds_and_epochs_give_other_orders():
    first = order([30, 20], "sqrt")
    assert (first != order([30, 20], "sqrt", seed=4)).any()
    assert (first != order([30, 20], "sqrt", epoch=1)).any()


def test_arranged_rows_are_those_of_the_epoch():
    rows = mixing.order(
        pools([9, 5]),
        mixing="proportional",
        temperature=1.0,
        batch=2,
        place=(0, 0, 0),
        arrange=np.sort,
    )
    np.testing.assert_array_equal(rows, np.arange(14))
