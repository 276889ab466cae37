"""Laws of round trips: what a frame is written as comes back as the same frame."""

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.placement import Group
from frames.frame import H2OFrame
from frames.functions import export_file, import_file
from frames.table.make import place

LONGEST = 2**63 - 1
LAW = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

words = st.one_of(
    st.text(st.characters(), min_size=1, max_size=6),  # surrogates, too
    st.text(min_size=1, max_size=6),
    st.text(' "\n\r,;|\tab\\#', min_size=1, max_size=5),
    st.sampled_from(
        ["NA", "nan", "null", "1", "007", "1e5", "True", "False", "2020-01-01", " a", "a ", "é€😀", "#", '"']
    ),
).filter(lambda text: "\0" not in text)
plain_words = st.text("abc xyz\"',;\n", max_size=5).map("w{}".format)
wholes = st.one_of(
    st.integers(-300, 300),
    st.integers(-LONGEST, LONGEST),
    st.sampled_from([LONGEST, -LONGEST, 2**53 + 1, -(2**53) - 1]),
)
reals = st.one_of(st.floats(allow_nan=False), st.sampled_from([-0.0, 5e-324, np.inf, -np.inf, 1e22, 0.1, 1e16]))
times = st.one_of(st.integers(-62135596800000, 253402300799999), st.integers(-(10**6), 10**6))
uuids = st.uuids().map(str)
CELLS = {"int": wholes, "real": reals, "time": times, "enum": words, "string": words, "uuid": uuids}


@st.composite
def tables(draw, kinds=tuple(CELLS), cells=CELLS, names=words, least=0):
    """Columns as (name, type, cells, domain), and the sizes of the partitions of their rows."""
    width = draw(st.integers(1, 4))
    titles = draw(st.lists(names, min_size=width, max_size=width, unique=True))
    sizes = draw(st.lists(st.integers(0, 5), min_size=1, max_size=3))
    rows = max(sum(sizes), least)
    columns = []
    for title in titles:
        kind = draw(st.sampled_from(kinds))
        cell = cells[kind]
        if kind == "enum":
            domain = draw(st.lists(cell, min_size=1, max_size=4, unique=True))
            cell = st.sampled_from(domain)
        else:
            domain = None
        present = draw(st.lists(cell, min_size=rows, max_size=rows))
        gone = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        kept = [None if g and i >= least else cell for i, (cell, g) in enumerate(zip(present, gone, strict=True))]
        columns.append((title, kind, kept, domain))
    return columns, sizes if sum(sizes) == rows else [rows]


def packed(kind, cells, domain):
    """Cells as `Chunk.pack` wants them."""
    if kind == "enum":
        return np.array([-1 if cell is None else domain.index(cell) for cell in cells], np.int32)
    if kind in ("string", "uuid"):
        array = np.empty(len(cells), object)
        array[:] = cells
        return array
    if kind == "int":
        return np.array([MISSING_INTEGER if cell is None else cell for cell in cells], np.int64)
    return np.array([np.nan if cell is None else cell for cell in cells], np.float64)


def framed(table):
    """The table as a frame, made without any of the ways in that are tested here."""
    columns, sizes = table
    chunks = []
    for start, stop in pairwise([0, *accumulate(sizes)]):
        arrays = [packed(kind, cells[start:stop], domain) for _, kind, cells, domain in columns]
        chunks.append(Chunk.pack(arrays, [c[1] for c in columns], [c[3] and len(c[3]) for c in columns]))
    schema = Schema(tuple(Column(name, kind, domain and tuple(domain)) for name, kind, _, domain in columns))
    return H2OFrame._from_groups(schema, sizes, [Group(tuple(place(chunks)), schema.names)])


def seen(frame):
    """What a frame holds: name, type and cells of every column; reals by their bits, levels by their texts."""
    placement = frame.placement()
    found = []
    for column in frame.schema.columns:
        g, i = placement.where[column.name]
        cells = []
        for part in placement.parts:
            for value in part[g].result().values(i).tolist():
                missing = value is None or value != value or value == MISSING_INTEGER
                if column.type == "enum":
                    cells.append(None if value < 0 else column.domain[value])
                elif column.type == "real":
                    cells.append(None if missing else float(value).hex())
                else:
                    cells.append(None if missing else value if column.is_text else int(value))
        found.append((column.name, column.type, cells))
    return found


def assert_same(back, frame):
    """The same names, types and cells; levels are those that occur."""
    left, right = seen(back), seen(frame)
    assert [c[0] for c in left] == [c[0] for c in right]
    for (name, kind, cells), (_, wanted, expected) in zip(left, right, strict=True):
        assert cells == expected, name
        assert kind == wanted, name


def without_surrogates(table):
    """Whether UTF-8 can hold all texts."""
    try:
        for name, _, cells, _ in table[0]:
            "".join([name, *[c for c in cells if isinstance(c, str)]]).encode()
    except UnicodeEncodeError:
        return False
    return True


@LAW
@given(tables(), st.sampled_from(",;|\t :.-"), st.sampled_from(["f.csv", "f.csv.gz", "f.csv.bz2"]), st.booleans())
def test_a_csv_with_its_types(client, tmp_path, table, sep, name, quote_header):
    frame = framed(table)
    export_file(frame, tmp_path / name, force=True, sep=sep, quote_header=quote_header)
    back = import_file(tmp_path / name, header=1, sep=sep, col_types=frame.types)
    assert_same(back, frame)


@LAW
@given(tables(), st.sampled_from(["none", "gzip"]), st.booleans())
def test_parts_of_a_csv_with_its_types(client, tmp_path_factory, table, compression, header):
    frame, path = framed(table), tmp_path_factory.mktemp("parts") / "many"
    export_file(frame, path, parts=-1, compression=compression, header=header)
    if not header and not frame.nrow:
        return  # files without a byte say nothing
    options = {} if header else {"col_names": frame.names}
    types = [frame.types[name] for name in frame.names]
    assert_same(import_file(path, header=1 if header else -1, sep=",", col_types=types, **options), frame)


@LAW
@given(tables().filter(without_surrogates), st.booleans())
def test_a_parquet_file_as_it_is(client, tmp_path_factory, table, parts):
    frame, path = framed(table), tmp_path_factory.mktemp("parquet") / "f"
    export_file(frame, path, format="parquet", parts=-1 if parts else 1)
    back = import_file(path)
    assert_same(back, frame)
    if frame.nrow:
        assert back.levels() == frame.levels()


@LAW
@given(tables())
def test_a_pandas_data_frame_with_its_types(client, table):
    frame = framed(table)
    assert_same(H2OFrame(frame.as_data_frame(), column_types=frame.types), frame)


@LAW
@given(tables())
def test_a_list_of_rows_with_its_types(client, table):
    frame = framed(table)
    names, *rows = frame.as_data_frame(use_pandas=False)
    assert rows == frame.as_data_frame(use_pandas=False, header=False)
    if rows:
        types = [frame.types[name] for name in frame.names]
        assert_same(H2OFrame(rows, column_names=names, column_types=types), frame)


@LAW
@given(tables())
def test_frame_data_with_its_types(client, tmp_path, table):
    frame = framed(table)
    (tmp_path / "f").write_bytes(frame.get_frame_data().encode("utf-8", "surrogatepass"))
    assert_same(import_file(tmp_path / "f", header=1, sep=",", col_types=frame.types), frame)


@LAW
@given(tables())
def test_a_dask_data_frame_with_its_types(client, table):
    frame = framed(table)
    assert_same(H2OFrame(frame.ddf, column_types=frame.types), frame)


plain = {
    "int": wholes,
    "real": st.integers(-(10**6), 10**6).map(lambda i: i + 0.5),
    "time": times,
    "enum": plain_words,
    "string": plain_words,
    "uuid": uuids,
}


@LAW
@given(tables(("int", "real", "time", "enum", "uuid"), plain, plain_words.map("n{}".format), least=3))
def test_a_csv_whose_cells_show_their_kind_needs_no_types(client, tmp_path, table):
    """Without any option: separator, header and types are told by the file."""
    frame = framed(table)
    export_file(frame, tmp_path / "f.csv", force=True)
    assert_same(import_file(tmp_path / "f.csv"), frame)
    assert_same(H2OFrame(frame.as_data_frame()), frame)
    assert_same(H2OFrame(frame.ddf), frame)


def test_what_texts_cannot_tell_is_told_by_the_types(client, tmp_path):
    """The limits of text: digits in texts, whole reals, levels that do not occur."""
    frame = framed(
        (
            [
                ("s", "string", ["01", "2"], None),
                ("x", "real", [1.0, 2.0], None),
                ("e", "enum", ["b", "b"], ["b", "a"]),
            ],
            [2],
        )
    )
    export_file(frame, tmp_path / "f.csv")
    assert import_file(tmp_path / "f.csv").types == {"s": "int", "x": "int", "e": "enum"}
    back = import_file(tmp_path / "f.csv", col_types=frame.types)
    assert_same(back, frame)
    assert back.levels() == [[], [], ["b"]]
    export_file(frame, tmp_path / "f.parquet")
    back = import_file(tmp_path / "f.parquet")
    assert_same(back, frame)
    assert back.levels() == [[], [], ["b", "a"]]


def test_no_rows_come_back_as_no_rows(client, tmp_path):
    frame = framed(([(kind, kind, [], ["a"] if kind == "enum" else None) for kind in CELLS], [0, 0]))
    for name in ("f.csv", "f.csv.gz", "f.csv.bz2", "f.parquet"):
        export_file(frame, tmp_path / name)
        assert_same(import_file(tmp_path / name, col_types=frame.types), frame)
    assert_same(H2OFrame(frame.as_data_frame(), column_types=frame.types), frame)
    assert_same(H2OFrame(frame.ddf, column_types=frame.types), frame)


@pytest.mark.parametrize("sep", [",", " ", "\t"])
def test_names_keep_their_blanks_tabs_quotes_and_line_ends(client, tmp_path, sep):
    names = [" a", "b ", "c\td", 'e"f', "g\n h", "i,j", "k"]
    frame = framed(([(name, "int", [1, 2], None) for name in names], [2]))
    for quote in (True, False):
        export_file(frame, tmp_path / "f.csv", force=True, sep=sep, quote_header=quote)
        assert import_file(tmp_path / "f.csv", sep=sep).names == names
    (tmp_path / "f.csv").write_text('a ,  "b" , c\n1,2,3\n')
    assert import_file(tmp_path / "f.csv").names == ["a", "b", "c"]


def test_texts_with_surrogates_come_back_from_a_file_of_text(client, tmp_path):
    frame = framed(([("s", "string", ["\ud800", "é", None], None), ("i", "int", [1, None, 3], None)], [2, 1]))
    export_file(frame, tmp_path / "f.csv")
    assert_same(import_file(tmp_path / "f.csv", col_types={"s": "string"}), frame)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("s,i\n\xe9,1\n\xed\xa0,2\n".encode("latin-1"))
    assert import_file(latin)["s"].levels() == [["\xe9", "\xed\xa0"]]


def test_times_of_all_years_come_back_to_the_millisecond(client, tmp_path):
    moments = [-62167219200000, -1, 0, 7_258_118_400_001, 253402300799999]  # years 0, 1969, 1970, 2200 and 9999
    frame = framed(([("t", "time", moments, None), ("i", "int", [1, 2, 3, 4, 5], None)], [2, 3]))
    for name in ("f.csv", "f.parquet"):
        export_file(frame, tmp_path / name)
        assert_same(import_file(tmp_path / name), frame)
    assert_same(H2OFrame(frame.as_data_frame()), frame)
    assert_same(H2OFrame(frame.ddf), frame)
