"""Whether a first row names the columns: names are found, and no row of data is eaten."""

import io
import uuid

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.parse.guess import Wishes, guess
from frames.parse.header import guess_header
from frames.table.names import default_names


def rows_of(text, sep=","):
    return [line.split(sep) for line in text.split("\n")]


UUIDS = [str(uuid.UUID(int=i + 2**100)) for i in range(4)]
CATEGORIES = "\n".join(f"{'abc'[i % 3]},{'xyzw'[i * 7 % 4]}" for i in range(60))

NAMES = [
    "a,b\n1,x",
    "name,born\nann,1967-04-01\nbob,1968-04-02",
    "born\n1967-04-01",
    "id\n" + UUIDS[0],
    "name,city\nann,paris\nbob,rome",
    "name,kind\ntom,cat\nrex,dog\nkim,dog",
    "word\napple\nbanana",
    "first_name,birthday\nann,may\nbob,june",
    "Name,Town\nann,paris\nbob,rome",
    "key,desc\nA1,foo\nB2,bar\nC3,baz",
    "a;b\n1,5;2,25\n3,0;4,5".replace(",", ".").replace(";", ","),
    "p,q\n" + CATEGORIES,
    "flag\ntrue\nfalse\ntrue",
    "city,2020-01-01,2020-02-01\nrome,5,6\noslo,7,8",
    "NA,x\n1,2\n3,4",
    "x,nan\n1,2\n3,4",
    "na,y\na,2\nb,4",
    "inf,x\n1,2\n3,4",
    "nan,inf\n1,2",
    "NA\n1\n3",
    "x,x\n1,2\n3,4",
    ",b\n1,2",
    "a,b\n1,5,6\n2,7,8",
    "?,a\n1,b\n2,c",
    "a,b\n,x\n1,y\n2,z",
    "x,y\n1,2\nx,y\n3,4",
    "x,y\nword,1\nother,oops\nlast,3",
    "x,y",
    "x",
]

DATA = [
    "1,2\n3,4",
    "5.1,setosa\n4.9,setosa",
    "\n".join(UUIDS),
    f"{UUIDS[0]},start\n{UUIDS[1]},go\n{UUIDS[2]},go",
    "2020-01-01,start\n2020-01-02,go\n2020-01-03,go",
    "10.0.0.1,a\n10.0.0.2,b\n10.0.0.3,b",
    "10.0.0.1,host\n10.0.0.2,b\n10.0.0.3,b",
    "ann,paris\nbob,rome\ncid,oslo",
    "ann,paris\nbob,rome\ncid,rome",
    "tom\nrex\nkim",
    CATEGORIES,
    "x,y\nx,z\np,z",
    "x,y\nx,y",
    "a,a\nb,c\nd,e",
    "a,2001\n1,2",
    "NA,NA\n1,2",
    "NA,foo\n1,bar\n2,baz",
    "true,foo\nfalse,bar\ntrue,baz",
    "?,a\n1,b\n?,c\n2,d",
    "ann@x.org,red\nbob@y.org,blue\ncid@z.org,blue",
    "http://a.b/c\nhttp://d.e/f",
    "My table of things\na,b,c\n1,2,3\n4,5,6",
    "name:,sunspots\n1,2,3,4,5\n6,7,8,9,10",
    "country,1990\nfr,1.5\nde,2.5",
    "5",
    "a,1",
    "2020-01-01",
    "NA",
    "",
]


@pytest.mark.parametrize("text", NAMES)
def test_names_are_a_header(text):
    assert guess_header(rows_of(text))


@pytest.mark.parametrize("text", DATA)
def test_a_row_of_data_is_no_header(text):
    assert not guess_header(rows_of(text))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('foo,bar\n"ann","may"\n"bob","june"\n', ("foo", "bar")),
        ('"foo","bar"\nann,may\nbob,june\n', ("foo", "bar")),
        ('ann,may\n"bob, jr",june\n"cid, sr",july\n', ("C1", "C2")),
        ('"foo","bar"\n"ann","may"\n"bob","june"\n', ("C1", "C2")),
    ],
)
def test_quotes_that_differ_without_need_tell_a_header(text, names):
    assert guess(text.encode(), True, Wishes(sep=","), "f").names == names


cells = {
    "int": st.integers(-999, 999).map(str),
    "real": st.floats(-10, 10, allow_nan=False).map(repr),
    "time": st.dates().map(str),
    "uuid": st.uuids().map(str),
    "text": st.text("abcdefgh ", min_size=1, max_size=6).map(lambda t: t.strip() or "a"),
}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_typed_columns_show_whether_there_is_a_header(data):
    kinds = [data.draw(st.sampled_from(["int", "real", "time", "uuid"]))]
    kinds += data.draw(st.lists(st.sampled_from(list(cells)), max_size=3))
    kinds = data.draw(st.permutations(kinds))
    body = [[data.draw(cells[kind]) for kind in kinds] for _ in range(data.draw(st.integers(1, 5)))]
    names = [f"{kind}_{i}" for i, kind in enumerate(kinds)]
    assert guess_header([names, *body])
    assert not guess_header(body)


def test_a_wide_table_is_looked_at_in_part():
    names = [f"n{i}" for i in range(50_000)]
    assert guess_header([names, *([str(i)] * 50_000 for i in range(30))])


def test_empty_and_missing_names_become_numbered_ones():
    assert default_names(["a", "", "a"], 5) == ["a", "C2", "a.1", "C4", "C5"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["a", "b", "a.1", "a.2", "b.1", "a.1.1"]), min_size=1, max_size=8))
def test_names_that_occur_twice_are_renamed_as_pandas_does(names):
    assert default_names(names, len(names)) == list(pd.read_csv(io.StringIO(",".join(names) + "\n")).columns)
