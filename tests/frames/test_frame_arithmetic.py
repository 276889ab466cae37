"""Operators between frames and values; the oracle is NumPy in doubles."""

import math
import operator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")

OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def numbers(frame):
    return frame.as_data_frame().to_numpy(float)


def expected(sign, left, right):
    """NumPy's answer in doubles: what arithmetic does with missing stays missing, and missing is unequal to all."""
    with np.errstate(all="ignore"):
        result = np.asarray(OPERATORS[sign](left, right), float)
    gap = (np.isnan(left) | np.isnan(right)) if sign == "**" else False  # 1 ** NaN
    return np.where(gap, np.nan, result)


@pytest.fixture
def pair(cut):
    random = np.random.default_rng(1)
    left = pd.DataFrame({"a": random.integers(-4, 5, 12).astype(float), "b": random.normal(size=12)})
    left.loc[[2, 7], "a"] = np.nan
    right = pd.DataFrame({"c": random.integers(1, 5, 12).astype(float), "d": random.normal(size=12)})
    right.loc[[2, 9], "d"] = np.nan
    return left, right, cut(left), cut(right, [5, 7])


@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_work_between_frames_and_with_scalars_on_both_sides(pair, sign):
    left, right, a, b = pair
    x, y = left.to_numpy(), right.to_numpy()
    apply = OPERATORS[sign]
    for found, wanted in (
        (apply(a, b), expected(sign, x, y)),
        (apply(a, 2), expected(sign, x, np.full_like(x, 2))),
        (apply(2.5, b), expected(sign, np.full_like(y, 2.5), y)),
        (apply(a, b["c"]), expected(sign, x, y[:, [0]] + np.zeros_like(x))),
        (apply(b["c"], a), expected(sign, y[:, [0]] + np.zeros_like(x), x)),
    ):
        np.testing.assert_allclose(numbers(found), wanted, rtol=1e-15)
    assert apply(a, b).names == ["a", "b"]


def test_one_row_on_the_right_serves_all_rows(pair):
    left, _, a, _ = pair
    centred = a - a.mean(return_frame=True)
    np.testing.assert_allclose(numbers(centred), (left - left.mean()).to_numpy(), rtol=1e-12, atol=1e-15)


def test_numpy_scalars_on_the_left_leave_the_work_to_the_frame(pair):
    left, _, a, _ = pair
    np.testing.assert_array_equal(numbers(np.float64(2) * a), 2 * left.to_numpy())


def test_logic_keeps_missing_where_the_answer_is_open(cut):
    table = pd.DataFrame({"x": [0, 1, np.nan] * 3, "y": np.repeat([0, 1, np.nan], 3)})
    fr = cut(table)
    np.testing.assert_array_equal(numbers(fr["x"] & fr["y"]).ravel(), [0, 0, 0, 0, 1, np.nan, 0, np.nan, np.nan])
    np.testing.assert_array_equal(numbers(fr["x"] | fr["y"]).ravel(), [0, 1, np.nan, 1, 1, 1, np.nan, 1, np.nan])
    np.testing.assert_array_equal(numbers(~fr["x"]).ravel(), [1, 0, np.nan] * 3)
    np.testing.assert_array_equal(numbers(fr["x"].logical_negation()), numbers(~fr["x"]))
    assert (fr["x"] & fr["y"]).types == {"x": "int"}


def test_signs():
    fr = H2OFrame({"x": [1, -2]})
    assert numbers(-fr).ravel().tolist() == [-1, 2]
    assert numbers(+fr).ravel().tolist() == [1, -2]
    assert numbers(abs(fr)).ravel().tolist() == [1, 2]


# ---- levels and text -------------------------------------------------------------------------------------------------
def test_levels_compare_with_text_and_with_other_domains(cut):
    table = pd.DataFrame({"u": ["a", "b", None, "c"], "v": ["b", "b", "a", None]})
    fr = cut(table, [2, 2])
    np.testing.assert_array_equal(numbers(fr["u"] == "a").ravel(), [1, 0, 0, 0])
    np.testing.assert_array_equal(numbers(fr["u"] != "a").ravel(), [0, 1, 1, 1])
    np.testing.assert_array_equal(numbers(fr["u"] == "nobody").ravel(), [0, 0, 0, 0])
    np.testing.assert_array_equal(numbers(fr["u"] == fr["v"]).ravel(), [0, 1, 0, 0])
    np.testing.assert_array_equal(numbers(fr["u"] != fr["v"]).ravel(), [1, 0, 1, 1])
    np.testing.assert_array_equal(numbers(fr == "b"), [[0, 1], [1, 1], [0, 0], [0, 0]])


def test_strings_compare_with_text_and_with_strings():
    fr = H2OFrame({"u": ["b", None, "x"], "v": ["b", "c", "y"]}, column_types=["string", "string"])
    np.testing.assert_array_equal(numbers(fr["u"] == "b").ravel(), [1, 0, 0])
    np.testing.assert_array_equal(numbers(fr["u"] != "b").ravel(), [0, 1, 1])
    np.testing.assert_array_equal(numbers(fr["u"] == fr["v"]).ravel(), [1, 0, 0])
    np.testing.assert_array_equal(numbers(fr["u"] < "c").ravel(), [1, 0, 0])
    np.testing.assert_array_equal(numbers(fr["u"] < fr["v"]).ravel(), [0, 0, 1])


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT, np.datetime64("NaT")])
def test_equal_to_missing_asks_for_missing_cells(cut, missing):
    table = pd.DataFrame({"x": [1, np.nan, 3, 0], "e": ["a", "b", None, None], "s": ["u", None, "w", "x"]})
    fr = cut(table, [1, 0, 3])
    fr["s"] = fr["s"].ascharacter()
    np.testing.assert_array_equal(numbers(fr == missing), table.isna().to_numpy())
    np.testing.assert_array_equal(numbers(fr != missing), table.notna().to_numpy())
    assert set((fr == missing).types.values()) == {"int"}
    assert fr[fr["x"] != missing, "x"].nrow == 3


def test_missing_beside_other_operators():
    fr = H2OFrame({"x": [1, 2]})
    assert (fr + math.nan).nacnt() == [2]
    assert numbers(fr < math.nan).ravel().tolist() == [0, 0]
    assert fr in {fr}
    for attempt in (lambda: fr + None, lambda: fr < None, lambda: fr & None):
        with pytest.raises(H2OTypeError, match="== None"):
            attempt()


def test_wrong_operands_are_refused():
    fr = H2OFrame({"x": [1, 2], "e": ["a", "b"]})
    for attempt in (
        lambda: fr + 1,
        lambda: fr["e"] * 2,
        lambda: fr["e"] < "b",
        lambda: fr["x"] == "a",
        lambda: fr["x"] + "a",
        lambda: fr["x"] + H2OFrame([1, 2, 3]),
        lambda: fr[["x", "x"]] + H2OFrame([[1, 2, 3], [4, 5, 6]]),
    ):
        with pytest.raises(H2OValueError):
            attempt()
    with pytest.raises(H2OTypeError):
        fr["x"] + [1, 2]
    with pytest.raises(H2OTypeError):
        fr["x"] + object()


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(sorted(OPERATORS)),
    st.lists(st.tuples(st.floats(-1e6, 1e6) | st.just(np.nan), st.floats(-1e6, 1e6) | st.just(np.nan)), min_size=1),
)
def test_any_two_columns_combine_as_in_numpy(sign, rows):
    x, y = np.array(rows, float).T
    fr = H2OFrame(np.array(rows, float))
    found = numbers(OPERATORS[sign](fr[0], fr[1])).ravel()
    np.testing.assert_array_equal(found, expected(sign, x, y))
