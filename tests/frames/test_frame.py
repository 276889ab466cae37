"""What a frame is: its construction from Python objects, its names and keys, its chunks, and its end."""

import copy
import datetime

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster import registry
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.frame import Group, H2OFrame
from frames.functions import as_list, assign, deep_copy, get_frame

pytestmark = pytest.mark.usefixtures("client")


def mixed(rows=40, seed=0):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "i": random.integers(-5, 6, rows),
            "r": random.normal(size=rows).round(3),
            "e": pd.Categorical.from_codes(random.integers(-1, 3, rows), ["high", "low", "mid"]),
            "m": np.where(random.random(rows) < 0.3, np.nan, random.integers(0, 9, rows)),
        }
    )


# ---- construction ----------------------------------------------------------------------------------------------------
def test_a_dict_of_columns_keeps_names_types_and_missing_cells():
    fr = H2OFrame({"x": [1, 2, None], "y": ["a", None, "b"], "z": [0.5, 1.5, float("nan")]})
    assert fr.names == fr.columns == fr.col_names == ["x", "y", "z"]
    assert fr.types == {"x": "int", "y": "enum", "z": "real"}
    assert (fr.nrow, fr.nrows, fr.ncol, fr.ncols) == (3, 3, 3, 3)
    assert (fr.shape, fr.dim, len(fr)) == ((3, 3), [3, 3], 3)
    assert fr.nacnt() == [1, 1, 1]
    assert fr.levels() == [[], ["a", "b"], []]


def test_a_list_of_rows_is_data_and_names_are_c1_c2():
    fr = H2OFrame([[1, "a"], [2, "b"], (3, "a")])
    assert fr.names == ["C1", "C2"]
    assert fr.as_data_frame()["C2"].tolist() == ["a", "b", "a"]


def test_a_flat_list_is_one_column():
    fr = H2OFrame([1.5, 2, None])
    assert fr.shape == (3, 1)
    assert fr.nacnt() == [1]


def test_short_rows_end_in_missing_cells():
    fr = H2OFrame([[1, 2, 3], [4]])
    assert fr.nacnt() == [0, 1, 1]


def test_a_first_row_of_text_above_numbers_is_missing():
    with pytest.warns(UserWarning, match=r"column 'C1' \(int\) 1 of 3 cells \('x'\)"):
        fr = H2OFrame([["x", "y"], [1, "a"], [2, "b"]])
    assert fr.types == {"C1": "int", "C2": "enum"}
    assert fr.nacnt() == [1, 0]


def test_a_first_row_of_names_is_taken_with_header_1():
    fr = H2OFrame([["x", "y"], [1, 2], [3, 4]], header=1)
    assert fr.names == ["x", "y"]
    assert fr.sum() == 10.0


def test_names_types_and_na_words_may_be_given():
    fr = H2OFrame(
        [["1", "u"], ["-", "v"], ["3", "u"]], column_names=["n", "t"], column_types={"t": "string"}, na_strings=["-"]
    )
    assert fr.types == {"n": "int", "t": "string"}
    assert fr.nacnt() == [1, 0]


def test_declared_types_win_over_guesses():
    with pytest.warns(UserWarning, match=r"column 'y' \(int\) 1 of 3 cells \('x'\)"):
        fr = H2OFrame({"x": [2, 10, 1], "y": ["1", "2", "x"]}, column_types=["enum", "numeric"])
    assert fr.types == {"x": "enum", "y": "int"}
    assert fr["x"].categories() == ["1", "10", "2"]
    assert fr["y"].nacnt() == [1]


def test_columns_can_be_skipped():
    assert H2OFrame({"a": [1], "b": [2], "c": [3]}, skipped_columns=["b"]).names == ["a", "c"]
    assert H2OFrame(np.eye(3), skipped_columns=[0]).names == ["C2", "C3"]


def test_arrays_become_columns():
    array = np.arange(12.0).reshape(4, 3) / 2
    fr = H2OFrame(array, column_names=["a", "b", "c"])
    np.testing.assert_array_equal(fr.as_data_frame().to_numpy(), array)
    assert H2OFrame(np.array([True, False])).types == {"C1": "enum"}
    assert H2OFrame(np.empty((0, 3))).types == {"C1": "real", "C2": "real", "C3": "real"}
    assert H2OFrame(np.empty((2, 0))).shape == (0, 0)
    masked = H2OFrame(np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]))
    assert masked.nacnt() == [0, 1]


def test_pandas_columns_keep_their_kind():
    table = mixed()
    table["t"] = pd.Timestamp("2020-02-29 12:00") + pd.to_timedelta(np.arange(len(table)), "h")
    fr = H2OFrame(table)
    assert fr.types == {"i": "int", "r": "real", "e": "enum", "m": "int", "t": "time"}
    back = fr.as_data_frame()
    assert back["i"].dtype == np.int64
    assert back["m"].dtype == np.float64
    assert (back["t"].to_numpy() == table["t"].to_numpy()).all()
    pd.testing.assert_series_equal(back["m"], table["m"], check_dtype=False)
    assert back["e"].isna().tolist() == table["e"].isna().tolist()


def test_none_nan_and_pandas_na_are_all_missing():
    table = pd.DataFrame({"o": ["a", None, np.nan, pd.NA], "n": pd.array([1, None, 3, pd.NA], dtype="Int64")})
    fr = H2OFrame(table)
    assert fr.nacnt() == [3, 2]
    assert fr["o"].categories() == ["a"]


class Stream:
    """A table that knows nothing but Arrow's PyCapsule interface, as those of Polars and DuckDB."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def test_whatever_speaks_arrows_interface_becomes_a_frame():
    codes = pa.array([1, 0, None], pa.uint32())
    table = pa.table(
        {
            "x": [1, None, 3],
            "s": pa.array(["a", None, " b"], pa.string_view()),
            "b": [True, None, False],
            "e": pa.DictionaryArray.from_arrays(codes, pa.array(["z", "u"], pa.large_string())),
            "t": pa.array([datetime.datetime(1970, 1, 2)] * 3).cast(pa.timestamp("ns", "Europe/Paris")),
        }
    )
    types = {"x": "int", "s": "enum", "b": "enum", "e": "enum", "t": "time"}
    batches = table.to_batches()
    for source in (table, batches[0], pa.RecordBatchReader.from_batches(table.schema, batches), Stream(table)):
        fr = H2OFrame(source)
        assert (fr.types, fr.nacnt()) == (types, [1, 1, 1, 1, 0])
        assert fr.levels() == [[], [" b", "a"], ["False", "True"], ["z", "u"], []]
        assert fr[0, "t"] == 86400000
    assert H2OFrame(table, column_types={"x": "enum"}, skipped_columns=["t"]).types["x"] == "enum"
    for column in (table["x"], pa.array([1, None, 3]), Stream(table["x"])):
        assert H2OFrame(column).as_data_frame()["C1"].tolist()[::2] == [1, 3]
    with pytest.raises(H2OTypeError, match=r"Column 'd' cannot be read.*durations"):
        H2OFrame(pa.table({"d": [datetime.timedelta(1)]}))
    with pytest.raises(H2OTypeError, match=r"Column 'C1' cannot be read.*scalars; got list"):
        H2OFrame(Stream(pa.chunked_array([[[1], [2]]])))


@pytest.mark.parametrize("make", [H2OFrame, lambda table, **more: H2OFrame(dd.from_pandas(table), **more)])
def test_columns_of_one_name_are_told_apart(make):
    table = pd.DataFrame([[1, 2, 3, 4]], columns=["a", "a", "a.1", ""])
    with pytest.warns(UserWarning, match=r"'a' stands for 2 columns, which are called a, a\.2\. Give column_names"):
        fr = make(table)
    assert fr.names == ["a", "a.2", "a.1", "C4"]
    assert fr.getrow() == [1, 2, 3, 4]
    assert make(table, column_names=list("wxyz"), skipped_columns=[0]).names == ["x", "y", "z"]


def test_a_sparse_matrix_becomes_dense_columns():
    matrix = scipy.sparse.random(50, 6, density=0.2, random_state=1, format="csr")
    np.testing.assert_array_equal(H2OFrame(matrix).as_data_frame().to_numpy(), matrix.toarray())


def test_a_dask_frame_becomes_a_frame_and_comes_back():
    table = mixed(60)
    ddf = dd.from_pandas(table, npartitions=3)
    fr = H2OFrame(ddf)
    assert fr.shape == (60, 4)
    again = H2OFrame(fr.ddf)
    pd.testing.assert_frame_equal(again.as_data_frame(), fr.as_data_frame())


def test_another_frame_gives_a_copy_that_does_not_follow():
    first = H2OFrame({"x": [1, 2]})
    second = H2OFrame(first)
    second["x"] = 0
    assert first.sum() == 3.0
    assert second.frame_id != first.frame_id


def test_an_empty_frame_has_no_rows_and_no_columns():
    fr = H2OFrame()
    assert fr.shape == (0, 0)
    assert "empty" in str(fr)
    assert fr.cbind(H2OFrame({"x": [1]})).shape == (1, 1)


@pytest.mark.parametrize(
    ("obj", "error", "words"),
    [
        (object(), H2OTypeError, "got object"),
        ("text", H2OTypeError, "got str"),
        ({"a": [1, 2], "b": [1]}, H2OValueError, "'b' has 1"),
        ([[1], 2], H2OValueError, "item 1"),
        (np.zeros((2, 2, 2)), H2OValueError, "got 3"),
    ],
)
def test_what_cannot_be_a_frame_is_refused(obj, error, words):
    with pytest.raises(error, match=words):
        H2OFrame(obj)


def test_wrong_options_are_refused():
    with pytest.raises(H2OValueError, match="header"):
        H2OFrame([[1]], header=2)
    with pytest.raises(H2OValueError, match="column_names"):
        H2OFrame([[1, 2]], column_names=["a"])
    with pytest.raises(H2OValueError, match="skipped"):
        H2OFrame([[1, 2]], skipped_columns=["x"])
    with pytest.raises(H2OValueError, match="column_types"):
        H2OFrame(H2OFrame([[1]]), column_types=["enum"])


# ---- names -----------------------------------------------------------------------------------------------------------
def test_names_can_be_set_in_place():
    fr = H2OFrame({"a": [1], "b": [2]})
    assert fr.set_names(["x", "y"]) is fr
    fr.names = ["p", "q"]
    fr.columns = ["r", "s"]
    fr.set_name("r", "t")
    fr.set_name(1, "u")
    fr.rename({"u": "v", "nobody": "z"})
    assert fr.names == ["t", "v"]
    assert fr["v"].flatten() == 2


def test_bad_names_are_refused():
    fr = H2OFrame({"a": [1], "b": [2]})
    for names in (["x"], ["x", "x"]):
        with pytest.raises(H2OValueError):
            fr.set_names(names)
    with pytest.raises(H2OValueError, match="already"):
        fr.set_name("a", "b")
    with pytest.raises(H2OValueError, match="'c'"):
        fr.set_name("c", "d")
    with pytest.raises(H2OTypeError):
        fr.set_names([1, 2])
    assert fr.names == ["a", "b"]


def test_renaming_a_selection_leaves_the_frame_alone():
    fr = H2OFrame({"a": [1], "b": [2]})
    fr[["a"]].set_names(["z"])
    fr[:, :].set_name("a", "z")
    assert fr.names == ["a", "b"]


# ---- keys ------------------------------------------------------------------------------------------------------------
def test_frames_are_found_by_their_id():
    fr = H2OFrame({"a": [1]}, destination_frame="mine")
    assert fr.frame_id == fr.key == "mine"
    assert get_frame("mine") is fr
    assert H2OFrame.get_frame("mine") is fr
    assert get_frame("nobody") is None
    fr.frame_id = "yours"
    assert get_frame("mine") is None
    assert get_frame("yours") is fr
    with pytest.raises(H2OTypeError):
        fr.frame_id = 3


def test_a_computed_frame_gets_a_key_only_when_asked():
    fr = H2OFrame({"a": [1]}, destination_frame="f")
    doubled = fr * 2
    assert registry.keys() == ["f"]
    key = doubled.frame_id
    assert key.startswith("py_")
    assert get_frame(key) is doubled
    del doubled
    assert get_frame(key) is None


def test_assign_and_deep_copy():
    fr = H2OFrame({"a": [1]})
    assert assign(fr, "one") is fr
    copy = deep_copy(fr, "two")
    copy["a"] = 5
    assert (fr["a"].flatten(), copy["a"].flatten()) == (1, 5)
    assert get_frame("two") is copy
    with pytest.raises(H2OValueError):
        deep_copy(fr, "one")
    with pytest.raises(H2OTypeError):
        assign([1], "x")
    assert as_list(fr, use_pandas=False) == [["a"], ["1"]]


def test_python_copies_share_chunks_but_not_names():
    fr = H2OFrame({"a": [1, 2]})
    for copied in (copy.copy(fr), copy.deepcopy(fr)):
        copied.set_names(["z"])
        copied[0, "z"] = 9
        assert fr.names == ["a"]
        assert fr.sum() == 3.0


def test_what_is_handed_over_can_be_changed_without_changing_the_frame(cut):
    fr = cut(mixed(20), [20])
    before = fr.as_data_frame()
    shown = fr.as_data_frame()
    shown.loc[0, "r"] = 99.0
    array = np.asarray(fr[["r"]])
    array[0, 0] = 99.0
    pd.testing.assert_frame_equal(fr.as_data_frame(), before)


def test_numpy_gets_rows_and_columns():
    fr = H2OFrame({"a": [1, 2, 3], "b": [0.5, None, 2]})
    np.testing.assert_array_equal(np.asarray(fr), [[1, 0.5], [2, np.nan], [3, 2]])
    assert np.asarray(fr[["a"]], dtype=np.float32).dtype == np.float32


def test_a_thin_selection_is_joined_and_a_thick_one_keeps_its_partitions(cut):
    table = pd.DataFrame({"x": np.arange(4000)})
    fr = cut(table, [1000] * 4)
    assert len(fr[fr["x"] % 10 == 0].placement().rows) == 1
    assert fr[fr["x"] >= 0].placement().rows == (1000,) * 4


def test_a_removed_frame_says_so():
    fr = H2OFrame({"a": [1]}, destination_frame="gone")
    fr._discard()
    assert get_frame("gone") is None
    for attempt in (lambda: fr.names, lambda: fr.nrow, lambda: fr["a"], lambda: fr + 1, lambda: fr.frame_id + fr.names):
        with pytest.raises(FrameError, match="removed"):
            attempt()
    assert "removed" in str(fr)


# ---- chunks ----------------------------------------------------------------------------------------------------------
def test_a_frame_of_groups_finds_its_columns(client):
    chunks = [
        Chunk.pack([np.arange(3.0), np.array([0, 1, -1], np.int32)], ["int", "enum"], [None, 2]) for _ in range(2)
    ]
    more = [Chunk.pack([np.array([1.5, 2.5, 3.5])], ["real"], [None]) for _ in range(2)]
    groups = [Group(tuple(client.scatter(c)), n) for c, n in ((chunks, ("a", "b")), (more, ("c",)))]
    schema = Schema((Column("c", "real"), Column("b", "enum", ("u", "v")), Column("a", "int")))
    fr = H2OFrame._from_groups(schema, (3, 3), groups, "g")
    assert fr.schema == schema
    assert get_frame("g") is fr
    placement = fr.placement(["a", "c"])
    assert placement.rows == (3, 3)
    assert len(placement.parts) == 2
    for name, kind in (("a", "int"), ("c", "real")):
        g, position = placement.where[name]
        assert placement.parts[1][g].result().types[position] == kind
    with pytest.raises(H2OValueError, match="partition"):
        H2OFrame._from_groups(schema, (3, 3, 3), groups)
    with pytest.raises(H2OValueError, match="none"):
        H2OFrame._from_groups(Schema((Column("x", "int"),)), (3, 3), groups)


def test_selecting_binding_and_renaming_move_no_data(cut):
    fr = cut(mixed())
    chosen = fr[["r", "i"]].cbind(fr["e"])
    chosen.set_names(["x", "y", "z"])
    known = {future.key for part in fr.placement().parts for future in part}
    assert {future.key for part in chosen.placement().parts for future in part} <= known


def test_a_million_row_numbers_and_mask_cells_are_no_large_graph():
    size = 1_500_000
    fr = H2OFrame(np.arange(float(size)))
    order = np.random.default_rng(0).permutation(size)
    turned = fr[order, :]
    assert (turned[0, 0], turned[size - 1, 0]) == (order[0], order[-1])
    mask = order % 2 == 0
    assert fr[mask].sum() == float(np.flatnonzero(mask).sum())


def test_huge_whole_numbers_are_shown_as_doubles():
    fr = H2OFrame({"x": [1e300, 2.0], "y": [1, 2]})
    assert fr.as_data_frame()["x"].tolist() == [1e300, 2.0]
    assert fr.ddf.compute()["x"].tolist() == [1e300, 2.0]
    assert (fr["x"] * 1).types == {"x": "real"}
    assert fr["y"].ddf.compute()["y"].dtype == np.int64


def test_summaries_are_those_of_all_rows_and_are_remembered(cut):
    table = mixed(100)
    fr = cut(table)
    found = fr.summaries()
    assert list(found) == fr.names
    assert found["r"].mean == pytest.approx(table["r"].mean())
    assert found["r"].sigma == pytest.approx(table["r"].std())
    assert found["m"].missing == table["m"].isna().sum()
    assert found["e"].counts.tolist() == table["e"].value_counts(sort=False).tolist()
    assert fr[["r"]].summaries()["r"] is found["r"]
    with pytest.raises(H2OValueError, match="'nope'"):
        fr.summaries(["nope"])


def test_computed_columns_know_their_type_when_asked():
    fr = H2OFrame({"x": [1, 2, 3]})
    assert (fr / 2).types == {"x": "real"}
    assert (fr * 2).types == {"x": "int"}
    assert (fr > 1).types == {"x": "int"}


def test_whole_numbers_beyond_doubles_stay_exact(cut):
    table = pd.DataFrame({"k": np.array([2**60 + 1, 5, 2**60 + 3, 7, 8, 9, 10, 11, 12, 13])})
    fr = cut(table)
    assert fr.as_data_frame()["k"].tolist() == table["k"].tolist()
    assert fr.sort("k").as_data_frame()["k"].tolist()[:2] == [5, 7]
    assert fr[[2, 0], :].as_data_frame()["k"].tolist() == [2**60 + 3, 2**60 + 1]


# ---- the Dask face ---------------------------------------------------------------------------------------------------
def test_the_dask_face_shows_what_the_frame_holds(cut):
    table = mixed(50)
    ddf = cut(table).ddf
    assert ddf.npartitions == 4
    assert ddf.known_divisions
    shown = ddf.compute()
    assert shown["i"].dtype == np.int64
    assert shown["m"].dtype == np.float64
    pd.testing.assert_frame_equal(shown.assign(e=shown["e"].astype(object)), table.assign(e=table["e"].astype(object)))
    positive = ddf[ddf["i"] > 0].groupby("i")["r"].sum().compute().sort_index()
    pd.testing.assert_series_equal(positive, table[table["i"] > 0].groupby("i")["r"].sum())


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.floats(allow_nan=False), st.none() | st.text("ab,\"'é", min_size=1, max_size=4)),
        min_size=1,
    )
)
def test_any_cells_come_back_as_they_were(rows):
    numbers, texts = zip(*rows, strict=True)
    fr = H2OFrame({"n": list(numbers), "t": list(texts)}, column_types={"t": "string", "n": "real"})
    back = fr.as_data_frame()
    np.testing.assert_array_equal(back["n"].to_numpy(float), np.array([np.nan if v is None else v for v in numbers]))
    found = [None if v is np.nan or v != v else v for v in back["t"]]
    assert found == list(texts)
