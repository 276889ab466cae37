"""Frames turned, differences down the rows, extremes, higher moments and parts of times; the oracle is pandas."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def table():
    random = np.random.default_rng(31)
    table = pd.DataFrame({"x": random.normal(size=30), "y": random.integers(0, 9, 30).astype(float)})
    table.loc[[4, 22], "y"] = np.nan
    return table


@pytest.fixture
def fr(cut, table):
    return cut(table)


def test_rows_become_columns(fr, table):
    turned = fr.transpose()
    assert turned.names[:2] == ["C1", "C2"]
    np.testing.assert_array_equal(turned.as_data_frame().to_numpy(float), table.to_numpy().T)
    with pytest.raises(H2OValueError):
        H2OFrame(["a"]).transpose()


def test_differences_run_over_partitions(fr, table):
    np.testing.assert_array_equal(fr["x"].difflag1().as_data_frame()["x"], table["x"].diff())
    with pytest.raises(H2OValueError):
        fr.difflag1()


def test_positions_of_extremes(fr, table):
    assert fr.idxmax().getrow() == table.idxmax().tolist()
    assert fr.idxmin().getrow() == table.idxmin().tolist()
    assert math.isnan(fr.idxmin(skipna=False).getrow()[1])
    numbers = table[["x", "y"]].to_numpy()
    for found, oracle, name in (
        (fr.idxmax(axis=1), np.nanargmax, "which.max"),
        (fr.idxmin(axis=1), np.nanargmin, "which.min"),
    ):
        assert found.names == [name]
        np.testing.assert_array_equal(found.as_data_frame()[name], oracle(numbers, axis=1))
    lost = fr.idxmax(axis=1, skipna=False).as_data_frame()["which.max"]
    np.testing.assert_array_equal(lost.isna(), np.isnan(numbers).any(axis=1))
    assert H2OFrame([[None, None], [None, 2]]).idxmax(axis=1).nacnt() == [1]
    with pytest.raises(H2OValueError):
        fr.idxmax(axis=2)


def test_the_largest_and_the_smallest(fr, table):
    top = fr.topN("x", 10)
    assert top.names == ["Original_Row_Indices", "x"]
    assert top.as_data_frame()["x"].tolist() == table["x"].nlargest(3).tolist()
    assert top.as_data_frame()["Original_Row_Indices"].tolist() == table["x"].nlargest(3).index.tolist()
    assert fr.bottomN("y", 20).as_data_frame()["y"].tolist() == table["y"].nsmallest(6).tolist()
    for wrong in (0, 3.3, 101, -1):  # 3.3 percent of 30 rows is less than one row
        with pytest.raises(H2OValueError):
            fr.topN("x", wrong)


def test_the_number_of_the_largest_is_rounded_halves_up():
    fr = H2OFrame([5, 3, 8, 1, 9, 2, 7, 4, 6, 0])
    # What H2O 3.46 gives for ten rows.
    for percent, rows in ((10, 1), (14, 1), (15, 2), (25, 3), (30, 3), (35, 4), (99, 10), (100, 10)):
        assert (fr.topN(0, percent).nrow, fr.bottomN(0, percent).nrow) == (rows, rows)


def test_higher_moments(fr, table):
    for name in table:
        present = table[name].dropna()
        assert fr[name].skewness(na_rm=True)[0] == pytest.approx(stats.skew(present))
        assert fr[name].kurtosis(na_rm=True)[0] == pytest.approx(stats.kurtosis(present, fisher=False))
    assert math.isnan(fr.skewness()[1])
    five = H2OFrame([1, 2, 3, 4, 10])  # H2O 3.46: 1.1384199576606167, 2.788
    assert five.skewness() == pytest.approx([1.1384199576606167])
    assert five.kurtosis() == pytest.approx([2.788])
    for alone in (H2OFrame([5]), H2OFrame([5, 5, 5])):
        assert math.isnan(alone.skewness()[0])
        assert math.isnan(alone.kurtosis()[0])


def test_parts_of_times(cut):
    stamps = pd.Series(pd.to_datetime(["2020-02-29 23:59:58", "1999-12-31 00:00:00", None, "2024-01-01 06:07:08"]))
    fr = cut(pd.DataFrame({"t": stamps}), [2, 2])
    for part in ("year", "month", "day", "hour", "minute", "second"):
        found = getattr(fr, part)()
        assert found.types == {"t": "int"}
        np.testing.assert_array_equal(found.as_data_frame()["t"], getattr(stamps.dt, part))
    np.testing.assert_array_equal(fr.week().as_data_frame()["t"], stamps.dt.isocalendar().week.astype(float))
    assert fr.dayOfWeek().as_data_frame(use_pandas=False)[1:] == [["Sat"], ["Fri"], [""], ["Mon"]]
    with pytest.raises(H2OValueError, match="as_date"):
        H2OFrame([1]).year()


def test_cells_read_one_by_one_are_those_of_the_table(fr, table):
    for name in table:
        for row in range(30):
            cell = fr[row, name]
            assert cell == table[name][row] or math.isnan(cell)
    fr[3, "x"] = 7.5
    assert fr[3, "x"] == 7.5
