"""parse_setup says how files would be read, and parse_raw reads them so."""

import pandas as pd
import pytest

from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.functions import import_file, lazy_import, parse_raw, parse_setup

TEXT = "n;when;who;code\n1;2020-01-02;ann;x1\n2;2021-03-04;bob;x2\n3;2022-05-06;ann;x3\n"


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(TEXT)
    return str(path)


def test_a_setup_says_separator_header_names_and_types(csv):
    setup = parse_setup(csv)
    assert (chr(setup["separator"]), setup["check_header"], setup["parse_type"]) == (";", 1, "CSV")
    assert setup["column_names"] == ["n", "when", "who", "code"]
    assert setup["column_types"] == ["Numeric", "Time", "Enum", "Enum"]
    assert (setup["number_columns"], setup["destination_frame"]) == (4, import_file(csv).key)


def test_an_unchanged_setup_reads_what_import_file_reads(csv):
    made = parse_raw(parse_setup(lazy_import(csv)))
    asked = import_file(csv)
    assert made.types == asked.types
    pd.testing.assert_frame_equal(made.as_data_frame(), asked.as_data_frame())


def test_changed_names_and_types_act(csv):
    setup = parse_setup(csv)
    setup["column_names"][0] = "number"
    setup["column_types"][0] = "Enum"
    made = parse_raw(setup, id="mine")
    assert (made.frame_id, made.types["number"], made.types["who"]) == ("mine", "enum", "enum")


def test_types_asked_for_at_the_setup_are_binding(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("x\n" + "1\n" * 10 + "word\n")
    setup = parse_setup(str(path), column_types=["numeric"])
    assert setup["column_types"] == ["Numeric"]
    with pytest.warns(UserWarning, match="x"):
        made = parse_raw(setup)
    assert (made.types["x"], made["x"].nacnt()) == ("int", [1])


def test_a_guess_that_later_rows_contradict_is_made_again(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("x\n" + "1\n" * 200_000 + "word\n" * 300_000)
    setup = parse_setup(str(path))
    assert setup["column_types"] == ["Numeric"]
    assert parse_raw(setup).types == {"x": "enum"}


def test_skipped_columns_are_neither_said_nor_read(csv):
    setup = parse_setup(csv, skipped_columns=[1])
    assert setup["column_names"] == ["n", "who", "code"]
    assert parse_raw(setup).names == ["n", "who", "code"]


def test_the_first_line_can_be_said_to_be_data(csv):
    setup = parse_setup(csv, column_names=list("abcd"))
    with pytest.warns(UserWarning, match="column 'a'"):
        made = parse_raw(setup, first_line_is_header=-1)
    assert (made.nrow, made.names) == (4, list("abcd"))


@pytest.mark.parametrize("form", ["parquet", "arff", "svmlight", "xlsx"])
def test_other_forms_have_a_setup_too(form, tmp_path):
    table = pd.DataFrame({"a": [1.5, 2.5], "b": [3.0, 4.0]})
    path = str(tmp_path / f"t.{form}")
    if form == "parquet":
        table.to_parquet(path)
    elif form == "xlsx":
        table.to_excel(path, index=False)
    elif form == "arff":
        (tmp_path / "t.arff").write_text(
            "@relation t\n@attribute a numeric\n@attribute b numeric\n@data\n1.5,3\n2.5,4\n"
        )
    else:
        (tmp_path / "t.svmlight").write_text("1 1:1.5 2:3\n0 1:2.5 2:4\n")
    setup, asked = parse_setup(path), import_file(path)
    assert setup["column_names"] == asked.names
    assert set(setup["column_types"]) == {"Numeric"}
    pd.testing.assert_frame_equal(parse_raw(setup).as_data_frame(), asked.as_data_frame())


def test_a_missing_file_a_foreign_dict_and_too_few_types_are_refused(csv):
    with pytest.raises(FrameError, match="nowhere"):
        parse_setup("nowhere.csv")
    with pytest.raises(H2OTypeError, match="parse_setup"):
        parse_raw({"a": 1})
    setup = parse_setup(csv)
    setup["column_types"].pop()
    with pytest.raises(H2OValueError, match="4 columns; got 3"):
        parse_raw(setup)
