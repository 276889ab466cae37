"""SVMLight files: a target and features by number, read as scikit-learn reads them."""

import io

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from frames.exceptions import FrameError, H2OValueError
from frames.functions import import_file
from frames.parse import svmlight


@pytest.fixture
def file(client, tmp_path):
    """Write bytes to a file; returns its path."""

    def write(data, name="f.svm"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize("block", [2**24, 200])
def test_rows_are_those_of_scikit_learn(file, monkeypatch, block):
    monkeypatch.setattr(svmlight, "_BLOCK", block)
    matrix = sp.random(300, 12, density=0.2, random_state=3, format="csr")
    target = np.random.default_rng(3).normal(size=300)
    text = io.BytesIO()
    dump_svmlight_file(matrix, target, text, zero_based=False)
    expected, labels = load_svmlight_file(io.BytesIO(text.getvalue()), zero_based=False)
    frame = import_file(file(text.getvalue()))
    assert frame.names == [f"C{i + 1}" for i in range(13)]
    found = frame.as_data_frame().to_numpy(float)
    np.testing.assert_array_equal(found[:, 0], labels)
    np.testing.assert_array_equal(found[:, 1:], expected.toarray())


def test_comments_queries_and_lines_without_features_are_read(file):
    frame = import_file(file(b"1 1:0.5 3:2 # 4:7\n\n-1 qid:3 2:1e3\r\n0\n"))
    assert frame.as_data_frame(use_pandas=False)[1:] == [
        ["1", "0.5", "0", "2"],
        ["-1", "0.0", "1000", "0"],
        ["0", "0.0", "0", "0"],
    ]


def test_a_file_is_told_by_what_it_holds(file):
    assert import_file(file(b"1 1:0.5 3:2\n-1 2:1\n", "f.txt")).dim == [2, 4]
    assert import_file(file(b"t,x\n12:30:10,1\n", "g.txt")).dim == [1, 2]


def test_files_of_different_width_are_one_frame(file):
    frame = import_file([file(b"1 1:1\n"), file(b"2 3:1\n", "g.svm")])
    assert frame.as_data_frame(use_pandas=False)[1:] == [["1", "1", "0", "0"], ["2", "0", "0", "1"]]


def test_options_are_heeded_or_refused(file):
    path = file(b"1 1:5 2:3\n0 2:1\n")
    frame = import_file(path, "mine", col_types={"C1": "enum"}, skipped_columns=[2])
    assert (frame.frame_id, frame.types) == ("mine", {"C1": "enum", "C2": "int"})
    assert frame.levels() == [["0", "1"], []]
    assert import_file(path, col_names=["y", "a", "b"]).names == ["y", "a", "b"]
    with pytest.raises(H2OValueError, match="na_strings must be left out"):
        import_file(path, na_strings=["5"])
    with pytest.raises(H2OValueError, match="'C2' was declared time"):
        import_file(path, col_types={"C2": "time"})


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"1 1:2\n1 0:5\n", "'1 0:5' in line 2"),
        (b"1 3:5 1:3\n", "'1 3:5 1:3' in line 1"),
        (b"1 1:5 1:3\n", "in line 1"),
        (b"# a\n1 1:x\n", "'1 1:x' in line 2"),
        (b"1 2 3:4:5\n", "in line 1"),
        (b"1 :4\n", "in line 1"),
        (b"a,b\n", "'a,b' in line 1"),
    ],
)
def test_the_first_line_that_is_no_row_is_named(file, data, shown):
    with pytest.raises(FrameError, match=shown):
        import_file(file(data))


def test_a_file_of_comments_is_empty(file):
    with pytest.raises(FrameError, match="at least one row"):
        import_file(file(b"# nothing\n"))
