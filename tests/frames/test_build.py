"""Frames from arrays, pandas, Dask and sparse tables."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from frames import build, session
from frames.build import frame_from_columns, frame_from_ddf, frame_from_pandas, frame_from_sparse, typed
from frames.errors import H2OTypeError, H2OValueError

pytestmark = pytest.mark.usefixtures("client")
NAN = float("nan")


def texts(found):
    """A typed column as plain values, None for missing."""
    if found.type == "enum":
        return [None if code < 0 else found.domain[code] for code in found.values]
    if found.values.dtype == object:
        return found.values.tolist()
    values = found.values.tolist()
    return [None if v != v or v == -(2**63) else v for v in values]


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([1, 2, 3], "int", [1, 2, 3]),
        ([1, None, 3], "int", [1.0, None, 3.0]),
        ([1.5, NAN], "real", [1.5, None]),
        ([1.0, 2.0], "int", [1.0, 2.0]),
        ([np.inf], "real", [np.inf]),
        ([], "real", []),
        ([None, None], "real", [None, None]),
        ([True, False], "int", [1, 0]),
        ([True, None], "int", [1, None]),
        (np.array([True, False]), "int", [1, 0]),
        (np.array([1, 2], np.uint8), "int", [1, 2]),
        ([2**60 + 1, None], "int", [2**60 + 1, None]),
        (np.array([2**60 + 1]), "int", [2**60 + 1]),
        (["a", None, "", "NA", NAN, " b"], "enum", ["a", None, None, None, None, "b"]),
        (["1", "2.5", None], "real", [1.0, 2.5, None]),
        (["2007-11-6"], "time", [1194307200000.0]),
        (["a", 1, 2.0], "enum", ["a", "1", "2"]),
        (np.array(["x", "y"]), "enum", ["x", "y"]),
        (pd.Series([1, None, 3], dtype="Int64"), "int", [1, None, 3]),
        (pd.Series([2**60 + 1, None], dtype="Int64"), "int", [2**60 + 1, None]),
        (pd.Series([1.5, None], dtype="Float64"), "real", [1.5, None]),
        (pd.Series([True, None], dtype="boolean"), "int", [1, None]),
        (pd.Series(["a", None], dtype="string"), "enum", ["a", None]),
        (pd.Series(["a", pd.NA, None, NAN, pd.NaT], dtype=object), "enum", ["a", None, None, None, None]),
        (pd.Series(pd.Categorical(["z", None, "a"], ["z", "a", "q"])), "enum", ["z", None, "a"]),
        (pd.Series(pd.Categorical([2, 1], [2, 1])), "enum", ["2", "1"]),
        (pd.to_datetime(["1970-01-01 00:00:01.5", None]), "time", [1500.0, None]),
        (pd.to_datetime(["1970-01-01 02:00"]).tz_localize("Europe/Paris"), "time", [3600000.0]),
        (np.array(["1969-12-31T23:59:59.999", "NaT"], "M8[ns]"), "time", [-1.0, None]),
        (pd.Series([0, 0, 3.5], dtype="Sparse[float64]"), "real", [0, 0, 3.5]),
        (pd.arrays.SparseArray([0, 1]), "int", [0, 1]),
        ((i for i in [1, 2]), "int", [1, 2]),
    ],
    ids=repr,
)
def test_columns_of_all_kinds(values, type_, expected):
    found = typed(values)
    assert found.type == type_
    assert texts(found) == expected


def test_pandas_categories_keep_their_order_and_unused_levels():
    assert typed(pd.Series(pd.Categorical(["z"], ["z", "a"]))).domain == ("z", "a")
    assert typed(["z", "a"]).domain == ("a", "z")


@pytest.mark.parametrize(
    ("values", "type_", "found", "domain"),
    [
        ([10, 9, None], "enum", [1, 0, -1], ("9", "10")),
        ([1.5, 2.0], "enum", [0, 1], ("1.5", "2")),
        (["x", "5"], "real", [NAN, 5.0], None),
        ([5, None], "string", ["5", None], None),
        (["b", "a"], "string", ["b", "a"], None),
        ([1000.0], "time", [1000.0], None),
        (["2", "1"], "enum", [1, 0], ("1", "2")),
        ([1, 0], "real", [1, 0], None),
    ],
    ids=repr,
)
def test_a_declared_type_rules(values, type_, found, domain):
    got = typed(values, type_)
    assert (got.type, got.domain) == (type_, domain)
    np.testing.assert_array_equal(got.values, np.array(found, got.values.dtype))


def test_codes_and_a_domain_make_an_enum():
    assert texts(typed(np.array([1, -1, 0]), domain=["x", "y"])) == ["y", None, "x"]
    assert texts(typed(["y", "q"], "enum", ["x", "y"])) == ["y", None]
    with pytest.raises(H2OValueError, match=r"between -1 and 1.*got 2 to 2"):
        typed(np.array([2]), domain=["x", "y"])


@pytest.mark.parametrize(
    "values",
    [[[1], [2]], [{"a": 1}], np.zeros((2, 2)), np.array([1j]), np.array([1], "m8[s]"), [np.zeros(2), 1]],
    ids=repr,
)
def test_what_is_no_column_is_refused(values):
    with pytest.raises(H2OTypeError, match="column"):
        typed(values)


def test_columns_make_a_frame():
    frame = frame_from_columns(["n", "k"], [None, "enum"], [[1, 2], [3, 4]], "mine")
    assert frame.types == {"n": "int", "k": "enum"}
    assert session.get("mine") is frame
    with pytest.raises(H2OValueError, match=r"same number of rows.*'n': 2, 'k': 1"):
        frame_from_columns(["n", "k"], None, [[1, 2], [3]])
    with pytest.raises(H2OValueError, match="'n' occurs more than once"):
        frame_from_columns(["n", "n"], None, [[1], [2]])
    with pytest.raises(H2OValueError, match="'n' must be one of"):
        frame_from_columns(["n"], ["numbr"], [[1]])
    with pytest.raises(H2OValueError, match="needs a name"):
        frame_from_columns(["n"], None, [[1], [2]])


def test_rows_are_cut_in_partitions_of_bounded_size(monkeypatch):
    monkeypatch.setattr(build, "PARTITION_BYTES", 8000)
    values = np.random.default_rng(1).normal(size=10_000)
    frame = frame_from_columns(["x"], None, [values])
    assert len(frame.placement().rows) == 10
    np.testing.assert_array_equal(frame.as_data_frame()["x"], values)


def test_large_frames_are_scattered_and_small_ones_can_be_made_again(monkeypatch):
    scheduler = session.client().cluster.scheduler
    small = frame_from_columns(["x"], None, [[1, 2]])
    assert small.max() == 2
    assert scheduler.tasks[small.placement().parts[0][0].key].run_spec is not None
    monkeypatch.setattr(build, "_GRAPH_BYTES", 0)
    large = frame_from_columns(["x"], None, [np.arange(5000) * 0.37])
    assert scheduler.tasks[large.placement().parts[0][0].key].run_spec is None
    assert large.max() == 4999 * 0.37


TABLE = pd.DataFrame(
    {
        "i": [1, 2, 3, 4],
        "f": [0.5, NAN, 1.5, 2.5],
        "b": [True, False, True, True],
        "s": ["x", None, "y", "x"],
        "c": pd.Categorical(["u", "v", None, "u"], ["v", "u"]),
        "t": pd.to_datetime(["2001-01-01", None, "2001-01-02", "2001-01-03"]),
    },
    index=[9, 8, 7, 6],
)
TYPES = {"i": "int", "f": "real", "b": "int", "s": "enum", "c": "enum", "t": "time"}


def check(frame):
    assert frame.types == TYPES
    assert frame["c"].levels() == [["v", "u"]]
    got = frame.as_data_frame()
    np.testing.assert_array_equal(got["f"], TABLE["f"])
    assert got["b"].tolist() == [1, 0, 1, 1]
    assert [None if pd.isna(v) else v for v in got["s"]] == ["x", None, "y", "x"]
    assert got["t"].dt.day.tolist()[2:] == [2, 3]


def test_a_pandas_table_becomes_a_frame_and_stays_as_it_is():
    before = TABLE.copy(deep=True)
    check(frame_from_pandas(TABLE))
    pd.testing.assert_frame_equal(TABLE, before)
    assert frame_from_pandas(TABLE, types={"i": "enum"}).types["i"] == "enum"
    with pytest.raises(H2OValueError, match="got 'nope'"):
        frame_from_pandas(TABLE, types={"nope": "enum"})
    with pytest.raises(H2OTypeError, match="got dict"):
        frame_from_pandas({"a": [1]})


def test_a_dask_table_becomes_a_frame_of_its_partitions():
    import dask.dataframe as dd

    frame = frame_from_ddf(dd.from_pandas(TABLE.sort_index(), npartitions=2, sort=False))
    assert len(frame.placement().rows) == 2
    assert frame.types == TYPES
    assert frame["c"].levels() == [["v", "u"]]
    assert frame.as_data_frame()["i"].tolist() == [4, 3, 2, 1]
    with pytest.raises(H2OTypeError, match="got DataFrame"):
        frame_from_ddf(TABLE)


def test_levels_of_dask_text_are_those_of_all_partitions():
    import dask.dataframe as dd

    table = pd.DataFrame({"k": ["b", "a", "c", "a"], "d": ["2001-01-01", "2001-01-02", "x", None]})
    frame = frame_from_ddf(dd.from_pandas(table, npartitions=2))
    assert frame["k"].levels() == [["a", "b", "c"]]
    assert frame.types["d"] == "enum"
    assert frame.as_data_frame()["k"].tolist() == ["b", "a", "c", "a"]


def test_a_sparse_matrix_becomes_a_frame():
    matrix = scipy.sparse.random(500, 30, 0.05, random_state=1, format="coo")
    frame = frame_from_sparse(matrix)
    assert frame.names[:2] == ["C1", "C2"]
    np.testing.assert_array_equal(frame.as_data_frame().to_numpy(), matrix.toarray())
    assert frame_from_sparse(scipy.sparse.eye(3), ["a", "b", "c"]).types == {"a": "int", "b": "int", "c": "int"}
    with pytest.raises(H2OValueError, match="3 columns; got 1"):
        frame_from_sparse(scipy.sparse.eye(3), ["a"])
    with pytest.raises(H2OTypeError, match="got ndarray"):
        frame_from_sparse(np.eye(3))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(max_size=3), st.dates())))
def test_any_list_of_scalars_is_a_column(values):
    found = typed(values)
    assert len(found.values) == len(values)
    for value, kept in zip(values, texts(found), strict=True):
        if value is None or value != value:
            assert kept is None
        elif found.type == "enum" and isinstance(value, str):
            assert kept == (value.strip() or None) or (value.strip() == "NA" and kept is None)


def test_dates_of_python_are_times():
    assert typed([dt.date(1970, 1, 2), None]).values.tolist()[0] == 86400000.0
    assert typed([dt.datetime(1970, 1, 1, 0, 0, 1)]).values.tolist() == [1000.0]
