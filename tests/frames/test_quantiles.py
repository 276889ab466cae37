"""Quantiles by counting bins: against NumPy, also where hardly anything may be brought together."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.verbs import quantiles
from frames.verbs.quantiles import Interval, Search, added, counted, keys_of, near, value_of

PROBABILITIES = (0.0, 0.01, 0.25, 0.5, 0.505, 0.9, 1.0)


def searched(pieces, whole=False, weights=None, method="interpolate", probabilities=PROBABILITIES):
    """The quantiles of values in pieces, without a cluster."""
    weights = [None] * len(pieces) if weights is None else weights
    rows = [quantiles._present(piece, own, whole) for piece, own in zip(pieces, weights, strict=True)]
    search = Search(whole, probabilities, [Interval(0, 2**64 - 1, 0.0, sum(len(keys) for keys, _ in rows))])
    passes = 0
    while not search.ready:
        search.narrow(added([counted(keys, own, search.asked) for keys, own in rows]))
        passes += 1
        assert passes <= 16
    asks = (search.asked,)
    columns = [[piece] if own is None else [piece, own] for piece, own in zip(pieces, weights, strict=True)]
    taken = [quantiles._take(*own, asks, len(own) > 1) for own in columns]
    ((keys, own),) = quantiles._together(*taken)
    return search.answers(keys, own, method), passes


@pytest.fixture
def little_room(monkeypatch):
    monkeypatch.setattr(quantiles, "FEW", 10)


NUMBERS = st.floats(allow_nan=False, width=64) | st.sampled_from([0.0, -0.0, 1.0, math.inf, -math.inf, 5e-324])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(NUMBERS | st.just(math.nan), max_size=30), min_size=1, max_size=4), st.sampled_from([0, 10]))
def test_any_doubles_have_the_quantiles_of_numpy_at_the_ranks(lists, few):
    pieces = [np.array(own, float) for own in lists]
    present = np.sort(np.concatenate(pieces))
    present = present[~np.isnan(present)]
    before, quantiles.FEW = quantiles.FEW, few
    try:
        found = [searched(pieces, method=method)[0] for method in ("low", "high")]
    finally:
        quantiles.FEW = before
    for at, p in enumerate(PROBABILITIES):
        if not len(present):
            assert math.isnan(found[0][at])
            continue
        position = (len(present) - 1) * p
        assert found[0][at] == present[math.floor(position)]
        assert found[1][at] == present[math.ceil(position)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(2**53, 2**53 + 9), min_size=1, max_size=60))
def test_integers_beyond_doubles_come_back_exactly(numbers):
    before, quantiles.FEW = quantiles.FEW, 0
    try:
        found, _ = searched([np.array(numbers[::2], np.int64), np.array(numbers[1::2], np.int64)], True, method="low")
    finally:
        quantiles.FEW = before
    assert found[0] == min(numbers)
    assert found[-1] == max(numbers)
    assert found[3] == sorted(numbers)[(len(numbers) - 1) // 2]


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("draw", ["uniform", "lognormal", "ties", "one value", "huge and tiny"])
def test_numpy_agrees_on_many_rows_while_few_are_brought_together(draw):
    rng = np.random.default_rng(5)
    values = {
        "uniform": rng.random(20_000),
        "lognormal": rng.lognormal(sigma=4, size=20_000),
        "ties": rng.integers(0, 5, 20_000).astype(float),
        "one value": np.full(20_000, 2.5),
        "huge and tiny": np.concatenate([rng.random(10_000) * 1e-300, rng.random(10_000) * 1e300]),
    }[draw]
    found, passes = searched(np.array_split(values, 7))
    np.testing.assert_allclose(found, np.quantile(values, PROBABILITIES), rtol=1e-15)
    assert 1 <= passes <= 12


@pytest.mark.usefixtures("little_room")
def test_a_row_of_weight_three_counts_as_three_rows():
    rng = np.random.default_rng(6)
    values, weights = rng.normal(size=5_000), rng.integers(0, 4, 5_000).astype(float)
    weights[:7] = math.nan
    kept = ~np.isnan(weights)
    repeated = np.repeat(values[kept], weights[kept].astype(int))
    found, _ = searched(np.array_split(values, 3), weights=np.array_split(weights, 3))
    np.testing.assert_allclose(found, np.quantile(repeated, PROBABILITIES), rtol=1e-15)


def test_rows_of_no_weight_have_no_quantiles():
    found, _ = searched([np.array([1.0, 2.0])], weights=[np.zeros(2)])
    assert all(math.isnan(value) for value in found)


def test_the_numbers_of_bins_stay_bounded_however_many_quantiles_are_asked():
    values = np.random.default_rng(7).random(50_000)
    search = Search(False, tuple(np.linspace(0, 1, 101)), [Interval(0, 2**64 - 1, 0.0, len(values))])
    keys = keys_of(values, whole=False)
    for _ in range(2):
        bins = counted(keys, None, search.asked)
        assert sum(map(len, bins.rows)) <= 2 * 2**quantiles.BIN_BITS + len(bins.rows)
        search.narrow(bins)


@given(NUMBERS)
def test_a_key_stands_for_its_value(number):
    assert value_of(int(keys_of(np.array([number]), whole=False)[0]), whole=False) == number


KEYS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1])


@settings(max_examples=200, deadline=None)
@given(st.lists(KEYS, max_size=40), st.lists(KEYS, min_size=2, max_size=8, unique=True))
def test_every_key_of_some_intervals_is_found_near_them(keys, ends):
    ends = sorted(ends)
    intervals = [Interval(low, high, 0.0, 0) for low, high in zip(ends[::2], ends[1::2], strict=False)]
    keys += ends

    found = near(np.array(keys, np.uint64), intervals).tolist()

    inside = {at for at, key in enumerate(keys) if any(one.low <= key <= one.high for one in intervals)}
    assert inside <= set(found)
    assert found == sorted(set(found))


def test_most_rows_far_from_all_intervals_are_left_out():
    keys = np.arange(0, 2**40, 2**24, dtype=np.uint64)
    intervals = [Interval(low, low + 2**25, 0.0, 0) for low in (2**30, 2**35, 2**39)]

    assert len(near(keys, intervals)) < len(keys) / 1000
