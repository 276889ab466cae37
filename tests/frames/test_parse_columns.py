"""What the user says of columns stays with the columns it is said of, also where others are not read."""

import pytest

from frames.exceptions import H2OValueError
from frames.functions import import_file
from frames.parse.declare import declare
from frames.parse.guess import Wishes, guess

FOUR = b"a,b,c,d\n1,x,3,4\n2,y,5,6\n"


def declared(col_names=None, col_types=None, na_strings=None, skipped_columns=None, data=FOUR):
    return declare(guess(data, True, Wishes(), "f"), col_names, col_types, na_strings, skipped_columns)


def types_of(setup):
    return {setup.names[i]: type_ for i, type_ in setup.forced.items() if i in setup.kept}


@pytest.mark.parametrize("skipped", [[0], ["a"], [-4]])
@pytest.mark.parametrize(
    "types",
    [
        ["int", None, "enum", "real"],  # per column of the file
        [None, "enum", "real"],  # per column that is read
        {"c": "enum", "d": "real"},
        {2: "enum", 3: "real"},
        {"a": "int", "c": "enum", "d": "real"},
    ],
)
def test_types_stay_with_their_columns(skipped, types):
    assert types_of(declared(col_types=types, skipped_columns=skipped)) == {"c": "enum", "d": "real"}


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["p", "q", "r", "s"], ("p", "r", "s")),
        (["p", "r", "s"], ("p", "r", "s")),
        (["b", "a", "c"], ("b", "a", "c")),  # the name of the column that is left out is free
    ],
)
def test_names_are_given_to_all_columns_or_to_those_that_are_read(names, wanted):
    setup = declared(col_names=names, skipped_columns=[1], col_types={wanted[1]: "enum"})
    assert tuple(setup.names[i] for i in setup.kept) == wanted
    assert types_of(setup) == {wanted[1]: "enum"}


@pytest.mark.parametrize("texts", [[["1"], ["x"], ["3"], []], [["1"], ["3"], []], {"a": "1", "c": ["3"]}])
def test_texts_that_mean_missing_stay_with_their_columns(texts):
    setup = declared(na_strings=texts, skipped_columns=["b"])
    assert [setup.missing[i] for i in setup.kept] == [{"1"}, {"3"}, set()]


@pytest.mark.parametrize("argument", ["col_names", "col_types", "na_strings"])
def test_lists_of_another_length_are_refused(argument):
    entry = {"col_names": "p", "col_types": "int", "na_strings": ["x"]}[argument]
    for length in (1, 2, 5):
        entries = [f"{entry}{i}" if argument == "col_names" else entry for i in range(length)]
        with pytest.raises(H2OValueError, match=f"4 columns, 3 of which are read; got {length}"):
            declared(**{argument: entries}, skipped_columns=[1])


@pytest.mark.usefixtures("client")
def test_columns_that_are_not_read_shift_nothing(tmp_path):
    (tmp_path / "f.csv").write_bytes(FOUR)
    for skipped in range(4):
        rest = [name for i, name in enumerate("abcd") if i != skipped]
        frame = import_file(tmp_path / "f.csv", skipped_columns=[skipped], col_types=["enum", "string", "real"])
        assert frame.types == dict(zip(rest, ["enum", "string", "real"], strict=True))


@pytest.mark.usefixtures("client")
def test_names_of_types_tell_a_header_of_texts(tmp_path):
    (tmp_path / "f.csv").write_text("foo,bar\nann,red\nbob,blue\n")
    assert import_file(tmp_path / "f.csv").nrow == 3
    assert import_file(tmp_path / "f.csv", col_types={"foo": "string"}).types == {"foo": "string", "bar": "enum"}
    assert import_file(tmp_path / "f.csv", skipped_columns=["bar"]).names == ["foo"]
