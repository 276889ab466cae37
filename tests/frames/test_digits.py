"""The compiled reader of numbers, against the general one: the same columns bit by bit, or it declines."""

import os
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from frames.chunks.summary import Summary
from frames.functions import import_file
from frames.parse import block, digits, fast_path, number_block, ranges, source
from frames.parse.guess import Setup


def setup_of(width, sep=",", **more):
    names = tuple(f"C{i + 1}" for i in range(width))
    return Setup(
        sep, False, names, frozenset(), {}, tuple(range(width)), (frozenset(),) * width, exact_floats=True, **more
    )


def both(data, setup):
    """The block as the compiled reader makes it (None where it declines), and as pandas makes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_block, "LEAST", 0)
        fast = number_block.pack_numbers(data, setup)
        through = block.parse(data, setup, lambda: 0, "f.csv")
        patch.setattr(block, "pack_numbers", lambda data, setup: None)
        slow = block.parse(data, setup, lambda: 0, "f.csv")
    return fast, through, slow


def must_agree(data, setup, reads=False):
    """Both ways give one block; with `reads` the compiled reader must not decline."""
    fast, through, slow = both(data, setup)
    assert through.report._replace(summaries=()) == slow.report._replace(summaries=())
    if reads:
        assert fast is not None, data
    if fast is None:
        return
    assert slow.numbers is not None, data
    assert fast.codecs == slow.numbers.codecs
    for ours, theirs in zip(fast.columns(), slow.numbers.columns(), strict=True):
        assert ours.dtype == theirs.dtype
        same = (ours.view(np.int64) == theirs.view(np.int64)) | ((ours != ours) & (theirs != theirs))
        assert same.all(), (data, ours, theirs)
    for one, other in zip(fast.summaries, slow.numbers.summaries, strict=True):
        must_be_close(one, other)


def must_be_close(one: Summary, other: Summary):
    assert one[:3] == other[:3]
    assert one.all_integer == other.all_integer
    with np.errstate(all="ignore"):
        largest = np.float64(max(1.0, abs(other.minimum), abs(other.maximum)))
        np.testing.assert_allclose(one[3:7], other[3:7], rtol=1e-9, atol=1e-9 * largest**2)


small = st.integers(0, 260).map(str)
whole = st.integers(-(2**53), 2**53).map(str).filter(lambda text: text != "0")
decimals = st.from_regex(r"[+-]?([0-9]{1,12}\.[0-9]{0,6}|\.[0-9]{1,6})(0{0,12})([eE][+-]?[01]?[0-9])?", fullmatch=True)
doubles = st.floats(allow_nan=False, allow_infinity=False).map(repr)
odd = st.sampled_from(
    ["", "NA", "nan", "NaN", "null", "N/A", "n/a", "NULL", "na", "NAN", " 7", "7 ", "+3", "-0", "-0.0", "007", "1e5",
     "1e", ".", "-", "e5", "1.e2", "x", '"3"', "inf", "0x1", "1e400", "0e999", "12345678901234567890", "1 2",
     "--1", "Nan", "N", "0." + "0" * 30 + "1"]
)  # fmt: skip
kinds = st.sampled_from([small, st.one_of(small, whole), decimals, st.one_of(small, st.just("")), doubles, odd])


@st.composite
def texts_of_files(draw):
    """(bytes, width): rows of columns of numbers, now and then odd ones; some rows short, long or blank."""
    columns = draw(st.lists(kinds, min_size=1, max_size=5))
    length = st.sampled_from([len(columns)] * 8 + [1, len(columns) - 1, len(columns) + 1])
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        cells = [draw(kind) for kind in columns] + ["1"]
        rows.append(",".join(cells[: draw(length)]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return (end.join(rows) + draw(st.sampled_from([end, ""]))).encode(), len(columns)


@settings(max_examples=400, deadline=None)
@given(texts_of_files())
@example((b"1\n\n2\n", 1))
@example((b"1,2\n,", 2))
@example((b"1,2\n ,\n", 2))
@example((b"  \n1,2\n", 2))
@example((b"1,2\r\n\r\n3\r", 2))
@example((b"1,2,\n3,4,\n", 2))
@example((b"-0\n5\n", 1))
@example((b"-0\n5.5\n", 1))
@example((b"9007199254740992\n1e16\n2.5e15\n", 1))
@example((b"9007199254740993\n", 1))
def test_any_text_reads_as_pandas_reads_it(case):
    data, width = case
    must_agree(data, setup_of(width))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            small,
            st.integers(-(10**15), 10**15).filter(bool).map(str),
            st.decimals(-(10**6), 10**6, places=5).map(lambda d: f"{d:f}"),
            st.one_of(small, st.just("")),
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([",", "\t", ";", "|"]),
)
def test_plain_numbers_are_never_left_to_pandas(rows, end, closed, sep):
    text = end.join(sep.join(row) for row in rows) + (end if closed else "")
    must_agree(text.encode(), setup_of(4, sep), reads=True)


def test_pixels_with_constant_columns_and_bits_stay_bytes_in_rows():
    rng = np.random.default_rng(3)
    table = rng.integers(0, 256, (3000, 40))
    table[:, 3] = 7
    table[:, 5] = rng.integers(0, 2, 3000)
    table[:, 6] = rng.integers(4, 6, 3000)
    text = "\n".join(",".join(map(str, row)) for row in table.tolist()).encode()
    must_agree(text, setup_of(40), reads=True)
    found = fast_path.read(text, 40, ",")
    assert found is not None
    assert not found.others
    assert found.bytes.block.shape == (3000, 39)
    np.testing.assert_array_equal(found.bytes.block, np.delete(table, 3, axis=1))
    np.testing.assert_array_equal(found.bytes.total, table.sum(axis=0))
    np.testing.assert_array_equal(found.bytes.squares, (table**2).sum(axis=0))


def test_bits_alone_are_packed_as_bits():
    rng = np.random.default_rng(4)
    rows = rng.integers(0, 2, (500, 9)) + np.array([0, 1, 0, 0, 3, 0, 0, 0, 0])
    must_agree("\n".join(",".join(map(str, row)) for row in rows.tolist()).encode(), setup_of(9), reads=True)


def test_a_column_that_outgrows_its_first_rows_is_read_again_wider():
    rows = [f"{i % 200},{i % 9},1" for i in range(60_000)]
    rows[20_000] = "300,2.5,"
    data = "\n".join(rows).encode()
    must_agree(data, setup_of(3), reads=True)
    others = fast_path.read(data, 3, ",").others
    assert {i: values.dtype.kind for i, values in others.items()} == {0: "i", 1: "f", 2: "f"}


def test_every_short_integer_is_read_in_every_place():
    rows = [f"{i},{1010 - i},0{i}" for i in range(1011)]
    must_agree("\n".join(rows).encode(), setup_of(3), reads=True)
    for row in rows[:300]:
        must_agree(f"{row},7\n1,2,3,4\n".encode(), setup_of(4), reads=True)


def test_a_sum_of_squares_of_many_rows_does_not_overflow():
    found = fast_path.read(b"255\n254\n" * 70_000, 1, ",")
    assert found.bytes.squares.tolist() == [70_000 * (255**2 + 254**2)]
    assert found.bytes.zeros.tolist() == [0]


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 2**64 - 1), st.integers(-330, 300))
@example(9007199254740993, 0)
@example(9007199254740995, 0)
@example(2**63 + 2**10, 0)
@example(4503599627370497, -1)
@example(17976931348623157, 292)
@example(22250738585072014, -324)
def test_any_mantissa_is_rounded_as_python_rounds_it(mantissa, power):
    text = f"{mantissa}e{power}"
    must_be_read_as(text, float(text))


@settings(max_examples=300, deadline=None)
@given(st.integers(2**52, 2**53 - 1), st.integers(-1, 10))
def test_ties_go_to_the_even_double(mantissa, power):
    """(2m + 1) * 2**power lies exactly between two doubles."""
    value = (2 * mantissa + 1) * 2**power if power >= 0 else None
    text = f"{value}.0" if value else f"{mantissa}.5"
    must_be_read_as(text, float(text))


@settings(max_examples=300, deadline=None)
@given(st.floats(min_value=2.3e-308, allow_infinity=False))
def test_what_python_writes_comes_back(value):
    must_be_read_as(repr(value) if "." in repr(value) or "e" in repr(value) else f"{value!r}.0", value)


def must_be_read_as(text, value):
    """The number, unless it has more than 19 digits or is beyond the normal doubles."""
    found = fast_path.read(f"{text}\n1.5\n".encode(), 1, ",")
    figures = len(text.partition("e")[0].replace(".", "").strip("0"))
    if figures > 19 or not 2.3e-308 < value < np.inf:
        assert found is None or found.others[0][0] == value
    else:
        assert found is not None, text
        assert found.others[0][0] == value, text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9007199254740991", 2.0**53 - 1), ("0.1", 0.1), ("123456789012345e-22", 123456789012345e-22),
        ("1e22", 1e22), ("8.692932128906250000e-01", 0.869293212890625), ("2.50000000000000000000000", 2.5),
        ("5.", 5.0), ("123456789012345678.9", 123456789012345678.9), ("-0.0", -0.0), ("+.5", 0.5), ("0.000e99", 0.0),
        ("1E-3", 1e-3),
    ],
)  # fmt: skip
def test_numbers_are_rounded_as_python_rounds_them(text, value):
    found = fast_path.read(f"{text}\n1.5\n".encode(), 1, ",")
    assert found.others[0][0] == value
    assert np.signbit(found.others[0][0]) == np.signbit(value)


@pytest.mark.parametrize(
    "text",
    ["9007199254740993", "18446744073709551617", "0.123456789012345678912", "1e309", "1e-309",
     "1.7976931348623159e308", "-0", "1e", ".",
     "-", "x", '"1"', "1 ", "1,2,3", "1\r2", "inf", "1\x00", "é", "1e12345", "NANA", "NAx", "Na"],
)  # fmt: skip
def test_what_it_cannot_read_exactly_it_declines(text):
    assert fast_path.read(f"1,2\n{text}\n".encode(), 2, ",") is None


def test_rows_that_are_too_long_are_refused_with_their_line():
    fast, through, slow = both(b"1,2\n3,4\n5,6,7\n", setup_of(2))
    assert fast is None
    assert through.report.problem == slow.report.problem
    assert "line 3" in through.report.problem


@pytest.mark.parametrize(
    "change",
    [
        {"texts": frozenset({0})}, {"missing": (frozenset({"9"}), frozenset())}, {"escape": "\\"},
        {"newline": b"\r"}, {"kept": (1,)}, {"sep": " "}, {"sep": "e"}, {"sep": "."},
    ],
)  # fmt: skip
def test_what_the_setup_says_of_texts_is_left_to_pandas(change, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(number_block, "LEAST", 0)
    assert number_block.pack_numbers(b"1,2\n3,4\n", replace(setup_of(2), **change)) is None
    assert number_block.pack_numbers(b"1,2\n3,4\n", setup_of(2)) is not None


def test_blank_lines_do_not_take_memory():
    found = fast_path.read(b"1\n" + b"\n" * 10**6 + b"\r\n" * 10**6, 2000, ",")
    assert found.rows == 1
    assert fast_path.read(b"\n\r\n", 1, ",") is None


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("odd", ["", '"7"', "word"])
def test_an_imported_table_is_the_same_whoever_reads_its_ranges(tmp_path, monkeypatch, odd):
    """With an odd field one range is left to pandas, or the column is read again as text."""
    monkeypatch.setattr(number_block, "LEAST", 1000)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 8000)
    monkeypatch.setattr(ranges, "_LEAST", 1)
    monkeypatch.setattr(source, "_HEAD", 5000)
    read = []
    monkeypatch.setattr(fast_path, "read", lambda *given, real=fast_path.read: read.append(1) or real(*given))
    rng = np.random.default_rng(5)
    cells = np.column_stack([rng.integers(0, 256, (2000, 3)), rng.normal(size=2000).round(6)]).astype(object)
    cells[:, :3] = cells[:, :3].astype(int)
    if odd:
        cells[1500, 1] = odd
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,d\n" + "".join(",".join(map(str, row)) + "\n" for row in cells.tolist()))
    with pytest.warns(UserWarning, match="1 of 2000 cells") if odd == "word" else nullcontext():
        frame = import_file(str(path))
    assert read
    assert frame.types == {"a": "int", "b": "int", "c": "int", "d": "real"}
    table, expected = frame.as_data_frame(), pd.read_csv(path, na_values="word")
    for name in "abcd":
        np.testing.assert_array_equal(table[name], expected[name].astype(float))


def test_a_cache_that_cannot_be_written_is_told_and_replaced(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DASKDL_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with pytest.warns(RuntimeWarning, match="must be a writable folder"):
        assert digits.cache_folder().is_relative_to(tmp_path / "temporary")


JOB = "from frames.parse import digits; print(sum(sum(f.stats.cache_misses.values()) for f in vars(digits).values() "
JOB += "if hasattr(f, 'stats')))"


@pytest.mark.timeout(240)  # everything is compiled from nothing, on a machine that may be busy
def test_a_second_process_compiles_nothing(tmp_path):
    surroundings = {**os.environ, "DASKDL_CACHE_DIR": str(tmp_path)}
    counts = [
        int(subprocess.run([sys.executable, "-c", JOB], env=surroundings, capture_output=True, check=True).stdout)
        for _ in range(2)
    ]
    assert counts[0] > 0
    assert counts[1] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_a_process_that_reads_numbers_imports_no_linear_algebra_and_users_may_still_compile_with_it():
    code = """
import sys
import numpy as np
from frames.parse import fast_path
import numba
assert numba.njit(lambda x: x + 1)(1) == 2
assert "scipy.linalg" not in sys.modules
found = numba.njit(lambda a, b: np.cov(a, b))(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]))
assert np.allclose(found, np.cov([1.0, 2.0, 4.0], [1.0, 3.0, 2.0]))
assert np.allclose(numba.njit(lambda a: a @ a)(np.ones((2, 2))), 2.0)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
