import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from tltf.text import _decimals

ALPHABET = "0123456789.-+eE_ ,/:;anif"


def parse(tokens):
    """Returns what the parser makes of tokens, in one text."""
    text, starts, ends = b" " * _decimals.FRONT, [], []
    for token in tokens:
        starts.append(len(text))
        text += token.encode()
        ends.append(len(text))
        text += b" "
    text += b"." * _decimals.BACK
    return _decimals.parse(text, np.array(starts), np.array(ends))


def expected(token):
    """Returns what Python makes of a token of digits, dot, sign and exponent."""
    if set(token) - set("0123456789.+-eE"):
        return math.nan
    try:
        value = float(token)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def same(a, b):
    """Returns whether two arrays agree bit for bit as float32, all NaN alike."""
    with np.errstate(over="ignore"):
        a, b = np.array(a, np.float32), np.array(b, np.float32)
    either = np.isnan(a) & np.isnan(b)
    return bool((either | (a.view(np.int32) == b.view(np.int32))).all())


@settings(deadline=None)
@given(strategies.lists(strategies.text(ALPHABET, min_size=1), min_size=1))
def test_any_token_is_read_as_python_reads_it(tokens):
    assert same(parse(tokens), [expected(token) for token in tokens])


@settings(deadline=None)
@given(strategies.lists(strategies.floats(allow_nan=False, allow_infinity=False)))
def test_the_shortest_text_of_a_float64_is_read_as_its_float32(values):
    assert same(parse(["0", *map(repr, values)]), [0.0, *values])


@settings(deadline=None)
@given(
    strategies.lists(strategies.floats(width=32, allow_nan=False, allow_infinity=False))
)
def test_every_float32_comes_back_from_its_shortest_text(values):
    texts = [str(np.float32(value)) for value in values]
    assert same(parse(["0", *texts]), [0.0, *values])


def test_a_division_in_float32_rounds_as_one_in_float64_does():
    whole = np.arange(10_000_000)  # what a digit and six more can spell
    once = whole.astype(np.float32) / np.float32(1e6)
    assert (once == (whole / 1e6).astype(np.float32)).all()


@settings(deadline=None)
@given(
    strategies.lists(
        strategies.tuples(
            strategies.booleans(),
            strategies.integers(0, 10**16 - 1),
            strategies.integers(0, 16),
        ),
        min_size=1,
    )
)
def test_numbers_with_a_dot_anywhere_are_rounded_once(parts):
    tokens = []
    for negative, digits, behind in parts:
        text = str(digits).rjust(behind, "0")
        cut = len(text) - behind
        tokens.append("-" * negative + text[:cut] + "." + text[cut:])
    assert same(parse(tokens), [expected(token) for token in tokens])


def test_a_hundred_thousand_numbers_as_glove_writes_them_are_exact():
    random = np.random.default_rng(0)
    values = random.normal(size=100_000) * 10.0 ** random.integers(-6, 3, 100_000)
    tokens = [f"{value:.5g}" for value in values]
    assert same(parse(tokens), [float(token) for token in tokens])


NO_NUMBERS = ["-", ".", "-.", "+", "1..2", "1.2.3", "1-2", "--1", "1.2345678.9"]


@pytest.mark.parametrize("token", NO_NUMBERS)
def test_what_only_looks_like_a_number_is_none(token):
    assert math.isnan(parse([token])[0])
    long = "1" * 12 + token + "1"
    assert same(parse([long]), [expected(long)])


def test_sixteen_characters_that_do_not_fit_a_float64_are_exact_too():
    tokens = [f"99.123456789012{last}" for last in range(10)]
    tokens += [f"9999999.9999999{last}" for last in range(10)]
    assert same(parse(tokens), [float(token) for token in tokens])


def test_zero_keeps_its_sign():
    assert np.signbit(parse(["-0", "-0.0", "0", "-0.000000000000"])).tolist() == [
        True,
        True,
        False,
        True,
    ]
