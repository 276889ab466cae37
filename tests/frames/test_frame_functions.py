"""Functions of every cell; the oracles are NumPy, SciPy and pandas."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import special

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")


def column(frame):
    return frame.as_data_frame().iloc[:, 0].to_numpy(float)


@pytest.fixture
def x():
    values = np.random.default_rng(2).uniform(0.05, 0.95, 15)
    values[4] = np.nan
    return values


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("sqrt", np.sqrt), ("exp", np.exp), ("expm1", np.expm1), ("log", np.log), ("log10", np.log10),
        ("log2", np.log2), ("log1p", np.log1p), ("sin", np.sin), ("cos", np.cos), ("tan", np.tan),
        ("asin", np.arcsin), ("acos", np.arccos),
        ("atan", np.arctan), ("sinh", np.sinh), ("cosh", np.cosh), ("tanh", np.tanh), ("asinh", np.arcsinh),
        ("atanh", np.arctanh), ("gamma", special.gamma), ("lgamma", special.gammaln), ("digamma", special.digamma),
        ("floor", np.floor), ("trunc", np.trunc), ("abs", np.abs), ("sign", np.sign),
    ],
)  # fmt: skip
def test_functions_are_those_of_numpy_and_carry_their_name(cut, x, name, oracle):
    found = getattr(cut(pd.DataFrame({"x": x}))["x"], name)()
    np.testing.assert_allclose(column(found), oracle(x), rtol=1e-15)
    assert found.names == [f"{name}(x)"]


def test_functions_outside_their_range_give_missing_or_infinite_without_warnings():
    fr = H2OFrame({"x": [-1.0, 0.0, 1.0]})
    np.testing.assert_array_equal(column(fr.log()), [np.nan, -np.inf, 0])
    np.testing.assert_array_equal(column(fr.sqrt()), [np.nan, 0, 1])


def test_rounding():
    fr = H2OFrame({"x": [1.25, -2.5, 1234.567, None]})
    np.testing.assert_array_equal(column(fr.round(1)), [1.2, -2.5, 1234.6, np.nan])
    np.testing.assert_array_equal(column(round(fr)), [1, -2, 1235, np.nan])
    np.testing.assert_array_equal(column(fr.signif(2)), [1.2, -2.5, 1200, np.nan])
    np.testing.assert_array_equal(column(math.floor(fr)), [1, -3, 1234, np.nan])
    np.testing.assert_array_equal(column(math.ceil(fr)), [2, -2, 1235, np.nan])
    np.testing.assert_array_equal(column(fr.ceil()), column(fr.ceiling()))
    np.testing.assert_array_equal(column(math.trunc(fr)), [1, -2, 1234, np.nan])
    assert fr.round(1).names == ["x"]
    with pytest.raises(H2OTypeError):
        fr.round(0.5)
    with pytest.raises(H2OValueError):
        fr.signif(0)


def test_running_totals_run_over_partitions(cut):
    table = pd.DataFrame({"x": [1.0, 3, -2, 5, 0.5, 2, 7, -1, 4, 2], "y": np.arange(10.0)})
    fr = cut(table)
    for name in ("cumsum", "cumprod", "cummax", "cummin"):
        pd.testing.assert_frame_equal(getattr(fr, name)().as_data_frame().astype(float), getattr(table, name)())
        pd.testing.assert_frame_equal(
            getattr(fr, name)(axis=1).as_data_frame().astype(float), getattr(table, name)(axis=1)
        )
    with pytest.raises(H2OValueError):
        fr.cumsum(axis=2)


def test_isna_marks_gaps_of_every_type():
    fr = H2OFrame({"n": [1, None], "e": [None, "a"], "s": ["u", None]}, column_types={"s": "string"})
    found = fr.isna()
    assert found.names == ["isNA(n)", "isNA(e)", "isNA(s)"]
    assert found.as_data_frame(use_pandas=False)[1:] == [["0", "1", "0"], ["1", "0", "1"]]
    assert set(found.types.values()) == {"int"}


def test_ifelse_chooses_row_by_row(cut):
    fr = cut(pd.DataFrame({"x": [1.0, -2, np.nan, 4, 5, -6, 7, 8, 9, -10]}))
    np.testing.assert_array_equal(column((fr["x"] > 0).ifelse(fr["x"], -1)), [1, -1, -1, 4, 5, -1, 7, 8, 9, -1])
    np.testing.assert_array_equal(column((fr["x"] - 1).ifelse(1, 2)), [2, 1, np.nan, 1, 1, 1, 1, 1, 1, 1])
    words = (fr["x"] > 0).ifelse("up", "down")
    assert words["C1"].categories() == ["down", "up"]
    assert words.as_data_frame()["C1"].tolist()[:2] == ["up", "down"]
    assert words.nacnt() == [0]
    assert fr["x"].ifelse("up", "down").nacnt() == [1]
    mixed = (fr["x"] > 5).ifelse("high", words)
    assert mixed.categories() == ["down", "high", "up"]
    assert (fr["x"] > 0).ifelse(1, None).nacnt() == [4]
    assert fr["x"].ifelse(1, None).nacnt() == [1]
    with pytest.raises(H2OValueError):
        (fr["x"] > 0).ifelse("up", 1)
    with pytest.raises(H2OValueError):
        words.ifelse(1, 0)


def test_cut_makes_intervals_as_pandas_does(x, cut):
    fr = cut(pd.DataFrame({"x": x}))
    edges = [0.1, 0.3, 0.6, 0.9]
    for right in (True, False):
        found = fr.cut(edges, right=right).as_data_frame()["x"]
        codes = pd.cut(pd.Series(x), edges, right=right, labels=["l", "m", "h"])
        named = fr.cut(edges, labels=["l", "m", "h"], right=right).as_data_frame()["x"]
        assert named.isna().tolist() == codes.isna().tolist() == found.isna().tolist()
        assert named.dropna().tolist() == codes.dropna().tolist()
    assert fr.cut(edges).categories() == ["(0.1,0.3]", "(0.3,0.6]", "(0.6,0.9]"]
    assert H2OFrame([1, 2, 3]).cut([1, 2, 3], include_lowest=True).nacnt() == [0]
    assert H2OFrame([1, 2, 3]).cut([1, 2, 3]).nacnt() == [1]
    with pytest.raises(H2OValueError):
        fr.cut([1])
    with pytest.raises(H2OValueError):
        fr.cut(edges, labels=["a"])


def test_functions_of_levels_are_refused():
    fr = H2OFrame({"e": ["a", "b"]})
    with pytest.raises(H2OValueError, match="'e' is enum"):
        fr.log()
    with pytest.raises(H2OValueError, match="e:enum"):
        fr.cumsum()


# ---- apply -----------------------------------------------------------------------------------------------------------
def test_apply_over_columns_and_rows(cut):
    table = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 6], "b": [2.0, np.nan, 1, 0, 3, 4]})
    fr = cut(table)
    assert fr.apply(lambda c: c.mean()).getrow() == table.mean().tolist()
    assert fr.apply(lambda c: c.max()).names == ["a", "b"]
    np.testing.assert_array_equal(fr.apply(lambda c: c * 2).as_data_frame().to_numpy(float), (table * 2).to_numpy())
    np.testing.assert_array_equal(
        column(fr.apply(lambda r: r["a"] + r["b"], axis=1)), (table["a"] + table["b"]).to_numpy()
    )
    np.testing.assert_array_equal(column(fr.apply(lambda r: r.sum(), axis=1)), table.sum(axis=1).to_numpy())
    assert fr.apply(lambda r: [r["a"], 1], axis=1).names == ["C1", "C2"]
    with pytest.raises(H2OTypeError):
        fr.apply("sum")
    with pytest.raises(H2OValueError):
        fr.apply(lambda c: "text")
    with pytest.raises(H2OValueError):
        fr.apply(len, axis=3)
