"""Balanced classes: how often each row trains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.encoding.balance import Balance, balance_of, balanced_rows
from frames.exceptions import H2OResponseError

MANY = 1e9  # no limit on the balanced size


def test_the_largest_class_stays_and_the_others_grow_to_it():
    assert balance_of(np.array([90, 10, 30]), None, MANY, 1).factors == pytest.approx((1, 9, 3))


def test_the_balanced_size_is_limited():
    limited = balance_of(np.array([90, 10]), None, 1.5, 1)
    assert np.dot(limited.factors, [90, 10]) == pytest.approx(150)
    assert limited.factors[1] / limited.factors[0] == pytest.approx(9)
    shrunk = balance_of(np.array([90, 10]), None, 0.5, 1)
    assert np.dot(shrunk.factors, [90, 10]) == pytest.approx(50)


def test_given_factors_are_taken_and_must_suit_the_classes():
    assert balance_of(np.array([50, 50]), [0.5, 2.0], MANY, 1).factors == pytest.approx((0.5, 2.0), rel=0.01)
    with pytest.raises(H2OResponseError, match="must have 2 elements"):
        balance_of(np.array([50, 50]), [1.0], MANY, 1)


def test_a_class_without_rows_does_not_disturb_the_others():
    factors = balance_of(np.array([90, 0, 10]), None, MANY, 1).factors
    assert factors[0] == pytest.approx(1)
    assert factors[2] == pytest.approx(9)
    assert np.isfinite(factors).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 500), min_size=2, max_size=5), st.floats(0.3, 20))
def test_no_balance_is_larger_than_allowed(counts, maximum):
    found = balance_of(np.array(counts), None, maximum, 1)
    total = np.dot(found.factors, counts)
    assert total <= maximum * sum(counts) + 1e-6
    shares = np.multiply(found.factors, counts) / total
    np.testing.assert_allclose(shares, 1 / len(counts))


TARGET = np.tile([0.0, 1.0, np.nan, 2.0, 1.0], 2000)


def test_rows_repeat_by_the_whole_part_of_their_factor_and_by_chance_of_the_rest():
    rows = balanced_rows(TARGET, Balance((2.0, 0.25, 1.5), seed=3), partition=0)
    times = np.bincount(rows, minlength=len(TARGET))
    assert (times[TARGET == 0] == 2).all()
    assert times[np.isnan(TARGET)].sum() == 0
    assert set(times[TARGET == 1]) == {0, 1}
    assert times[TARGET == 1].mean() == pytest.approx(0.25, abs=0.03)
    assert set(times[TARGET == 2]) == {1, 2}
    assert times[TARGET == 2].mean() == pytest.approx(1.5, abs=0.05)
    assert (np.diff(rows) >= 0).all()


def test_the_draw_depends_on_seed_and_partition_alone():
    balance = Balance((0.5, 0.5, 0.5), seed=-3)
    first = balanced_rows(TARGET, balance, 0)
    np.testing.assert_array_equal(first, balanced_rows(TARGET, balance, 0))
    for other in (balanced_rows(TARGET, balance, 1), balanced_rows(TARGET, Balance(balance.factors, 4), 0)):
        assert not np.array_equal(first, other)


def test_a_class_that_training_did_not_know_is_left_out():
    assert balanced_rows(np.array([0.0, 2.0, 1.0]), Balance((1.0, 1.0), 1), 0).tolist() == [0, 2]


def test_an_empty_partition_has_no_training_rows():
    assert len(balanced_rows(np.zeros(0), Balance((1.0, 1.0), 1), 0)) == 0


def test_another_draw_of_the_same_seed_takes_other_rows():
    balance = balance_of(np.array([40, 60]), [0.5, 0.5], MANY, 1)
    target = np.repeat([0.0, 1.0], [40, 60])
    first, again = (balanced_rows(target, balance._replace(draw=draw), 0).tolist() for draw in (0, 1))
    assert first != again
    assert balance.counts == (40, 60)
