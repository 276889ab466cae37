"""One look at a partition before an encoder is made: weighted moments and level responses of stored columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_design import Table, colours

from daskdl.worker.looks import LookRequest, look_task

FRAME = pd.DataFrame(
    {
        "x": [1.0, 2.0, np.nan, 4.0, 8.0],
        "w": [1.0, 2.0, 1.0, np.nan, 0.5],
        "o": [0.5, 0.5, 1.0, 1.0, 2.0],
        "y": [1.0, 3.0, 2.0, 9.0, np.nan],
        "c": colours(["red", "blue", "red", None, "blue"]),
        "k": colours(["green", "red", None, "red", "blue"]),
    }
)
TABLE = Table(FRAME, groups=[["x", "w", "o"], ["y", "c", "k"]])


def look(**words):
    plain = {"numbers": (), "levels": (), "weights": None, "response": None, "offset": None}
    return look_task(LookRequest(**{**plain, **words}), TABLE.chunks, TABLE.where)


def test_moments_of_stored_numbers_are_weighted_and_a_missing_weight_leaves_a_row_out():
    found = look(numbers=("x",), weights="w").numbers["x"]
    assert found.count == 3
    assert found.mean == pytest.approx((1 + 4 + 4) / 3.5)
    assert (found.minimum, found.maximum) == (1.0, 8.0)


def test_a_response_is_looked_at_less_its_offset():
    found = look(numbers=("y",), response="y", offset="o").numbers["y"]
    residual = (FRAME["y"] - FRAME["o"]).dropna()
    assert found.mean == pytest.approx(residual.mean())
    assert found.moments().sigma == pytest.approx(residual.std())


def test_level_responses_of_a_number_leave_missing_rows_out():
    sums = look(levels=(("c", 3),), response="y").levels["c"]
    assert sums.tolist() == [[1, 0, 2], [3, 0, 3]]


def test_a_missing_class_does_not_count_as_class_minus_one():
    sums = look(levels=(("c", 3),), response="k").levels["c"]
    assert sums.tolist() == [[2, 0, 1], [2, 0, 1]]  # blue: red (2) and blue (0); red: green (1) and nothing


def test_looks_at_partitions_merge():
    one = look(numbers=("x",), levels=(("c", 3),), weights="w", response="y")
    both = one.merge(one)
    assert both.numbers["x"].count == 6
    assert both.numbers["x"].mean == pytest.approx(one.numbers["x"].mean)
    np.testing.assert_array_equal(both.levels["c"], 2 * one.levels["c"])


def test_levels_are_counted_and_weighed_with_missing_ones_last():
    found = look(weighed=(("c", 3),), weights="w").weighed["c"]
    order = list(FRAME["c"].cat.categories)
    rows = FRAME.assign(level=FRAME["c"].cat.codes.replace(-1, 3))[FRAME["w"] > 0].groupby("level")["w"]
    for level in range(4):
        group = rows.get_group(level) if level in rows.groups else []
        assert found[:, level].tolist() == [len(group), sum(group)], order
