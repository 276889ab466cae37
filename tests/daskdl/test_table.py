"""H2OTwoDimTable: cells, printing, pandas, JSON."""

import json

import numpy as np
import pytest

from daskdl.metrics.table import H2OTwoDimTable
from frames.exceptions import H2OTypeError, H2OValueError


def sizes() -> H2OTwoDimTable:
    rows = [["a", np.int64(3), 0.5], ["b", 40, float("nan")], ["<c>", None, None]]
    return H2OTwoDimTable("Sizes", "per class", ["", "rows", "share"], ["string", "int", "double"], rows)


def test_a_column_is_read_by_its_name_and_a_row_by_its_number():
    table = sizes()
    assert table["rows"] == [3, 40, None]
    assert table[["", "rows"]] == [["a", "b", "<c>"], [3, 40, None]]
    assert table[0] == ["a", 3, 0.5]
    assert table[:2].cell_values == table.cell_values[:2]
    assert len(table) == 3
    assert type(table.cell_values[0][1]) is int


def test_an_unknown_column_is_refused_with_the_names_there_are():
    with pytest.raises(H2OValueError, match=r"'rows'.*got 'size'"):
        sizes()["size"]
    with pytest.raises(H2OTypeError, match="float"):
        sizes()[1.5]


def test_a_row_of_the_wrong_length_is_refused_with_its_number():
    with pytest.raises(H2OValueError, match=r"row 1 has 1 cells for 2 columns"):
        H2OTwoDimTable("t", None, ["a", "b"], None, [[1, 2], [3]])


def test_types_must_be_known_and_one_per_column():
    with pytest.raises(H2OValueError, match="2 columns"):
        H2OTwoDimTable("t", None, ["a", "b"], ["int"], [])
    with pytest.raises(H2OValueError, match="'real'"):
        H2OTwoDimTable("t", None, ["a"], ["real"], [])


def test_types_are_guessed_from_the_cells():
    table = H2OTwoDimTable("t", None, ["a", "b", "c"], None, [[1, 2.5, "x"], [None, 3, "y"]])
    assert table.col_types == ["int", "double", "string"]


def test_the_text_has_title_header_rule_and_aligned_cells():
    lines = sizes().to_str().split("\n")
    assert lines[0] == "Sizes: per class"
    assert lines[1].split() == ["rows", "share"]
    assert set(lines[2]) == {"-", " "}
    assert lines[3].index("3") == lines[4].index("40") == lines[1].index("rows")
    assert lines[4].endswith("nan")


def test_a_long_table_is_cut_in_the_middle(capsys):
    table = H2OTwoDimTable("n", None, ["i"], ["int"], [[i] for i in range(50)])
    table.show(header=False)
    lines = capsys.readouterr().out.split("\n")
    assert [line.strip() for line in lines[:1]] == ["i"]
    assert lines[12].strip() == "---"
    assert lines[22].strip() == "49"
    assert len(table.to_str(rows=None).split("\n")) == 53


def test_pandas_gets_number_columns_with_nan_for_empty_cells():
    frame = sizes().as_data_frame()
    assert list(frame.columns) == ["", "rows", "share"]
    assert frame["share"].dtype == np.float64
    assert np.isnan(frame["rows"][2])
    assert frame["rows"][1] == 40


def test_html_escapes_the_cells():
    assert "&lt;c&gt;" in sizes()._repr_html_()


def test_json_gives_the_same_table_back():
    again = H2OTwoDimTable.from_dict(json.loads(json.dumps(sizes().to_dict())))
    assert again == sizes()
    assert again != sizes()[:2]


def test_an_empty_table_prints_its_header():
    table = H2OTwoDimTable("none", None, ["a", "b"], None, [])
    assert table.to_str().split("\n")[1].split() == ["a", "b"]
    assert list(table.as_data_frame().columns) == ["a", "b"]
