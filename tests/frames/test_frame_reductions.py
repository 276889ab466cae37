"""Frames reduced to numbers: the types that H2O returns, the values that pandas computes."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def table():
    random = np.random.default_rng(3)
    table = pd.DataFrame({"i": random.integers(-9, 9, 30), "r": random.normal(5, 3, 30), "m": random.normal(size=30)})
    table.loc[[1, 17], "m"] = np.nan
    return table


@pytest.fixture
def fr(cut, table):
    return cut(table)


def test_mean_is_a_list_that_knows_its_row(fr, table):
    means = fr.mean()
    assert isinstance(means, list)
    assert means == pytest.approx(table.mean().tolist())
    assert means.getrow()[0] == means[0]
    assert math.isnan(fr.mean(skipna=False)[2])
    as_frame = fr.mean(return_frame=True)
    assert as_frame.names == fr.names
    assert as_frame.getrow() == means.getrow()
    rows = fr.mean(axis=1)
    assert rows.names == ["mean"]
    np.testing.assert_allclose(rows.as_data_frame()["mean"], table.mean(axis=1))
    assert fr.mean(axis=1, skipna=False).nacnt() == [2]


def test_mean_of_what_is_no_number_is_nan():
    found = H2OFrame({"e": ["a", "b"], "x": [1, 2]}).mean()
    assert math.isnan(found[0])
    assert found[1] == 1.5


def test_sum_min_and_max_are_one_float_over_the_whole_frame(fr, table):
    assert type(fr.sum()) is float
    assert fr.sum() == pytest.approx(np.nansum(table.to_numpy()))
    assert math.isnan(fr.sum(skipna=False))
    assert fr.sum(return_frame=True).getrow() == pytest.approx(table.sum().tolist())
    np.testing.assert_allclose(fr.sum(axis=1).as_data_frame()["sum"], table.sum(axis=1))
    assert (fr.min(), fr.max()) == (np.nanmin(table.to_numpy()), np.nanmax(table.to_numpy()))
    assert fr["i"].prod() == np.prod(table["i"].astype(float))
    assert math.isnan(fr["m"].prod())
    assert fr["m"].prod(na_rm=True) == pytest.approx(np.nanprod(table["m"]))


def test_sums_of_whole_numbers_are_exact(cut):
    assert cut(pd.DataFrame({"x": [0.1] * 0 + [3] * 49 + [1]})).sum() == 148.0


def test_spreads_and_medians_are_lists(fr, table):
    assert fr.sd(na_rm=True) == pytest.approx(table.std().tolist())
    assert math.isnan(fr.sd()[2])
    assert fr.median(na_rm=True) == pytest.approx(table.median().tolist())
    assert math.isnan(fr.median()[2])
    assert fr.median()[0] == table["i"].median()
    assert fr.nacnt() == [0, 0, 2]


def test_var_and_cor_are_a_float_for_one_column_and_a_frame_for_several(fr, table):
    assert fr["r"].var() == pytest.approx(table["r"].var())
    assert type(fr["r"].var()) is float
    assert fr["r"].cor(fr["i"]) == pytest.approx(table["r"].corr(table["i"]))
    complete = table.dropna()
    np.testing.assert_allclose(fr.var(na_rm=True).as_data_frame().to_numpy(), complete.cov().to_numpy())
    np.testing.assert_allclose(fr.cor(use="complete.obs").as_data_frame().to_numpy(), complete.corr().to_numpy())
    both = fr[["i", "r"]].cor(fr["r"])
    assert both.shape == (2, 1)
    assert fr.var().nacnt() == [1, 1, 3]
    with pytest.raises(H2OValueError):
        fr.var(use="all.obs")
    with pytest.raises(H2OValueError):
        fr.cor(method="Kendall")
    with pytest.raises(H2OValueError):
        fr.var(use="some")


@pytest.mark.parametrize(
    ("method", "numpys"), [("interpolate", "linear"), ("low", "lower"), ("high", "higher"), ("average", "midpoint")]
)
def test_quantiles_are_exact(fr, table, method, numpys):
    probabilities = [0, 0.1, 0.25, 0.5, 0.77, 1]
    found = fr.quantile(probabilities, combine_method=method)
    assert found.names == ["Probs", "iQuantiles", "rQuantiles", "mQuantiles"]
    shown = found.as_data_frame()
    for name in table:
        np.testing.assert_allclose(
            shown[f"{name}Quantiles"], np.nanquantile(table[name], probabilities, method=numpys), rtol=1e-12
        )


def test_quantiles_have_nine_default_probabilities_and_take_weights():
    fr = H2OFrame({"x": [1.0, 2.0, 3.0], "w": [1, 2, 3], "e": ["a", "b", "c"]})
    assert fr.quantile().shape == (9, 3)
    weighted = fr[["x", "w"]].quantile([0.2, 0.5], weights_column="w").as_data_frame()["xQuantiles"]
    np.testing.assert_allclose(weighted, np.quantile([1, 2, 2, 3, 3, 3], [0.2, 0.5]))
    same = fr["x"].quantile([0.2, 0.5], weights_column=fr["w"]).as_data_frame()["xQuantiles"]
    np.testing.assert_allclose(weighted, same)
    for wrong in (1.5, [-0.1]):
        with pytest.raises(H2OValueError):
            fr.quantile(wrong)


def test_any_and_all_are_bools():
    fr = H2OFrame({"x": [0, 1, None], "z": [0, 0, 0], "o": [1, 2, 3]})
    assert [fr[n].any() for n in fr.names] == [True, False, True]
    assert [fr[n].all() for n in fr.names] == [False, False, True]
    assert fr["z"].any_na_rm() is False
    assert (fr["x"] > 5).any() is False
    assert fr[2:, "x"].any() is True
    assert fr[2:, "x"].any_na_rm() is False
    assert type(fr.all()) is bool


def test_unique_values_come_sorted(cut):
    fr = cut(
        pd.DataFrame({"x": [3, 1, 2, 3, 1, 9], "e": ["b", None, "a", "b", "a", "a"], "r": [0.5, np.nan, 0.5, 1, 2, 1]})
    )
    assert fr["x"].unique().as_data_frame()["C1"].tolist() == [1, 2, 3, 9]
    assert fr["e"].unique().as_data_frame()["C1"].tolist() == ["a", "b"]
    assert fr["e"].unique(include_nas=True).nacnt() == [1]
    assert fr["r"].unique(include_nas=True).as_data_frame(use_pandas=False) == [["C1"], ["0.5"], ["1.0"], ["2.0"], [""]]
    strings = H2OFrame(["x", None, "x", "y"], column_types=["string"])
    assert strings.unique(include_nas=True).as_data_frame(use_pandas=False)[1:] == [["x"], ["y"], [""]]
    with pytest.raises(H2OValueError):
        fr.unique()


def test_reductions_of_levels_are_refused():
    fr = H2OFrame({"e": ["a", "b"]})
    for name in ("sum", "min", "max", "prod", "var", "any", "all"):
        with pytest.raises(H2OValueError, match="enum"):
            getattr(fr, name)()
    assert math.isnan(fr.sd()[0])
    assert math.isnan(fr.median()[0])
    with pytest.raises(H2OValueError):
        fr.mean(axis=2)


def test_a_column_without_values_has_no_mean():
    fr = H2OFrame({"x": [None, None], "y": [1, 2]}, column_types={"x": "real"})
    assert math.isnan(fr["x"].mean()[0])
    assert math.isnan(fr["x"].min())
    assert math.isnan(fr["x"].median()[0])
    assert fr["x"].sum() == 0.0


# ---- counts ----------------------------------------------------------------------------------------------------------
def test_tables_count_one_or_two_columns(cut):
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {"x": random.integers(0, 4, 40), "e": np.array(["u", "v", None], dtype=object)[random.integers(0, 3, 40)]}
    )
    fr = cut(table)
    one = fr["e"].table()
    assert one.names == ["e", "Count"]
    assert one.as_data_frame()["Count"].tolist() == table["e"].value_counts().sort_index().tolist()
    two = fr[["x", "e"]].table().as_data_frame()
    wanted = table.groupby(["x", "e"]).size().reset_index(name="Counts")
    assert two["Counts"].tolist() == wanted["Counts"].tolist()
    assert two["e"].tolist() == wanted["e"].tolist()
    wide = fr["x"].table(fr["e"], dense=False)
    assert wide.names == ["x", "u", "v"]
    np.testing.assert_array_equal(wide[["u", "v"]].as_data_frame(), pd.crosstab(table["x"], table["e"]))
    texts = H2OFrame({"r": [0.5, 1e7, 0.5, None], "s": ["b", "a", "b", "b"]}, column_types={"s": "string"})
    assert texts["r"].table().as_data_frame().to_numpy().tolist() == [[0.5, 2], [1e7, 1]]
    assert texts["s"].table(texts["r"], dense=False).names == ["s", "0.5", "1.0E7"]  # numbers as H2O writes them
    with pytest.raises(H2OValueError):
        texts.cbind(texts).table()


def test_histograms_count_as_numpy_does(cut):
    values = np.random.default_rng(8).normal(size=200)
    fr = cut(pd.DataFrame({"x": values}))
    found = fr.hist(breaks=7, plot=False)
    assert found.names == ["breaks", "counts", "mids_true", "mids"]
    shown = found.as_data_frame()
    counts, edges = np.histogram(values, 7)
    np.testing.assert_allclose(shown["breaks"], edges)
    np.testing.assert_array_equal(shown["counts"][1:], counts)
    np.testing.assert_allclose(shown["mids"][1:], (edges[1:] + edges[:-1]) / 2)
    for rule in ("sturges", "rice", "sqrt", "doane", "fd", "scott"):
        reference = len(np.histogram_bin_edges(values, rule)) - 1
        assert abs(fr.hist(breaks=rule, plot=False).nrow - 1 - reference) <= 1, rule
    assert fr.hist(breaks=[-10, 0, 10], plot=False).as_data_frame()["counts"][1] == (values <= 0).sum()
    inside = fr.hist(breaks=[-0.5, 0, 1], plot=False).as_data_frame()
    assert inside["counts"].tolist()[1:] == np.histogram(values, [-0.5, 0, 1])[0].tolist()
    fr.hist()
    for wrong in ("many", 0, [1]):
        with pytest.raises(H2OValueError):
            fr.hist(breaks=wrong, plot=False)


def test_interactions_cross_levels():
    fr = H2OFrame({"a": ["x", "x", "y", None], "b": ["1u", "1u", "2u", "2u"], "c": ["p", "q", "p", "q"]})
    crossed = fr.interaction(["a", "b"])
    assert crossed.names == ["a_b"]
    assert crossed.as_data_frame(use_pandas=False)[1:] == [["x_1u"], ["x_1u"], ["y_2u"], [""]]
    assert fr.interaction(["a", "b", "c"], pairwise=True, destination_frame="i").names == ["a_b", "a_c", "b_c"]
    assert fr.interaction(["a", "b"], max_factors=1).categories() == ["x_1u", "other"]
    assert fr.interaction(["a", "b"], min_occurrence=2).categories() == ["x_1u", "other"]
    with pytest.raises(H2OValueError):
        fr.interaction(["a"])
    with pytest.raises(H2OValueError):
        H2OFrame([[1, 2]]).interaction([0, 1])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9) | st.none(), min_size=1), st.integers(1, 4), st.floats(0, 1))
def test_any_column_in_any_cut_has_the_moments_of_numpy(values, parts, probability):
    whole = H2OFrame({"x": values}, column_types=["real"])
    ends = [len(values) * k // parts for k in range(parts + 1)]
    pieces = [whole[a:b, :] for a, b in pairwise(ends) if b > a]
    fr = pieces[0].rbind(pieces[1:]) if len(pieces) > 1 else pieces[0]
    present = np.array([v for v in values if v is not None])
    if not len(present):
        assert math.isnan(fr.mean()[0])
        return
    assert fr.mean()[0] == pytest.approx(present.mean(), rel=1e-9, abs=1e-6)
    assert (fr.min(), fr.max()) == (present.min(), present.max())
    found = fr.quantile([probability]).as_data_frame()["xQuantiles"][0]
    assert found == pytest.approx(np.quantile(present, probability), rel=1e-9, abs=1e-6)
