"""Columns as fields of text: exact numbers, and rows that no reader can misunderstand."""

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.chunks.column import Column
from frames.export.fields import cells, csv_rows, header_line

NAN = float("nan")


def column(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.floats(allow_nan=True), max_size=30))
def test_reals_are_written_so_that_python_reads_the_same_bits(values):
    written = cells(np.array(values, float), Column("x", "real"))
    for text, value in zip(written, values, strict=True):
        assert (text == "") == math.isnan(value)
        if text:
            assert np.float64(float(text)).tobytes() == np.float64(value).tobytes()
            assert text in ("inf", "-inf") or any(letter in text for letter in ".e")  # told from an integer


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.none(), st.integers(-(2**63) + 1, 2**63 - 1)), max_size=20))
def test_integers_of_64_bits_are_written_in_full(values):
    array = np.array([-(2**63) if value is None else value for value in values], np.int64)
    assert cells(array, Column("i", "int")) == ["" if value is None else str(value) for value in values]


def test_integers_that_lie_in_doubles_have_no_point():
    assert cells(np.array([0.0, -0.0, NAN, -(2.0**53)]), Column("i", "int")) == ["0", "0", "", "-9007199254740992"]
    assert float(cells(np.array([1e20]), Column("i", "int"))[0]) == 1e20


def test_times_are_written_to_the_millisecond_from_the_year_0_on():
    values = np.array([0, -1, 1194307200123, NAN, -62167219200000, 253402300799999])
    assert cells(values, Column("t", "time")) == [
        "1970-01-01 00:00:00.000",
        "1969-12-31 23:59:59.999",
        "2007-11-06 00:00:00.123",
        "",
        "0000-01-01 00:00:00.000",
        "9999-12-31 23:59:59.999",
    ]
    assert cells(np.array([253402300800000.0]), Column("t", "time")) == ["10000-01-01 00:00:00.000"]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.text(min_size=1, max_size=6)), st.one_of(st.none(), st.floats(-9, 9))),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(",;|\t :.-e1"),
    st.sampled_from(["string", "enum"]),
)
def test_pythons_reader_of_csv_sees_the_same_cells(rows, sep, kind):
    texts, numbers = zip(*rows, strict=True)
    if kind == "enum":
        domain = tuple(dict.fromkeys(text for text in texts if text is not None))
        first = np.array([-1 if text is None else domain.index(text) for text in texts], np.int32)
        kinds = [Column("s", "enum", domain), Column("x", "real")]
    else:
        first, kinds = column(texts), [Column("s", "string"), Column("x", "real")]
    data = csv_rows([first, np.array(numbers, float)], kinds, sep).decode("utf-8", "surrogatepass")
    read = list(csv.reader(io.StringIO(data, newline=""), delimiter=sep))
    assert [row[0] for row in read] == ["" if text is None else text for text in texts]
    assert [row[1] for row in read] == cells(np.array(numbers, float), Column("x", "real"))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1.5, NAN]), Column("x", "real")),
        (np.array([NAN, 3.0]), Column("x", "int")),
        (np.array([-1, 0], np.int32), Column("x", "enum", ("a",))),
        (column([None, "a"]), Column("x", "string")),
        (np.array([NAN, 0.0]), Column("x", "time")),
    ],
)
def test_a_lone_missing_cell_is_no_blank_line(values, kind):
    lines = csv_rows([values], [kind], ",").decode().splitlines()
    assert len(lines) == 2
    assert '""' in lines
    assert "" not in lines


def test_a_lone_time_is_one_field_whatever_separator_a_reader_guesses():
    assert csv_rows([np.array([0.0])], [Column("t", "time")], ",") == b'"1970-01-01 00:00:00.000"\n'


def test_no_rows_are_no_bytes():
    assert csv_rows([np.empty(0), np.empty(0, np.int32)], [Column("x", "real"), Column("e", "enum", ())], ",") == b""


def test_names_are_quoted_where_they_must_be():
    names = ["a", 'b"c', "d\ne", " f", "#g", "h,i", ""]
    assert next(csv.reader(io.StringIO(header_line(names, ",", quote=True), newline=""))) == names
    line = header_line(names, ",", quote=False)
    assert line == 'a,"b""c","d\ne"," f","#g","h,i",""\n'
    assert next(csv.reader(io.StringIO(line, newline=""))) == names
    assert header_line(["h,i"], ";", quote=False) == "h,i\n"
