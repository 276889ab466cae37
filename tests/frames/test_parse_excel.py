"""Excel files: sheets as tables, through pandas."""

import datetime as dt
import shutil
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from frames.exceptions import FrameError
from frames.frame import H2OFrame
from frames.functions import import_file

OLD = Path(__file__).resolve().parent.parent / "golden" / "sheets" / "old.xls"
ROWS = [
    ("name", "born", "size", "count", "flag"),
    ("ann", dt.datetime(1967, 4, 1, 12, 30), 1.5, 3, True),
    ("NA", None, None, 2**40, False),
    ("bob", dt.datetime(2001, 1, 2), -0.25, None, True),
]
TYPES = {"name": "enum", "born": "time", "size": "real", "count": "int", "flag": "enum"}


@pytest.fixture
def book(client, tmp_path):
    """Write sheets (name -> rows) to a file; returns its path."""

    def write(name="b.xlsx", **sheets):
        made = openpyxl.Workbook()
        made.remove(made.worksheets[0])
        for title, rows in sheets.items():
            sheet = made.create_sheet(title)
            for row in rows:
                sheet.append(row)
        made.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize("form", ["old", "new"])
def test_cells_come_as_what_they_are(book, tmp_path, form):
    path = book(a=ROWS) if form == "new" else shutil.copy(OLD, tmp_path / "b.xls")
    frame = import_file(path)
    assert frame.frame_id == "b.hex"
    assert frame.types == TYPES
    assert frame.as_data_frame(use_pandas=False) == [
        ["name", "born", "size", "count", "flag"],
        ["ann", "1967-04-01 12:30:00.000", "1.5", "3", "True"],
        ["NA", "", "", "1099511627776", "False"],
        ["bob", "2001-01-02 00:00:00.000", "-0.25", "", "True"],
    ]


def test_columns_are_those_of_pandas(book):
    path = book(a=ROWS)
    expected = pd.read_excel(path, engine="calamine", keep_default_na=False, na_values=[""])
    found = import_file(path).as_data_frame()
    for name in ("name", "size", "count", "flag"):
        assert found[name].isna().tolist() == expected[name].isna().tolist()
        assert found[name].dropna().tolist() == expected[name].dropna().tolist()
    assert found["born"].tolist() == expected["born"].tolist()


def test_empty_rows_and_columns_around_the_table_are_left_out_and_rows_within_kept(book):
    frame = import_file(book(a=[[], [None, None, "x", "y"], [None, None, 1, 2], [], [None, None, 3, 4], [None]]))
    assert frame.names == ["x", "y"]
    assert frame.as_data_frame(use_pandas=False)[1:] == [["1", "2"], ["", ""], ["3", "4"]]


def test_options_act_as_for_files_of_text(book):
    path = book(a=ROWS)
    frame = import_file(path, col_types={"count": "enum"}, na_strings=["NA"], skipped_columns=["born"])
    assert frame.types == {"name": "enum", "size": "real", "count": "enum", "flag": "enum"}
    assert frame["name"].levels() == [["ann", "bob"]]
    with pytest.warns(UserWarning, match=r"C3.*'size'.*col_types="):
        assert import_file(path, header=-1).dim == [4, 5]
    assert import_file(path, col_names=list("abcde")).names == list("abcde")
    numbers = book("n.xlsx", a=[[1, 2], [3, 4]])
    assert import_file(numbers).dim == [2, 2]
    assert import_file(numbers, header=1).dim == [1, 2]


def test_other_sheets_are_not_read_and_said(book):
    path = book(first=[["x"], [1]], second=[["y"], [2]])
    with pytest.warns(UserWarning, match="Only the first sheet, 'first'"):
        assert import_file(path).names == ["x"]


def test_workbooks_of_one_header_are_one_frame(book):
    paths = [book("a.xlsx", s=[["x", "k"], [1, "a"]]), book("b.xlsx", s=[["x", "k"], [2, "b"]])]
    frame = import_file(paths)
    assert isinstance(frame, H2OFrame)
    assert frame.as_data_frame(use_pandas=False)[1:] == [["1", "a"], ["2", "b"]]
    with pytest.raises(FrameError, match="same header"):
        import_file([paths[0], book("c.xlsx", s=[["z", "k"], [2, "b"]])])


def test_empty_and_damaged_workbooks_are_refused(book, tmp_path):
    with pytest.raises(FrameError, match="at least one row"):
        import_file(book(a=[]))
    path = book("cut.xlsx", a=ROWS)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FrameError, match="must be readable"):
        import_file(path)


def test_the_package_that_is_missing_is_named(book, monkeypatch):
    path = book(a=ROWS)
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(FrameError, match="pip install python-calamine"):
        import_file(path)
