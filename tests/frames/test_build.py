"""Frames from arrays, pandas, Dask and sparse tables."""

import datetime as dt
import decimal
import re

import dask
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from framed import frame_from_columns, frame_from_ddf, frame_from_pandas, frame_from_sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.cluster import session
from frames.columns import kinds
from frames.columns.dictionary import encode
from frames.columns.values import typed
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame
from frames.table import make

pytestmark = pytest.mark.usefixtures("client")
NAN = float("nan")
UUID = "12345678-1234-1234-1234-123456789abc"


def shown(value):
    """A value as part of a test's name, which must be the same in every process."""
    return re.sub(r" at 0x\w+", "", repr(value))


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
        ([True, False], "enum", ["True", "False"]),
        ([True, None], "enum", ["True", None]),
        (np.array([True, False]), "enum", ["True", "False"]),
        ([1, "a", True], "enum", ["1", "a", "True"]),
        (np.array([1, 2], np.uint8), "int", [1, 2]),
        ([2**60 + 1, None], "int", [2**60 + 1, None]),
        (np.array([2**60 + 1]), "int", [2**60 + 1]),
        (["a", None, "", "NA", NAN, " b"], "enum", ["a", None, None, "NA", None, " b"]),
        ([" a", "a ", "a", "  "], "enum", [" a", "a ", "a", "  "]),
        (["NA", "nan", ""], "real", [None, None, None]),
        ([" 1", "2 ", "NA "], "int", [1, 2, None]),
        (["1", "2.5", None], "real", [1.0, 2.5, None]),
        (["1.0", "2e3"], "int", [1, 2000]),
        (["9007199254740993", "2.0", "NA"], "int", [2**53 + 1, 2, None]),
        ([1e30, 1.0], "real", [1e30, 1.0]),
        (["2007-11-6"], "time", [1194307200000.0]),
        (["a", "b", 2.0], "enum", ["a", "b", "2"]),
        ([decimal.Decimal("1.10"), decimal.Decimal("NaN")], "real", [1.1, None]),
        (np.array([b"x", b"y"]), "enum", ["x", "y"]),
        (np.ma.array([1, 2, 3], mask=[0, 1, 0]), "int", [1, None, 3]),
        (np.ma.array([2**60 + 1, 2], mask=[0, 1]), "int", [2**60 + 1, None]),
        (np.ma.array([0.5, 2.0], mask=[1, 0]), "int", [None, 2.0]),
        (np.ma.array([True, False], mask=[0, 1]), "enum", ["True", None]),
        (np.ma.array(["x", "y"], mask=[0, 1]), "enum", ["x", None]),
        (np.ma.array(["1970-01-02", "1970-01-03"], dtype="M8[D]", mask=[0, 1]), "time", [86400000.0, None]),
        ([np.ma.masked, 2], "int", [None, 2]),
        (np.array(["x", "y"]), "enum", ["x", "y"]),
        (pd.Series([1, None, 3], dtype="Int64"), "int", [1, None, 3]),
        (pd.Series([2**60 + 1, None], dtype="Int64"), "int", [2**60 + 1, None]),
        (pd.Series([1.5, None], dtype="Float64"), "real", [1.5, None]),
        (pd.Series([True, None], dtype="boolean"), "enum", ["True", None]),
        (pd.Series(["a", None], dtype="string"), "enum", ["a", None]),
        (pd.Series([" 7", None, "8"], dtype="string"), "int", [7, None, 8]),
        (pd.Series([1, 2.5, None], dtype=object), "real", [1, 2.5, None]),
        (pd.Series(pd.Categorical(["", "NA", " a"])), "enum", [None, "NA", " a"]),
        (pd.Series([2**60 + 1, None], dtype="int64[pyarrow]"), "int", [2**60 + 1, None]),
        (pd.Series([True, None], dtype="bool[pyarrow]"), "enum", ["True", None]),
        (pd.Series(["a", None, " a"], dtype=pd.ArrowDtype(pa.string())), "enum", ["a", None, " a"]),
        (pd.Series([dt.datetime(1970, 1, 2), None], dtype="timestamp[ns][pyarrow]"), "time", [86400000.0, None]),
        (pa.array([dt.date(1970, 1, 2), None]), "time", [86400000.0, None]),
        (pa.array([decimal.Decimal("1.50"), None]), "real", [1.5, None]),
        (pa.array([decimal.Decimal(2**60 + 1)]), "int", [2**60 + 1]),
        (pa.chunked_array([["b", None], ["a"]]), "enum", ["b", None, "a"]),
        (pa.array(["b", None, "a"]).dictionary_encode(), "enum", ["b", None, "a"]),
        (pa.nulls(2), "real", [None, None]),
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
    ids=shown,
)
def test_columns_of_all_kinds(values, type_, expected):
    found = typed(values)
    assert found.type == type_
    assert texts(found) == expected


def test_categories_keep_their_order_and_unused_levels():
    assert typed(pd.Series(pd.Categorical(["z"], ["z", "a"]))).domain == ("z", "a")
    assert typed(["z", "a"]).domain == ("a", "z")
    assert typed(pa.DictionaryArray.from_arrays([0, 0], ["z", "a"])).domain == ("z", "a")
    with pytest.raises(H2OValueError, match="Categories must differ"):
        typed(pd.Series(pd.Categorical([1, "1"])))


@pytest.mark.parametrize("values", [np.array([True]), pd.Series([True], dtype="boolean"), pa.array([True])], ids=shown)
def test_columns_of_bool_have_both_levels(values):
    assert typed(values).domain == ("False", "True")
    assert typed([True]).domain == ("True",)
    assert texts(typed(values, "int")) == [1]


@pytest.mark.parametrize(
    ("values", "type_", "found", "domain"),
    [
        ([10, 9, None], "enum", [0, 1, -1], ("10", "9")),
        ([1.5, 2.0], "enum", [0, 1], ("1.5", "2")),
        (["4", "5"], "real", [4.0, 5.0], None),
        ([1.5, -2.7, 3.0], "real", [1.5, -2.7, 3.0], None),
        ([True, False, None], "int", [1, 0, NAN], None),
        (["True", "False"], "real", [1, 0], None),
        ([dt.datetime(1970, 1, 1, 0, 0, 1)], "string", ["1970-01-01 00:00:01"], None),
        (["1970-01-02", "2"], "time", [86400000.0, 2.0], None),
        (["1970-01-02", "2-Jan-1970"], "time", [86400000.0, 86400000.0], None),
        ([5, None], "string", ["5", None], None),
        (["b", "a"], "string", ["b", "a"], None),
        ([1000.0], "time", [1000.0], None),
        (["2", "1"], "enum", [1, 0], ("1", "2")),
        ([1, 0], "real", [1, 0], None),
    ],
    ids=shown,
)
def test_a_declared_type_rules(values, type_, found, domain):
    got = typed(values, type_)
    assert (got.type, got.domain) == (type_, domain)
    np.testing.assert_array_equal(got.values, np.array(found, got.values.dtype))


def test_a_declared_type_never_changes_a_number():
    assert typed([1.5, 3], "int")[1:3] == ("real", None)
    assert typed(["1.5", "3"], "int").type == "real"
    long = typed([2**53 + 1, 1], "real")
    assert (long.type, long.values.tolist()) == ("int", [2**53 + 1, 1])
    assert typed(["9007199254740993", "1"], "real").values.tolist() == [2**53 + 1, 1]


@pytest.mark.parametrize(
    ("values", "wanted", "type_", "kept", "given_up"),
    [
        (["1", "x", "2", "x", "y", 4, 5], None, "int", [1, None, 2, None, None, 4, 5], (3, 7, (("x", 2), ("y", 1)))),
        (["1", "x", "NA"], None, "enum", ["1", "x", "NA"], None),
        ([1, 2, "x"], None, "int", [1, 2, None], (1, 3, (("x", 1),))),
        (["1970-01-02", "1970-01-03", "soon"], None, "time", [8.64e7, 17.28e7, None], (1, 3, (("soon", 1),))),
        (["1970-01-02", "soon"], "time", "time", [8.64e7, None], (1, 2, (("soon", 1),))),
        (["x", "5"], "real", "real", [None, 5], (1, 2, (("x", 1),))),
        (["x", "5"], "int", "int", [None, 5], (1, 2, (("x", 1),))),
        (["x", "True"], "int", "int", [None, None], (2, 2, (("True", 1), ("x", 1)))),
        ([UUID, UUID, "x"], None, "uuid", [UUID, UUID, None], (1, 3, (("x", 1),))),
        (["1/2/1970", "25/12/2007", "26/12/2007"], None, "time", [2678400000, 1198540800000, 1198627200000], None),
        (["1/2/1970", "1/13/1970", "13/1/1970"], None, "time", [8.64e7, 1.0368e9, None], (1, 3, (("13/1/1970", 1),))),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_given_up_and_counted(values, wanted, type_, kept, given_up):
    found = typed(values, wanted)
    assert (found.type, texts(found), found.given_up) == (type_, kept, given_up)


def test_a_part_keeps_many_texts_for_itself_where_they_are_no_levels(monkeypatch):
    monkeypatch.setattr(kinds, "MANY_LEVELS", 3)
    parts = {"numbers": ["1", "2", "3", "4", "x"] * 2, "words": ["a", "b", "c", "d", "1"] * 2, "few": ["1", "2"]}
    reports = {name: kinds.report(encode(texts), None) for name, texts in parts.items()}
    assert {name: report.levels for name, report in reports.items()} == {
        "numbers": (), "words": ("a", "b", "c", "d", "1"), "few": ("1", "2"),
    }  # fmt: skip
    assert kinds.report(encode(parts["numbers"]), "enum").levels == ("1", "2", "3", "4", "x")
    assert kinds.decide([reports["numbers"], reports["few"]])[0::4] == ("int", (2, 12, (("x", 2),)))
    assert kinds.decide([reports["numbers"], reports["words"], reports["words"]]).type == "string"


def test_a_frame_warns_once_of_the_cells_it_gives_up():
    table = {"x": [1, 2, 3, "oops", "oops", "?", 4, 5], "y": ["a"] * 8, "z": [1.5, 2.5, 3.5, 4.5, 5.5, "-", None, "NA"]}
    with pytest.warns(UserWarning, match="do not suit") as caught:
        H2OFrame(table)
    assert [str(warning.message) for warning in caught] == [
        "Cells that do not suit the type of their column are missing now: column 'x' (int) 3 of 8 cells ('oops' "
        "2 times, '?'). column 'z' (real) 1 of 6 cells ('-'). Keep them with column_types={'x': 'enum'}, or list them "
        "in na_strings if they mean missing."
    ]
    assert caught[0].filename == __file__


def test_codes_and_a_domain_make_an_enum():
    assert texts(typed(np.array([1, -1, 0]), domain=["x", "y"])) == ["y", None, "x"]
    assert texts(typed(["y", "q"], "enum", ["x", "y"])) == ["y", None]
    with pytest.raises(H2OValueError, match=r"between -1 and 1.*got 2 to 2"):
        typed(np.array([2]), domain=["x", "y"])


@pytest.mark.parametrize(
    "values",
    [
        [[1], [2]],
        [{"a": 1}],
        ["x", (1, 2)],
        np.zeros((2, 2)),
        [np.zeros(2), 1],
        pa.array([[1]]),
        np.array([1j]),
        [1j, "x"],
        np.zeros(2, "i4,i4"),
        np.array([1], "m8[s]"),
        np.ma.array([1, 2], mask=[0, 1], dtype="m8[s]"),
        [dt.timedelta(1), "x"],
        [np.timedelta64(1, "s")],
        pd.Series(pd.to_timedelta(["1D", None])),
        pd.Series([dt.timedelta(1)], dtype="duration[ns][pyarrow]"),
        pa.array([dt.timedelta(1)]),
        pd.Series(pd.Categorical(pd.to_timedelta(["1D"]))),
    ],
    ids=shown,
)
def test_what_is_no_column_is_refused(values):
    with pytest.raises(H2OTypeError, match="column"):
        typed(values)
    with pytest.raises(H2OTypeError, match="Column 'v' cannot be read"):
        frame_from_columns(["v"], None, [values])


def test_columns_make_a_frame():
    frame = frame_from_columns(["n", "k"], [None, "enum"], [[1, 2], [3, 4]])
    assert frame.types == {"n": "int", "k": "enum"}
    with pytest.raises(H2OValueError, match=r"same number of rows.*'n': 2, 'k': 1"):
        frame_from_columns(["n", "k"], None, [[1, 2], [3]])
    with pytest.raises(H2OValueError, match="'n' occurs more than once"):
        frame_from_columns(["n", "n"], None, [[1], [2]])
    with pytest.raises(H2OValueError, match="'n' must be one of"):
        frame_from_columns(["n"], ["numbr"], [[1]])
    with pytest.raises(H2OValueError, match="needs a name"):
        frame_from_columns(["n"], None, [[1], [2]])


def test_rows_are_cut_in_partitions_of_bounded_size(monkeypatch):
    monkeypatch.setattr(make, "PARTITION_BYTES", 8000)
    values = np.random.default_rng(1).normal(size=10_000)
    frame = frame_from_columns(["x"], None, [values])
    assert len(frame.placement().rows) == 10
    np.testing.assert_array_equal(frame.as_data_frame()["x"], values)


def test_large_frames_are_scattered_and_small_ones_can_be_made_again(monkeypatch):
    scheduler = session.client().cluster.scheduler
    small = frame_from_columns(["x"], None, [[1, 2]])
    assert small.max() == 2
    assert scheduler.tasks[small.placement().parts[0][0].key].run_spec is not None
    monkeypatch.setattr(make, "_GRAPH_BYTES", 0)
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
TYPES = {"i": "int", "f": "real", "b": "enum", "s": "enum", "c": "enum", "t": "time"}


def check(frame):
    assert frame.types == TYPES
    assert frame["c"].levels() == [["v", "u"]]
    got = frame.as_data_frame()
    np.testing.assert_array_equal(got["f"], TABLE["f"])
    assert frame["b"].levels() == [["False", "True"]]
    assert got["b"].tolist() == [True, False, True, True]
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

    table = pd.DataFrame({"k": ["b", "a", "c", "a"], "d": ["2001-01-01", "y", "x", None]})
    frame = frame_from_ddf(dd.from_pandas(table, npartitions=2))
    assert frame["k"].levels() == [["a", "b", "c"]]
    assert frame.types["d"] == "enum"
    assert frame.as_data_frame()["k"].tolist() == ["b", "a", "c", "a"]


def ddf_of(*partitions, meta=None):
    """A Dask DataFrame of these pandas tables, whatever they hold."""
    import dask.dataframe as dd

    return dd.from_map(lambda at: partitions[at], range(len(partitions)), meta=partitions[0] if meta is None else meta)


def test_partitions_without_rows_have_no_say():
    import dask.dataframe as dd

    table = TABLE.assign(I=pd.array([1, None, 3, 4], "Int64")).reset_index(drop=True)
    ddf = dd.from_pandas(table, npartitions=4)
    some = frame_from_ddf(ddf[ddf.i > 3])
    assert (some.nrow, some.types) == (1, {**TYPES, "I": "int"})
    assert some.as_data_frame().iloc[0, :4].tolist() == [4, 2.5, True, "x"]
    none = frame_from_ddf(ddf[ddf.i > 9])
    assert none.types == frame_from_pandas(table.iloc[:0]).types
    assert (none.nrow, none.types["b"], none.types["t"], none.types["i"]) == (0, "enum", "time", "real")
    assert none["c"].levels() == [["v", "u"]]
    mixed = ddf_of(table, table.iloc[:0].astype({"i": object}), table[["i"]].iloc[:0].reindex(columns=table.columns))
    assert frame_from_ddf(mixed).types == {**TYPES, "I": "int"}


def test_partitions_that_differ_from_their_table_are_brought_under_one_rule():
    meta = pd.DataFrame({"c": pd.Categorical([], ["b"]), "n": np.array([], int), "t": np.array([], "M8[ns]")})
    parts = [
        pd.DataFrame({"c": pd.Categorical(["b", "a"]), "n": [1, 2], "t": pd.to_datetime(["1970-01-02", None])}),
        pd.DataFrame({"c": pd.Categorical([" z", "b"]), "n": ["3", None], "t": ["1970-01-03", None]}),
        pd.DataFrame({"c": ["q", None], "n": [None, None], "t": pd.to_datetime(["1970-01-04", None])}),
    ]
    frame = frame_from_ddf(ddf_of(*parts, meta=meta))
    assert frame.types == {"c": "enum", "n": "int", "t": "time"}
    assert frame["c"].levels() == [["b", "a", " z", "q"]]
    got = frame.as_data_frame()
    assert got["c"].tolist()[:5] == ["b", "a", " z", "b", "q"]
    assert got["n"].tolist()[:3] == [1, 2, 3]
    assert got["t"].dt.day.tolist()[::2] == [2, 3, 4]
    with pytest.raises(H2OValueError, match=r"must have the columns \['c', 'n', 't'\].*one has \['c'\]"):
        frame_from_ddf(ddf_of(parts[0], parts[1][["c"]], meta=meta))
    plain = dask.config.set({"dataframe.convert-string": False})  # else Dask itself makes texts of the lists
    with plain, pytest.raises(H2OValueError, match=r"Column 'c' cannot be read.*got list in row 0"):
        frame_from_ddf(ddf_of(parts[0], parts[1].assign(c=[[1], [2]]), meta=meta))
    with pytest.raises(H2OTypeError, match=r"Column 'd' cannot be read.*durations"):
        frame_from_ddf(ddf_of(pd.DataFrame({"d": pd.to_timedelta([1, 2])})))


def test_types_and_words_for_missing_may_be_declared_of_a_dask_table():
    table = pd.DataFrame({"n": [1, 2, -9], "w": ["1", "2", "-"]})
    frame = frame_from_ddf(ddf_of(table, table), ["enum", "numeric"], [["-9"], ["-"]])
    assert frame.types == {"n": "enum", "w": "int"}
    assert (frame["n"].levels(), frame.nacnt()) == ([["1", "2"]], [2, 2])
    assert frame_from_ddf(ddf_of(table), None, [["-9"], ["-"]])["n"].nacnt() == [1]


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
        elif found.type in ("enum", "string") and isinstance(value, str):
            assert kept == (value or None)
        elif found.type == "enum" and isinstance(value, bool):
            assert kept == str(value)


def test_dates_of_python_are_times():
    assert typed([dt.date(1970, 1, 2), None]).values.tolist()[0] == 86400000.0
    assert typed([dt.datetime(1970, 1, 1, 0, 0, 1)]).values.tolist() == [1000.0]


@pytest.mark.parametrize(
    "values",
    [
        [-(2**63), 1],
        ["-9223372036854775808", "1"],
        [np.int64(-(2**63)), np.int64(2**53 + 1)],
        np.array([-(2**63), 1]),
        pd.Series([-(2**63), 1]),
        pd.array([-(2**63), 1], "Int64"),
        pd.Series([-(2**63), 1], dtype="int64[pyarrow]"),
    ],
)
def test_the_integer_that_stands_for_missing_inside_is_a_number_outside(values):
    found = typed(values)
    assert (found.type, found.values[0]) == ("real", -(2.0**63))
