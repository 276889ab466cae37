"""Ranges of bytes: every row is read once, whatever the cuts, the line ends and the quotes."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.exceptions import FrameError
from frames.parse.guess import Setup, Wishes, guess
from frames.parse.ranges import (
    ByteRange,
    count_ranges,
    data_start,
    exact_ranges,
    last_row_end,
    plan,
    quotes_are_even,
    read_rows,
    row_blocks,
)
from frames.parse.source import Source, inspect


def setup_of(sep=",", newline=b"\n", quote='"', escape=None):
    return Setup(sep, None, ("a", "b"), frozenset(), {}, (0, 1), (frozenset(),) * 2, newline, quote, escape)


def source_of(path, data):
    path.write_bytes(data)
    return inspect(str(path))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last", [True, False])
def test_ranges_of_any_size_hold_every_row_once(tmp_path, end, last):
    rows = [b"%d,%s" % (i, b"x" * (i % 7)) for i in range(60)]
    data = end.join(rows) + (end if last else b"")
    source = source_of(tmp_path / "f.csv", data)
    setup = setup_of(newline=b"\r" if end == b"\r" else b"\n")
    for size in (1, 2, 3, 5, 8, 13, 40, 1000):
        cuts = [*range(0, len(data), size), len(data)]
        pieces = [read_rows(ByteRange(source, a, b, a == 0), setup) for a, b in pairwise(cuts)]
        assert b"".join(pieces) == data
        filled = [piece for piece in pieces if piece]
        assert all(piece.endswith(setup.newline) for piece in filled[:-1])


def test_a_row_longer_than_what_is_read_ahead_is_whole(tmp_path):
    data = b"1,2\n" + b"x" * 300_000 + b",3\n4,5\n"
    source = source_of(tmp_path / "f.csv", data)
    assert read_rows(ByteRange(source, 0, 6, True), setup_of()) == data[:-4]
    assert read_rows(ByteRange(source, 6, len(data), False), setup_of()) == b"4,5\n"


fields = st.text(alphabet='ab",\n ', max_size=6)
tables = st.lists(st.tuples(fields, fields), min_size=1, max_size=12)


def written(table, quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows(table)
    return text.getvalue().encode()


@settings(max_examples=100, deadline=None)
@given(tables, st.integers(1, 30))
def test_blocks_of_rows_never_cut_a_quoted_field(tmp_path_factory, table, size):
    data = written(table)
    source = source_of(tmp_path_factory.mktemp("q") / "f.csv", data)
    blocks = list(row_blocks(source, 0, setup_of(), size))
    assert b"".join(blocks) == data
    parsed = [tuple(row) for block in blocks for row in csv.reader(io.StringIO(block.decode(), newline=""))]
    assert parsed == table
    ranges = exact_ranges(source, 0, setup_of(), size)
    assert [read_rows(r, setup_of()) for r in ranges] == blocks


@settings(max_examples=60, deadline=None)
@given(tables)
def test_even_quotes_promise_that_line_ends_are_row_ends(table):
    data = written(table)
    if quotes_are_even(data, setup_of()):
        for line in data.split(b"\n")[:-1]:
            assert len(list(csv.reader(io.StringIO(line.decode() + "\n", newline="")))) <= 2
            assert line.count(b'"') % 2 == 0


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"a\nb", b"a\n"),
        (b"a", b""),
        (b'a\n"x\ny', b"a\n"),
        (b'a\n"x\ny",1\nz', b'a\n"x\ny",1\n'),
        (b'5" pipe\n6\nz', b'5" pipe\n6\n'),
        (b'5" pipe,"a\nb"\nz', b'5" pipe,"a\nb"\n'),
        (b'"a""\nb"\nz', b'"a""\nb"\n'),
        (b'1, "a\nb"\nz', b'1, "a\nb"\n'),
    ],
)
def test_the_last_whole_row_is_found(data, whole):
    assert data[: last_row_end(data, setup_of())] == whole


def test_escaped_quotes_do_not_end_a_field():
    setup = setup_of(escape="\\")
    data = b'"a\\"\nb",1\nx'
    assert data[: last_row_end(data, setup)] == b'"a\\"\nb",1\n'


def test_a_quote_that_never_ends_is_refused(tmp_path):
    source = source_of(tmp_path / "f.csv", b'1,"x\n' + b"1,2\n" * 1000)
    with pytest.raises(FrameError, match="closing quote"):
        list(row_blocks(source, 0, setup_of(), 16))


@pytest.mark.parametrize(
    ("data", "skip_first", "rest"),
    [
        (b"a,b\n1,2\n", True, b"1,2\n"),
        (b"\xef\xbb\xbfa,b\n1,2\n", True, b"1,2\n"),
        (b"#c\n\na,b\n1,2\n", True, b"1,2\n"),
        (b"#c\n\n1,2\n", False, b"1,2\n"),
        (b'"a\n", "b"\r\n1,2\n', True, b"1,2\n"),
        (b"a,b", True, b""),
    ],
)
def test_rows_begin_after_mark_comments_and_header(data, skip_first, rest):
    setup = guess(b"a,b\n1,2\n", True, Wishes(), "f")
    assert data[data_start(data, setup, skip_first) :] == rest


def test_a_plan_covers_the_file():
    source = Source("f", 10 * 2**20, None, "csv", True)
    ranges = plan(source, 100, 7)
    assert ranges[0].first
    assert ranges[0].start == 100
    assert ranges[-1].stop == source.size
    assert all(a.stop == b.start and not b.first for a, b in pairwise(ranges))
    assert len(plan(source._replace(size=1000), 0, 7)) == 1


def test_ranges_are_many_enough_for_threads_and_workers():
    assert count_ranges(110 * 2**20, threads=2, workers=1) == 8
    assert count_ranges(1000, threads=2, workers=1) == 1
    assert count_ranges(10 * 2**20, threads=4, workers=4) == 4
