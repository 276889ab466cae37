"""fr[...] and fr[...] = ...: columns, rows, cells; against pandas on a frame cut in uneven partitions."""

import datetime
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.cluster.session import client
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def table():
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "a": random.integers(0, 50, 20),
            "b": random.normal(size=20).round(2),
            "c": np.array(["u", "v", "w", None], dtype=object)[random.integers(0, 4, 20)],
            "d": np.where(random.random(20) < 0.3, np.nan, random.normal(size=20)),
        }
    )


@pytest.fixture
def fr(cut, table):
    return cut(table)


def same(frame, table):
    """A frame holds exactly what a pandas table holds."""
    shown = frame.as_data_frame()
    assert list(shown.columns) == list(table.columns)
    assert len(shown) == len(table)
    for name in table.columns:
        left, right = shown[name], table[name].reset_index(drop=True)
        assert left.isna().tolist() == right.isna().tolist(), name
        assert left.dropna().tolist() == right.dropna().tolist(), name


# ---- columns ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("b", ["b"]), (0, ["a"]), (-1, ["d"]), (["d", "a"], ["d", "a"]), ([0, 2], ["a", "c"]),
        (slice(0, 3), ["a", "b", "c"]),
        (slice(None, None, 2), ["a", "c"]), (slice("b", "c"), ["b", "c"]), ([], []), (range(2), ["a", "b"]),
        ([True, False, False, True], ["a", "d"]), (np.int64(1), ["b"]), ([-1, "a"], ["d", "a"]),
    ],
)  # fmt: skip
def test_columns_are_chosen_by_name_number_slice_or_list(fr, table, key, names):
    same(fr[key], table[names] if names else table[[]].iloc[:0]) if names else None
    assert fr[key].names == names
    assert fr[:, key].names == names


@pytest.mark.parametrize("key", ["z", 4, -5, ["a", "z"], [9]])
def test_unknown_columns_are_refused(fr, key):
    with pytest.raises(H2OValueError):
        fr[key]


def test_a_near_name_is_suggested():
    with pytest.raises(H2OValueError, match="'age'"):
        H2OFrame({"age": [1]})["agee"]


@pytest.mark.parametrize("key", [1.5, None, (1, 2, 3)])
def test_odd_keys_are_refused(fr, key):
    with pytest.raises((H2OTypeError, H2OValueError)):
        fr[key]


# ---- rows ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "rows",
    [
        slice(3, 9), slice(0, 20), slice(None), slice(5, 5), slice(1, 18, 4), slice(None, None, -1), slice(-4, None),
        slice(15, 99), [0, 1, 7, 19], [7, 0, 19, 7], [-1, 2], range(2, 6), np.array([3, 4]),
    ],
)  # fmt: skip
def test_rows_are_chosen_by_slice_or_numbers_in_their_order(fr, table, rows):
    same(fr[rows, :], table.iloc[list(rows) if not isinstance(rows, slice) else rows])


def test_rows_and_columns_together(fr, table):
    same(fr[2:15, ["c", "a"]], table.iloc[2:15][["c", "a"]])
    same(fr[[4, 9], "b"], table.iloc[[4, 9]][["b"]])
    same(fr[4, :], table.iloc[[4]])
    same(fr[4, [0, 1]], table.iloc[[4]][["a", "b"]])
    same(fr[fr["a"] > 20, 1:3], table[table["a"] > 20][["b", "c"]])


def test_masks_choose_rows_and_missing_counts_as_no(fr, table):
    same(fr[fr["d"] > 0], table[table["d"] > 0])
    same(fr[(fr["a"] > 10) & (fr["c"] == "u"), :], table[(table["a"] > 10) & (table["c"] == "u")])
    same(fr[fr["a"] > 1000], table.iloc[:0])
    same(fr[(table["a"] > 10).to_numpy()], table[table["a"] > 10])
    same(fr[(table["a"] > 10).tolist(), :], table[table["a"] > 10])


def test_a_mask_from_a_differently_cut_frame_is_cut_anew(fr, table, cut):
    other = cut(table, [1, 12, 7])
    same(fr[other["a"] > 10], table[table["a"] > 10])


def test_wrong_rows_are_refused(fr):
    with pytest.raises(H2OValueError, match="20"):
        fr[20, :]
    with pytest.raises(H2OValueError):
        fr[[0, 25], :]
    with pytest.raises(H2OTypeError):
        fr[[0.5], :]
    with pytest.raises(H2OTypeError):
        fr["a", "b"]
    with pytest.raises(H2OValueError, match="one row per row"):
        fr[fr[0:5, "a"] > 1]
    with pytest.raises(H2OValueError, match="one column"):
        fr[fr[["a", "b"]] > 1]
    with pytest.raises(H2OValueError, match="enum"):
        fr[fr["c"]]


def test_single_cells_are_python_values(fr, table):
    assert fr[3, "a"] == table["a"][3]
    assert type(fr[3, "a"]) is int
    assert type(fr[3, "b"]) is float
    assert fr[-1, 1] == table["b"].iloc[-1]
    row = table["c"].first_valid_index()
    assert fr[row, "c"] == table["c"][row]
    gap = table["d"].isna().idxmax()
    assert math.isnan(fr[gap, "d"])


def test_getrow_and_flatten(fr, table):
    assert fr[2, ["a", "b"]].getrow() == [table["a"][2], table["b"][2]]
    assert fr[2:3, "a"].flatten() == table["a"][2]
    with pytest.raises(H2OValueError):
        fr.getrow()
    with pytest.raises(H2OValueError):
        fr.flatten()


def test_head_and_tail(fr, table):
    same(fr.head(), table.head(10))
    same(fr.tail(3), table.tail(3))
    same(fr.head(99, 2), table[["a", "b"]])


def test_iteration_gives_columns_and_in_asks_for_values(fr, table):
    assert [column.names for column in fr] == [["a"], ["b"], ["c"], ["d"]]
    assert "u" in fr
    assert int(table["a"][0]) in fr["a"]
    assert 999 not in fr
    assert ["u", "nobody"] not in fr


# ---- assigning columns -----------------------------------------------------------------------------------------------
def test_a_new_column_is_appended_and_an_old_one_replaced(fr, table):
    fr["e"] = fr["a"] * 2
    fr["b"] = fr["a"]
    same(fr, table.assign(e=table["a"] * 2, b=table["a"]))


def test_constants_fill_columns(fr, table):
    fr["n"] = 3
    fr["t"] = "word"
    fr["r"] = 0.5
    fr["m"] = None
    same(fr, table.assign(n=3, t="word", r=0.5, m=np.nan))
    assert fr.types["t"] == "enum"
    assert fr.types["n"] == "int"


def test_a_replaced_column_keeps_its_place_and_name(fr):
    fr[0] = fr["b"]
    assert fr.names == ["a", "b", "c", "d"]
    assert fr.types["a"] == "real"
    fr[4] = fr["a"]
    assert fr.names[-1] == "C5"


def test_several_columns_are_assigned_together(fr, table):
    fr[["a", "new"]] = fr[["b", "d"]]
    same(fr, table.assign(a=table["b"], new=table["d"]))
    fr[:, ["a", "b"]] = 0
    assert fr[["a", "b"]].sum() == 0


def test_lists_and_differently_cut_frames_are_assigned(fr, table, cut):
    fr["l"] = list(range(20))
    fr["o"] = cut(table, [11, 9])["a"]
    same(fr, table.assign(l=range(20), o=table["a"]))


def test_a_column_of_another_length_is_refused(fr):
    with pytest.raises(H2OValueError, match="20 rows"):
        fr["x"] = H2OFrame([1, 2, 3])
    with pytest.raises(H2OValueError, match="column"):
        fr["x"] = fr[["a", "b"]]
    with pytest.raises(H2OTypeError):
        fr["x"] = object()
    assert fr.ncol == 4


def test_a_column_assigned_to_an_empty_frame_gives_it_rows():
    fr = H2OFrame()
    fr["x"] = H2OFrame([1, 2])
    assert fr.shape == (2, 1)
    with pytest.raises(H2OValueError, match="rows"):
        H2OFrame()["x"] = 1


# ---- assigning cells -------------------------------------------------------------------------------------------------
def test_cells_under_a_mask_are_overwritten(fr, table):
    fr[fr["a"] > 20, "b"] = 7.5
    fr[fr["c"] == "u", "c"] = "v"
    fr[fr["d"].isna(), "d"] = 0
    fr[fr["a"] < 5, ["a", "b"]] = None
    wanted = table.copy()
    wanted["b"] = np.where(table["a"] > 20, 7.5, table["b"])
    wanted["c"] = table["c"].replace("u", "v")
    wanted["d"] = table["d"].fillna(0)
    wanted.loc[table["a"] < 5, ["a", "b"]] = np.nan
    same(fr, wanted)


def test_a_mask_of_all_columns_works_cell_by_cell(fr, table):
    numbers = fr[["a", "b"]]
    numbers[numbers > 0] = np.nan
    same(numbers, table[["a", "b"]].mask(table[["a", "b"]] > 0))
    one = fr["a"]
    one[one == one.min()] = float("nan")
    assert one.nacnt() == [int((table["a"] == table["a"].min()).sum())]
    assert fr["a"].nacnt() == [0]


def test_cells_by_row_number_slice_or_list(fr, table):
    fr[3, "a"] = -1
    fr[5:9, "b"] = 0.25
    fr[[1, 19], ["a", "d"]] = 2
    wanted = table.copy()
    wanted.loc[3, "a"] = -1
    wanted.loc[5:8, "b"] = 0.25
    wanted.loc[[1, 19], ["a", "d"]] = 2
    same(fr, wanted)


def test_cells_are_taken_from_a_frame(fr, table):
    fr[fr["a"] > 20, "b"] = fr["d"]
    fr[0:3, "a"] = H2OFrame([100, 200, 300])
    wanted = table.copy()
    wanted["b"] = np.where(table["a"] > 20, table["d"], table["b"])
    wanted.loc[0:2, "a"] = [100, 200, 300]
    same(fr, wanted)


def test_a_new_level_grows_the_domain(fr):
    fr[0, "c"] = "zz"
    assert fr["c"].categories() == ["u", "v", "w", "zz"]
    assert fr[0, "c"] == "zz"
    assert fr.summaries(["c"])["c"].counts[-1] == 1


def test_time_cells_take_dates():
    fr = H2OFrame(pd.DataFrame({"t": pd.to_datetime(["2020-01-01", "2021-01-01"])}))
    fr[0, "t"] = datetime.datetime(2022, 5, 6)
    assert fr.as_data_frame()["t"][0] == pd.Timestamp("2022-05-06")
    assert (fr["t"] > pd.Timestamp("2021-06-01")).sum() == 1


def test_wrong_cells_are_refused(fr):
    with pytest.raises(H2OValueError, match="'a'"):
        fr[0, "a"] = "text"
    with pytest.raises(H2OValueError, match="'c'"):
        fr[0, "c"] = 3
    with pytest.raises(H2OValueError, match="'z'"):
        fr[0, "z"] = 3
    with pytest.raises(H2OValueError, match="rows"):
        fr[0:3, "a"] = H2OFrame([1, 2])


# ---- dropping --------------------------------------------------------------------------------------------------------
def test_drop_leaves_the_frame_alone_and_pop_does_not(fr, table):
    same(fr.drop("a"), table.drop(columns="a"))
    same(fr.drop([0, "c"]), table[["b", "d"]])
    same(fr.drop(-1), table[["a", "b", "c"]])
    same(fr.drop([0, 2], axis=0), table.drop([0, 2]))
    popped = fr.pop("b")
    same(popped, table[["b"]])
    same(fr, table.drop(columns="b"))
    same(fr.pop(0), table[["a"]])
    for wrong in ("z", ["z"], 9):
        with pytest.raises(H2OValueError):
            fr.drop(wrong)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_rows_of_any_cut_are_those_of_pandas(data):
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    total = sum(sizes)
    numbers = data.draw(st.lists(st.integers(-total, total - 1), max_size=8))
    whole = H2OFrame({"x": list(range(total))})
    starts = np.cumsum([0, *sizes[:-1]])
    pieces = [whole[int(s) : int(s + n), :] for s, n in zip(starts, sizes, strict=True)]
    fr = pieces[0].rbind(pieces[1:])
    assert fr[numbers, :].as_data_frame()["x"].tolist() == [n % total for n in numbers]


def test_a_column_of_bool_is_a_mask_like_any_comparison(cut):
    table = pd.DataFrame({"b": pd.array([True, False, None, True] * 5, "boolean"), "x": range(20)})
    fr = cut(table)
    assert fr.types["b"] == "enum"
    yes = table["b"].fillna(False).astype(bool)
    assert fr[fr["b"]]["x"].as_data_frame()["x"].tolist() == table["x"][yes].tolist()
    assert fr[fr["b"] & (fr["x"] > 9), "x"].as_data_frame()["x"].tolist() == table["x"][yes & (table["x"] > 9)].tolist()
    assert fr[~fr["b"], "x"].as_data_frame()["x"].tolist() == table["x"][table["b"] == False].tolist()  # noqa: E712
    assert (fr["b"] == True).sum() == 10  # noqa: E712
    assert (fr["b"] != False).sum() == 15  # noqa: E712  a missing cell is unequal to all
    assert fr["b"].ifelse(1, 0).sum() == 10
    assert (fr["b"].any(), fr["b"].all()) == (True, False)
    fr[fr["b"], "x"] = -1
    assert (fr["x"] == -1).sum() == 10
    with pytest.raises(H2OValueError, match="must hold numbers"):
        fr[H2OFrame(["no", "yes"] * 10)]


def test_a_small_wide_table_is_read_cell_by_cell_with_one_question(monkeypatch):
    table = pd.DataFrame(np.arange(7 * 500).reshape(7, 500), columns=[f"c{i}" for i in range(500)])
    fr = H2OFrame(table)
    asked = []
    monkeypatch.setattr(
        "frames.cluster.reorder.gather", lambda futures, what: asked.append(len(futures)) or client().gather(futures)
    )
    assert [fr[3, i] for i in range(500)] == table.iloc[3].tolist()
    assert [fr[name].as_data_frame()[name].sum() for name in ("c7", "c499")] == [table["c7"].sum(), table["c499"].sum()]
    assert [n for n in asked if n] == [1]


def test_what_is_read_is_a_copy():
    fr = H2OFrame({"x": [1.5, 2.5, None], "s": ["a", "b", None]}, column_types={"s": "string"})
    shown = fr.as_data_frame()
    shown.loc[0, "x"] = -1.0
    shown.loc[:, "s"] = "changed"
    as_array = np.asarray(fr["x"])
    as_array[:] = 7
    assert fr[0, "x"] == 1.5
    assert fr[1, "s"] == "b"
    assert fr.as_data_frame()["x"].tolist()[:2] == [1.5, 2.5]
