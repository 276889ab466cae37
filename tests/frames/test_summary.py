"""Summaries: against pandas, and merged in any way."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.chunks.summary import summarise, summarise_integers, summarise_levels, summarise_text

NAN = float("nan")
values = st.lists(st.one_of(st.just(NAN), st.floats(-1e6, 1e6), st.integers(-9, 9).map(float)), max_size=30)


def of(column):
    return summarise(np.array([column], float))[0]


@settings(max_examples=100, deadline=None)
@given(values)
def test_a_summary_agrees_with_pandas(column):
    got, series = of(column), pd.Series(column, dtype=float)
    assert (got.rows, got.missing, got.zeros) == (len(column), series.isna().sum(), (series == 0).sum())
    if got.present:
        assert got.mean == pytest.approx(series.mean(), rel=1e-12, abs=1e-9)
        assert (got.minimum, got.maximum) == (series.min(), series.max())
        assert got.all_integer == bool((series.dropna() % 1 == 0).all())
    else:
        assert math.isnan(got.mean)
        assert math.isnan(got.minimum)
    if got.present > 1:
        assert got.sigma == pytest.approx(series.std(), rel=1e-9, abs=1e-7)
    else:
        assert math.isnan(got.sigma)
    assert got.is_constant == (series.nunique() <= 1)


@settings(max_examples=100, deadline=None)
@given(values, values, values)
def test_summaries_of_parts_merge_to_that_of_the_whole(a, b, c):
    whole, left, right = of(a + b + c), of(a).merge(of(b)).merge(of(c)), of(a).merge(of(b).merge(of(c)))
    for got in (left, right):
        assert got[:3] == whole[:3]
        np.testing.assert_allclose([got.mean, got.m2], [whole.mean, whole.m2], rtol=1e-9, atol=1e-4)
        np.testing.assert_array_equal(got[5:7], whole[5:7])
        assert got.all_integer == whole.all_integer


def test_the_spread_survives_a_large_mean():
    column = 1e9 + np.arange(1000) / 1000
    merged = of(column[:10]).merge(of(column[10:]))
    assert merged.sigma == pytest.approx(np.std(np.arange(1000) / 1000, ddof=1), rel=1e-6)


def test_columns_of_a_tile_do_not_mix():
    first, second = summarise(np.array([[1.0, NAN], [0.5, 2.0]]))
    assert (first.mean, first.missing, first.all_integer) == (1.0, 1, True)
    assert (second.mean, second.missing, second.all_integer) == (1.25, 0, False)


def test_infinities_do_not_warn_and_are_no_integers():
    got = of([np.inf, 1.0]).merge(of([-np.inf]))
    assert (got.minimum, got.maximum, got.all_integer) == (-np.inf, np.inf, False)


def test_levels_are_counted_and_counts_of_longer_domains_merge():
    left, right = summarise_levels(np.array([0, 0, 1, -1], np.int32), 2), summarise_levels(np.array([3], np.int32), 4)
    assert left.counts.tolist() == [2, 1]
    assert (left.zeros, left.missing, left.minimum, left.maximum) == (2, 1, 0.0, 1.0)
    merged = left.merge(right)
    assert merged.counts.tolist() == [2, 1, 0, 1]
    assert merged.mean == 1.0
    assert merged.sigma == pytest.approx(np.std([0, 0, 1, 3], ddof=1))
    assert right.merge(left).counts.tolist() == [2, 1, 0, 1]


def test_a_missing_level_column_is_constant_and_text_is_not():
    assert summarise_levels(np.array([-1, -1], np.int32), 3).is_constant
    assert not summarise_text(3, 1).is_constant
    assert summarise_text(3, 3).is_constant
    assert summarise_text(3, 1).merge(summarise_text(1, 0))[:2] == (4, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=20))
def test_long_integers_are_summarised(column):
    got = summarise_integers(np.array(column))
    exact_mean = sum(column) / len(column)
    assert got.mean == pytest.approx(exact_mean, rel=1e-9, abs=1e-3 * max(1, max(map(abs, column)) * 1e-9))
    assert (got.minimum, got.maximum, got.zeros) == (min(column), max(column), column.count(0))


def test_unsigned_long_integers_are_summarised():
    assert summarise_integers(np.array([2**63 + 2, 2**63], np.uint64)).m2 == 2.0
