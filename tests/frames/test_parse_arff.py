"""ARFF files: names, types and levels come from the header, the rows from the reader of CSV."""

import gzip

import numpy as np
import pytest
from scipy.io import arff

from frames.exceptions import FrameError
from frames.frame import H2OFrame
from frames.functions import import_file

IRIS = """% A title,
% in two lines
@RELATION iris

@ATTRIBUTE 'sepal length' NUMERIC
@ATTRIBUTE n integer
@attribute class {b,a,'c d', e}
@attribute text string
@attribute when date 'yyyy-MM-dd HH:mm:ss'
@DATA
% between rows
5.1,1,a,'it\\'s, fine','2001-04-03 12:12:12'

?,2,'c d',?,?
4.0, 3, b, 007,'1969-07-20 20:17:40'
"""


@pytest.fixture
def file(client, tmp_path):
    """Write a text to a file; returns its path."""

    def write(text, name="f.arff"):
        data = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["f.arff", "f.arff.gz", "f.txt", "f.ARFF"])
def test_the_header_says_names_types_and_levels(file, name):
    frame = import_file(file(IRIS, name))
    assert frame.frame_id == "f.hex"
    assert frame.types == {"sepal length": "real", "n": "int", "class": "enum", "text": "string", "when": "time"}
    assert frame["class"].levels() == [["b", "a", "c d", "e"]]
    assert frame.as_data_frame(use_pandas=False)[1:] == [
        ["5.1", "1", "a", "it's, fine", "2001-04-03 12:12:12.000"],
        ["", "2", "c d", "", ""],
        ["4.0", "3", "b", "007", "1969-07-20 20:17:40.000"],
    ]


def test_numbers_and_levels_are_those_of_scipy(file):
    random = np.random.default_rng(5)
    levels = ["x", "y", "zz"]
    reals = (random.normal(size=500) * 10.0 ** random.integers(-20, 20, 500)).tolist()
    lines = [f"{real!r},{random.integers(-9, 9)},{random.choice(levels)}" for real in reals]
    lines[7] = "?,?,?"
    header = "@relation r\n@attribute a real\n@attribute b numeric\n@attribute c {zz,x,y}\n@data\n"
    path = file(header + "\n".join(lines))
    expected, _ = arff.loadarff(path)
    frame = import_file(path)
    found = frame.as_data_frame()
    np.testing.assert_array_equal(found["a"], expected["a"])
    np.testing.assert_array_equal(found["b"], expected["b"])
    assert found["c"].fillna("?").tolist() == [level.decode() for level in expected["c"]]
    assert frame["c"].levels() == [["zz", "x", "y"]]


def test_levels_that_the_header_does_not_name_follow(file):
    frame = import_file(file("@relation r\n@attribute c {b,1}\n@attribute n numeric\n@data\n1,1\nq,2\nb,3\n"))
    assert frame["c"].levels() == [["b", "1", "q"]]


def test_no_rows_keep_types_and_levels(file):
    frame = import_file(file(IRIS[: IRIS.index("% between")]))
    assert frame.dim == [0, 5]
    assert frame.types["text"] == "string"
    assert frame["class"].levels() == [["b", "a", "c d", "e"]]


def test_options_act_as_for_files_of_text(file):
    frame = import_file(file(IRIS), col_types={"class": "string", "n": "enum"}, na_strings={"text": ["007"]})
    assert (frame.types["class"], frame.types["n"]) == ("string", "enum")
    assert frame["text"].nacnt() == [2]
    assert frame["sepal length"].nacnt() == [1]
    assert import_file(file(IRIS), skipped_columns=["text", "class"]).names == ["sepal length", "n", "when"]


def test_files_of_one_header_are_one_frame(file):
    first, again = file(IRIS), file(IRIS, "g.arff")
    frame = import_file([first, again])
    assert isinstance(frame, H2OFrame)
    assert frame.nrow == 6
    other = file(IRIS.replace("n integer", "m integer"), "h.arff")
    with pytest.raises(FrameError, match="same attributes"):
        import_file([first, other])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("@relation r\n@attribute a numeric\n", "line @data"),
        ("@relation r\n@data\n1\n", "must have an attribute"),
        ("@relation r\n@attribute a relational\n@data\n1\n", r"'@attribute a relational' in line 2"),
        ("@relation r\n@attribute a\n@data\n1\n", "got '@attribute a' in line 2"),
        ("@relation r\n@attribute a real\n@attribute a real\n@data\n1,2\n", "'a' .* more than once"),
        ("@relation r\n@attribute a real\n@data\n% no\n{0 5}\n", "sparse"),
        ("@relation r\n@attribute a string\n@attribute b string\n@data\n'x',\"y\"\n", "one kind of quotes"),
    ],
)
def test_what_is_no_table_is_refused(file, text, sentence):
    with pytest.raises(FrameError, match=sentence):
        import_file(file(text))
