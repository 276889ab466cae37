"""What a sample of a CSV file tells: separator, header, types; what text means; which dates are read."""

import numpy as np
import pytest

from frames.columns.dictionary import as_numbers, clean, encode
from frames.columns.kinds import decide, report
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.parse.guess import Wishes, guess, guess_separator, records


@pytest.mark.parametrize(
    ("text", "sep"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb c\n1\t2 3\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("1 2 3\n4 5 6\n", " "),
        (" 1  2   3\n 44 5  6\n", " "),
        ('"x, y";1\n"z";2\n', ";"),
        ("one\ntwo\n", ","),
        ("2007-11-06 13:05:59,1\n2007-11-07 13:05:59,2\n", ","),
        ("a\x01b\n1\x012\n", "\x01"),
        ("free text here, see\nmore text, too\nlast, one\n", ","),
        ("new york,1\nrome\nlos angeles,3\n", ","),
        ("name,city\nann smith,new york\nbob jones\ncy lee,los angeles\n", ","),
        ("hello world\nfoo bar baz\nlast\n", ","),
        ("full name\nann smith\nbob jones jr\ncy lee\n", ","),
        ("town\nnew york\nrome\nnew york\nlos angeles\n", ","),
        ("1 1 77 \r\n2 1 78 \r\n", " "),
        ("a b\n1 5 6\n2 7 8\n", " "),
        ("a\tb,c\td\n1\tx,y\t2\n", "\t"),
        ("when\n2007-11-06 13:05:59\n2007-11-07 13:05:59\n", ","),
        ("2007-11-06 13:05:59 5\n2007-11-07 13:05:59 6\n", " "),
    ],
)
def test_the_separator_is_guessed(text, sep):
    assert guess_separator(text) == sep


@pytest.mark.parametrize(
    ("data", "names", "texts"),
    [
        (b"a,b\n1,x\n2,y\n", ("a", "b"), {1}),
        (b"\xef\xbb\xbfa,b\r\n1,x\r\n", ("a", "b"), {1}),
        (b"# a comment\n# more\na,b\n1,x\n", ("a", "b"), {1}),
        (b"\n\na,b\n1,2\n", ("a", "b"), set()),
        (b"1,2\n3,4", ("C1", "C2"), set()),
        (b"a,b\n1,2,3\n4,5,6\n", ("a", "b", "C3"), set()),
        (b"a\rb\r1\rc\r", ("C1",), {0}),
        (b"a, b\nNA, x\n1, NA\n", ("a", "b"), {1}),
        (b"1 1 77 \r\n2 1 78 \r\n", ("C1", "C2", "C3"), set()),
        (b"  1 1 77\r2 1 78  \r", ("C1", "C2", "C3"), set()),
        (b'"a  b" c\n"x  y" 2\n', ("a  b", "c"), {0}),
        (b"a\tb\t\n1\t2\t\n", ("a", "b"), set()),
        (b"1\t2\t\n1\t2\t3\n", ("C1", "C2", "C3"), set()),
        (b'"1"\t""\n"2"\t""\n', ("C1", "C2"), set()),
        (b"a,b,\n1,2,\n", ("a", "b", "C3"), set()),
        ("größe,b\n1,ä\n".encode("latin-1"), ("größe", "b"), {1}),
    ],
)
def test_names_and_columns_of_text_are_guessed(data, names, texts):
    setup = guess(data, True, Wishes(), "f")
    assert (setup.names, set(setup.texts)) == (names, texts)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n \n\n", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"a,b\n\x00\x01", "is binary: byte 4 is 0"),
        (b"\xff\xfea\x00", "UTF-16"),
    ],
)
def test_what_is_no_table_of_text_is_refused(data, message):
    with pytest.raises(FrameError, match=message):
        guess(data, True, Wishes(), "f")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"header": 2}, H2OValueError),
        ({"header": True}, H2OValueError),
        ({"sep": ",,"}, H2OValueError),
        ({"sep": 5}, H2OValueError),
        ({"sep": "§"}, H2OValueError),
        ({"sep": "\n"}, H2OValueError),
        ({"sep": '"'}, H2OValueError),
        ({"quote": "x"}, H2OValueError),
        ({"escape": "xx"}, H2OValueError),
        ({"markers": 5}, H2OTypeError),
    ],
)
def test_impossible_wishes_are_refused(arguments, error):
    with pytest.raises(error, match="must be"):
        Wishes(**arguments)


def test_fields_may_be_longer_than_python_reads_by_default():
    long = "x y" * 100_000
    for data in (f"a,b\n1,{long}\n2,y\n", f"a,b\n{long},1\ny,2\n", f"a,{long}\n1,2\n"):
        assert len(guess(data.encode(), True, Wishes(), "f").names) == 2


def test_quotes_spaces_and_blank_lines_of_a_sample():
    assert records('a, "b ""x"", c" ,d\n\n1,2,3\n', ",") == [["a", 'b "x", c', "d"], ["1", "2", "3"]]


@pytest.mark.parametrize(
    ("levels", "texts", "type_"),
    [
        (["1", "2"], False, "int"),
        (["1", "2.5", "nan"], False, "real"),
        (["1e5"], False, "int"),
        (["1e30"], False, "real"),
        (["-.5", "+3."], False, "real"),
        (["b", "a", "1"], False, "enum"),
        (["2007-11-6", "null"], False, "time"),
        (["2007-11-6", "later"], False, "enum"),
        ([], False, "real"),
        (["NaN"], False, "real"),
        (["12345678-1234-1234-1234-123456789abc"], False, "uuid"),
        ([f"t{i}" for i in range(200)], True, "string"),
        (["1_000", "0x10"], False, "enum"),
        (["True", "False"], False, "enum"),
        (["١٢"], False, "enum"),
    ],
)
def test_text_is_told_what_it_is(levels, texts, type_):
    assert (len(levels) > 100) is texts
    assert decide([report(encode(levels), None)]).type == type_


def test_levels_are_sorted_and_words_for_no_number_are_levels_among_words():
    assert decide([report(encode(["b", "nan", "B", "NA", "a"]), None)]).domain == ("B", "NA", "a", "b", "nan")


def test_a_dictionary_forgets_what_is_missing_and_keeps_blanks():
    got = clean([" a", "a", "", "NA", None, "a"], np.array([0, 1, 2, 3, 4, 5, -1], np.int32))
    assert got.levels == (" a", "a", "NA")
    assert got.codes.tolist() == [0, 1, -1, 2, -1, 1, -1]
    assert got.counts.tolist() == [1, 2, 1]


def test_any_object_is_written_as_text():
    got = encode([1, 2.0, "x", float("nan"), None, b"y", 1, True, 1.0])
    assert got.levels == ("1", "2", "x", "y", "True")
    assert got.codes.tolist() == [0, 1, 2, -1, -1, 3, 0, 4, 0]


def test_integers_beyond_doubles_stay_exact():
    assert as_numbers(["9007199254740993", "nan"]).tolist() == [2**53 + 1, -(2**63)]
    assert as_numbers(["9007199254740993", "0.5"]).dtype == float
    assert as_numbers(["99999999999999999999"]).dtype == float
    assert as_numbers(["x"]) is None


def test_a_short_line_before_the_table_does_not_make_it_narrow():
    setup = guess(b"569,30,malignant\n" + b"17.99,10.38,122.8,1001\n" * 3, True, Wishes(), "table.csv")
    assert (setup.header, setup.names) == (None, ("C1", "C2", "C3", "C4"))
