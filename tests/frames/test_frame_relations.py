"""Rows sorted, joined, grouped and stacked; the oracle is pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")


def lists(frame):
    return frame.as_data_frame(use_pandas=False, header=False)


@pytest.fixture
def table():
    random = np.random.default_rng(11)
    table = pd.DataFrame(
        {
            "g": np.array(["u", "v", "w", None], dtype=object)[random.integers(0, 4, 60)],
            "k": random.integers(0, 3, 60),
            "x": random.normal(size=60),
            "y": random.integers(0, 5, 60).astype(float),
        }
    )
    table.loc[[3, 30, 44], "y"] = np.nan
    return table


@pytest.fixture
def fr(cut, table):
    return cut(table)


# ---- sort
def test_rows_are_sorted_by_one_column_over_partitions(fr, table):
    assert fr.sort("x").as_data_frame()["x"].tolist() == sorted(table["x"])
    assert fr.sort("x", ascending=False).as_data_frame()["x"].tolist() == sorted(table["x"], reverse=True)
    assert fr.sort(2)._table.rows == fr.sort("x")._table.rows


def test_rows_are_sorted_by_several_columns_missing_first(fr, table):
    found = fr.sort(["g", "k", "x"], ascending=[True, False, True]).as_data_frame()
    wanted = table.sort_values(["g", "k", "x"], ascending=[True, False, True], na_position="first", kind="stable")
    assert found["x"].tolist() == wanted["x"].tolist()
    assert found["g"].isna().tolist() == wanted["g"].isna().tolist()


def test_equal_rows_keep_their_order_and_strings_sort_as_text(cut):
    fr = H2OFrame({"s": ["b", None, "a", "b"], "n": [1, 2, 3, 4]}, column_types={"s": "string"})
    assert lists(fr.sort("s")) == [["", "2"], ["a", "3"], ["b", "1"], ["b", "4"]]
    assert lists(fr.sort("s", ascending=False)) == [["", "2"], ["b", "1"], ["b", "4"], ["a", "3"]]
    with pytest.raises(H2OValueError):
        fr.sort("nobody")
    with pytest.raises(H2OValueError):
        fr.sort(["s", "n"], ascending=[True])
    with pytest.raises(H2OValueError):
        fr.sort([])


# ---- merge
@pytest.mark.parametrize(("all_x", "all_y", "how"), [(0, 0, "inner"), (1, 0, "left"), (0, 1, "right"), (1, 1, "outer")])
def test_merges_find_the_rows_that_pandas_finds(fr, table, cut, all_x, all_y, how):
    other = pd.DataFrame({"k": [2, 0, 7, 2], "z": [0.5, 1.5, 2.5, 3.5]})
    found = fr.merge(cut(other, [3, 1]), all_x=bool(all_x), all_y=bool(all_y))
    assert found.names == ["k", "g", "x", "y", "z"]
    wanted = table.merge(other, on="k", how=how)
    order = ["k", "x", "z"]
    left = found.as_data_frame()[order].sort_values(order).to_numpy()
    np.testing.assert_array_equal(left, wanted[order].sort_values(order).to_numpy())
    assert found.as_data_frame()["k"].is_monotonic_increasing
    assert found.nacnt()[1] == wanted["g"].isna().sum()


def test_levels_are_matched_by_name_and_missing_agrees_with_nothing():
    left = H2OFrame({"e": ["b", "a", None], "n": [1, 2, 3]})
    right = H2OFrame({"e": ["c", "b", None], "m": [10, 20, 30]})
    assert lists(left.merge(right)) == [["b", "1", "20"]]
    assert left.merge(right)["e"].categories() == ["a", "b"]
    assert lists(left.merge(right, all_x=True)) == [["", "3", ""], ["a", "2", ""], ["b", "1", "20"]]
    assert lists(left.merge(right, all_y=True)) == [["", "", "30"], ["b", "1", "20"], ["c", "", "10"]]
    assert left.merge(right, all_y=True)["e"].categories() == ["b", "c"]
    both = left.merge(right, all_x=True, all_y=True)
    assert lists(both) == [["", "3", ""], ["", "", "30"], ["a", "2", ""], ["b", "1", "20"], ["c", "", "10"]]
    assert both["e"].categories() == ["a", "b", "c"]


def test_keys_may_have_other_names_and_equal_names_are_told_apart():
    left, right = H2OFrame({"a": [1, 2], "v": [3, 4]}), H2OFrame({"b": [2, 1], "v": [5, 6]})
    found = left.merge(right, by_x=["a"], by_y=["b"])
    assert found.names == ["a", "v", "v0"]
    assert lists(found) == [["1", "3", "6"], ["2", "4", "5"]]
    for attempt in (
        lambda: left[["a"]].merge(right),
        lambda: left.merge(right, by_x=["a", "v"], by_y=["b"]),
        lambda: left.merge(H2OFrame({"v": ["x", "y"]})),
        lambda: left.merge(right, method="slow"),
    ):
        with pytest.raises(H2OValueError):
            attempt()
    with pytest.raises(H2OTypeError):
        left.merge(3)


def test_neighbours_beyond_what_doubles_hold_are_different_keys(cut):
    ids = [2**53 + 3, 2**53, 2**53 + 4, 2**53 + 1, 2**53 + 2]
    found = cut(pd.DataFrame({"id": ids, "v": range(5)}), [2, 0, 3])
    assert found.merge(found[["id"]]).nrow == 5
    assert lists(found.sort("id")["id"]) == [[str(v)] for v in sorted(ids)]
    assert found.group_by("id").count().get_frame().nrow == 5
    assert found["id"].table().nrow == found["id"].unique().nrow == found.drop_duplicates(["id"]).nrow == 5
    assert lists(found["id"].asfactor().asnumeric()) == lists(found["id"])
    assert lists(found[found["id"] == ids[3], "v"]) == [["3"]]
    assert lists(found["id"].isin([ids[3]])) == [["0"], ["0"], ["0"], ["1"], ["0"]]
    gap = cut(pd.DataFrame({"id": pd.array([2**63 - 1, None, 2**63 - 2], dtype="Int64")}), [1, 2])
    assert lists(gap.sort("id")) == [[""], [str(2**63 - 2)], [str(2**63 - 1)]]
    assert lists(gap.group_by("id").max("id").get_frame()["max_id"]) == [[""], [str(2**63 - 2)], [str(2**63 - 1)]]


# ---- groups
def test_missing_cells_count_as_zero_for_means_and_spreads_under_ignore():
    fr = H2OFrame({"k": [1, 1, 1, 1], "x": [1, 5, 3, None]})
    found = fr.group_by("k").mean("x", na="ignore").var("x", na="ignore").sd("x", na="ignore").median("x", na="ignore")
    assert found.get_frame()[0, 1:].getrow() == pytest.approx(
        [2.25, 4.916666666666667, 2.217355782608345, 2.0]
    )  # H2O's
    assert fr.group_by("k").var("x", na="rm").get_frame()[0, 1] == 4.0


def test_groups_have_what_pandas_computes(fr, table):
    asked = fr.group_by("g").mean("x").sum("x").min("x").max("x").sd("x").var("x").ss("x").median("x").count()
    found = asked.get_frame()
    assert found.names == [
        "g", "mean_x", "sum_x", "min_x", "max_x", "sdev_x", "var_x", "sumSquares_x", "median_x", "nrow",
    ]  # fmt: skip
    groups = table.groupby("g", dropna=False)["x"]
    wanted = groups.agg(["mean", "sum", "min", "max", "std", "var", lambda v: (v**2).sum(), "median", "size"])
    assert found.as_data_frame()["g"].tolist()[1:] == ["u", "v", "w"]
    wanted = wanted.loc[[np.nan, "u", "v", "w"]]  # missing comes first
    np.testing.assert_allclose(found[1:].as_data_frame().to_numpy(float), wanted.to_numpy(float))


def test_groups_of_several_keys(fr, table):
    found = fr.group_by(["g", "k"]).mean("x").count().get_frame().as_data_frame()
    wanted = table.groupby(["g", "k"], dropna=False)["x"].agg(["mean", "size"]).reset_index()
    wanted = wanted.sort_values(["g", "k"], na_position="first")
    np.testing.assert_allclose(found["mean_x"], wanted["mean"])
    assert found["nrow"].tolist() == wanted["size"].tolist()
    assert found["k"].tolist() == wanted["k"].tolist()
    medians = table.groupby(["k", "g"], dropna=False)["x"].median().reset_index()
    medians = medians.sort_values(["k", "g"], na_position="first")
    np.testing.assert_allclose(
        fr.group_by(["k", "g"]).median("x").get_frame().as_data_frame()["median_x"], medians["x"]
    )


def test_missing_cells_of_groups_follow_the_rule(fr, table):
    groups = table.groupby("k")["y"]
    strict = fr.group_by("k").mean("y").get_frame().as_data_frame()["mean_y"]
    assert strict.isna().tolist() == [bool(values.isna().any()) for _, values in groups]
    np.testing.assert_allclose(fr.group_by("k").mean("y", na="rm").get_frame().as_data_frame()["mean_y"], groups.mean())
    ignore = fr.group_by("k").mean("y", na="ignore").get_frame().as_data_frame()["mean_y"]
    np.testing.assert_allclose(ignore, groups.sum() / groups.size())
    with pytest.raises(H2OValueError):
        fr.group_by("k").mean("y", na="maybe")


def test_modes_of_numbers_and_levels(fr, table):
    found = fr.group_by("k").mode(["g", "y"], na="rm").get_frame()
    assert found.types["mode_g"] == "enum"
    shown = found.as_data_frame()
    for column in ("g", "y"):
        wanted = table.groupby("k")[column].agg(lambda values: values.mode().iloc[0])
        assert shown[f"mode_{column}"].tolist() == wanted.tolist()


def test_group_by_without_wishes_counts_and_refuses_levels(fr):
    assert fr.group_by("k").get_frame().names == ["k", "nrow"]
    assert fr.group_by("k").mean().get_frame().names == ["k", "mean_x", "mean_y"]
    assert fr.group_by("k").count().frame.nrow == 3
    assert fr.group_by("k").count().nrow == 3
    with pytest.raises(H2OValueError, match="'g' is enum"):
        fr.group_by("k").mean("g")
    with pytest.raises(H2OValueError):
        fr.group_by([])
    with pytest.raises(H2OValueError):
        fr.group_by("k").count(na="x")


# ---- bind
def test_frames_stand_side_by_side_also_when_cut_differently(fr, table, cut):
    other = cut(table[["x"]] * 2, [7, 53])
    bound = fr.cbind(other)
    assert bound.names == ["g", "k", "x", "y", "x0"]
    np.testing.assert_array_equal(bound["x0"].as_data_frame()["x0"], table["x"] * 2)
    assert fr.cbind([other, fr["k"], 1]).names[4:] == ["x0", "k0", "1"]
    assert fr.concat([other]).shape == (60, 5)
    with pytest.raises(H2OValueError, match="60 and 2"):
        fr.cbind(H2OFrame([1, 2]))
    with pytest.raises(H2OTypeError):
        fr.cbind({"a": 1})


def test_frames_are_stacked_with_united_domains(fr, table):
    top = H2OFrame({"n": [1, 2], "e": ["b", "a"]})
    bottom = H2OFrame({"e": ["c", None], "n": [0.5, 4]})
    both = top.rbind(bottom)
    assert both.names == ["n", "e"]
    assert both["e"].categories() == ["a", "b", "c"]
    assert lists(both) == [["1.0", "b"], ["2.0", "a"], ["0.5", "c"], ["4.0", ""]]
    assert both.summaries()["e"].counts.tolist() == [1, 1, 1]
    assert fr.rbind([fr, fr]).as_data_frame()["x"].tolist() == table["x"].tolist() * 3
    assert top.concat([top], axis=0).nrow == 4
    strings = H2OFrame(["x"], column_names=["e"], column_types=["string"])
    assert strings.rbind(top["e"]).types == {"e": "string"}


def test_a_column_without_values_takes_the_type_of_the_others():
    long = 2**60 + 1
    nothing = H2OFrame({"x": [None, None]})
    for top, kind, last in (
        (H2OFrame({"x": [long, 1]}), "int", long),
        (H2OFrame({"x": ["b", "a"]}), "enum", "b"),
        (H2OFrame({"x": ["b", "a"]}, column_types=["string"]), "string", "b"),
        (H2OFrame(pd.DataFrame({"x": pd.to_datetime(["2020-01-01", "2021-01-01"])})), "time", 1577836800000),
    ):
        for stacked in (nothing.rbind(top), top.rbind([nothing, nothing])):
            assert stacked.types == {"x": kind}
            assert stacked.nacnt() == [stacked.nrow - 2]
            assert stacked[stacked["x"].isna() == 0, "x"][0, 0] == last
    assert nothing.rbind(nothing).types == {"x": "real"}
    with pytest.raises(H2OValueError, match="lose digits"):
        H2OFrame({"x": [long]}).rbind(H2OFrame({"x": [0.5]}))
    with pytest.raises(H2OValueError, match="lose digits"):
        H2OFrame({"x": [long]}).merge(H2OFrame({"x": [0.5]}), all_x=True, all_y=True)


def test_frames_that_do_not_match_are_not_stacked():
    fr = H2OFrame({"n": [1]})
    for other in (H2OFrame({"m": [1]}), H2OFrame({"n": ["a"]}), H2OFrame([[1, 2]])):
        with pytest.raises(H2OValueError):
            fr.rbind(other)
    with pytest.raises(H2OTypeError):
        fr.rbind(3)
    with pytest.raises(H2OValueError):
        fr.concat([])
    with pytest.raises(H2OValueError):
        fr.concat([fr], axis=2)


def test_columns_are_inserted():
    fr = H2OFrame({"a": [1], "b": [2]})
    assert fr.insert(1, H2OFrame({"c": [3], "d": [4]})).names == ["a", "c", "d", "b"]


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(-3, 3) | st.none(), min_size=1, max_size=20), st.integers(1, 3), st.booleans())
def test_any_column_in_any_cut_is_sorted_as_in_pandas(values, parts, up):
    whole = H2OFrame({"x": values, "at": list(range(len(values)))}, column_types=["real", "int"])
    ends = [len(values) * k // parts for k in range(parts + 1)]
    pieces = [whole[ends[k] : ends[k + 1], :] for k in range(parts) if ends[k + 1] > ends[k]]
    fr = pieces[0].rbind(pieces[1:]) if len(pieces) > 1 else pieces[0]
    wanted = pd.DataFrame({"x": pd.Series(values, dtype=float)}).sort_values(
        "x", ascending=up, kind="stable", na_position="first"
    )
    assert fr.sort("x", ascending=up).as_data_frame()["at"].tolist() == wanted.index.tolist()
