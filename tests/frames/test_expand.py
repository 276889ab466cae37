"""The pandas and Dask faces of a frame: kinds of columns, and nothing lost on the way."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from frames.export.dask_face import level_values
from frames.frame import H2OFrame


@pytest.fixture
def factor(client):
    """A frame with one enum column `e` of these texts."""

    def build(texts):
        return H2OFrame({"e": texts}, column_types={"e": "enum"})

    return build


@pytest.mark.parametrize(
    ("domain", "values"),
    [
        (["0", "1"], np.array([0, 1])),
        (["10", "-3", "9007199254740993"], np.array([10, -3, 2**53 + 1])),
        (["0.5", "2", "1e+300"], np.array([0.5, 2.0, 1e300])),
        (["inf", "1"], np.array([np.inf, 1.0])),
        (["False", "True"], np.array([False, True])),
        (["True", "False"], np.array([True, False])),
    ],
)
def test_levels_that_are_all_values_of_python_become_these(domain, values):
    found = level_values(domain)
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize(
    "domain",
    [
        ["0", "1", "a"],
        ["007", "7"],
        ["1", "1.0"],
        ["1.50", "2"],
        ["-0", "0"],
        ["1e3"],
        [" 1", "2"],
        ["1_000"],
        ["+1"],
        ["nan", "1"],
        ["NA", "1"],
        ["", "1"],
        ["99999999999999999999"],
        ["-9223372036854775808"],
        ["TRUE", "FALSE"],
        ["True"],
        ["True", "False", "maybe"],
        ["2020-01-01"],
        ["\u0661"],
        [],
    ],
    ids=repr,
)
def test_levels_that_a_number_would_not_give_back_stay_text(domain):
    found = level_values(domain)
    assert found.dtype == object
    assert found.tolist() == domain


def test_predicted_classes_that_are_numbers_can_be_compared_with_numbers(factor):
    frame = factor(["0", "1", "1"])
    shown = frame.as_data_frame()
    assert shown["e"].dtype == np.int64
    assert (shown["e"] == 1).tolist() == [False, True, True]
    assert frame.as_data_frame(use_multi_thread=True).equals(shown)
    # The levels decide, not the rows that happen to be there.
    assert frame[frame["e"] == "1"].as_data_frame()["e"].dtype == np.int64
    assert frame[frame["e"] == "2"].as_data_frame()["e"].dtype == np.int64


@pytest.mark.parametrize(
    ("texts", "dtype", "values"),
    [
        (["0", None, "1"], "float64", [0, np.nan, 1]),
        (["0.5", None, "2"], "float64", [0.5, np.nan, 2]),
        (["9007199254740993", None, "1"], "Int64", [2**53 + 1, pd.NA, 1]),
        (["True", None, "False"], "boolean", [True, pd.NA, False]),
        (["True", "False", "True"], "bool", [True, False, True]),
    ],
)
def test_missing_levels_keep_the_others_exact(factor, texts, dtype, values):
    shown = factor(texts).as_data_frame()["e"]
    assert shown.dtype == dtype
    pd.testing.assert_series_equal(shown, pd.Series(values, dtype=dtype, name="e"))


def test_long_integers_beside_missing_ones_are_not_rounded(cut):
    longs = pd.DataFrame({"i": pd.array([2**63 - 1, None, -(2**53) - 1, 0, 5, 6, 7, 8, 9, 10], "Int64")})
    frame = cut(longs)
    assert len(frame.placement().rows) > 1
    pd.testing.assert_frame_equal(frame.as_data_frame(), longs)
    face = frame.ddf
    assert face["i"].dtype == "Int64"
    pd.testing.assert_frame_equal(face.compute(), longs, check_index_type=False)
    assert face.partitions[1].compute()["i"].dtype == "Int64"  # also where the long ones are elsewhere


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2**62], "int64"),
        ([1, None], "float64"),
        ([2**53 - 1, None], "float64"),
        ([2**53 + 1, None], "Int64"),
        ([1e20, 1.0], "float64"),
    ],
)
def test_integers_are_shown_in_the_plainest_dtype_that_holds_them(client, values, dtype):
    frame: Any = H2OFrame({"i": values}, column_types={"i": "int"})
    assert frame.types == {"i": "real" if 1e20 in values else "int"}
    assert frame.as_data_frame()["i"].dtype == dtype
    assert frame.ddf.compute()["i"].dtype == dtype
    assert [None if pd.isna(v) else v for v in frame.as_data_frame()["i"]] == values


def test_texts_with_surrogates_reach_pandas(client):
    texts = ["\ud800", "é", None]
    frame: Any = H2OFrame({"s": texts, "e": texts}, column_types={"s": "string", "e": "enum"})
    for table in (frame.as_data_frame(), frame.ddf.compute()):
        for name in ("s", "e"):
            assert [None if pd.isna(v) else v for v in table[name]] == texts


def test_nothing_is_warned_of_when_there_is_nothing_to_say(factor):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert factor(["a", None]).as_data_frame()["e"].isna().tolist() == [False, True]
