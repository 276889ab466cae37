"""Frames printed and handed to pandas or lists."""

import numpy as np
import pandas as pd
import pytest

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame
from frames.functions import create_frame, export_file

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
def fr(cut):
    table = pd.DataFrame({"sepal": [5.1, 4.9, 4.7] * 5, "n": np.arange(15), "class": ["setosa", "virginica", None] * 5})
    return cut(table)


def test_print_shows_ten_rows_right_aligned_and_the_size(fr):
    lines = str(fr).splitlines()
    assert lines[0].split() == ["sepal", "n", "class"]
    assert lines[2].split() == ["5.1", "0", "setosa"]
    assert lines[4].split() == ["4.7", "2", "NA"]
    assert lines[-1] == "[15 rows x 3 columns]"
    assert len(lines) == 13
    assert len({len(line) for line in lines[:-1]}) == 1
    assert repr(fr) == str(fr)


def test_the_notebook_gets_an_escaped_table():
    html = H2OFrame({"<b>": ["<i>", "x"]})._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<i>" not in html
    assert "[2 rows x 1 column]" in html


def test_describe_prints_size_statistics_and_first_rows(fr, capsys):
    assert fr.describe() is None
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Rows:15", "Cols:3"]
    by_label = {line.split()[0]: line.split()[1:] for line in lines[3:] if line.strip()}
    assert by_label["type"] == ["real", "int", "enum"]
    assert by_label["mins"] == ["4.7", "0"]
    assert by_label["mean"] == ["4.9", "7"]
    assert by_label["missing"] == ["0", "0", "5"]
    assert by_label["zeros"] == ["0", "1", "5"]
    assert by_label["9"] == ["5.1", "9", "setosa"]
    assert fr.summary() is None
    assert list(fr.summary(return_data=True)) == ["sepal", "n", "class"]
    fr.describe(chunk_summary=True)
    assert "partition" in capsys.readouterr().out
    fr.structure()
    assert "$ class: Factor w/ 2 level(s)" in capsys.readouterr().out


def test_show_prints_and_returns_nothing(fr, capsys):
    assert fr.show() is None
    assert "[15 rows x 3 columns]" in capsys.readouterr().out
    fr.show(use_pandas=True)
    fr.show(rows=2, cols=1)
    printed = capsys.readouterr().out.splitlines()
    assert printed[-6:-1] == ["sepal", "-----", "  5.1", "  4.9", "[15 rows x 3 columns]"]


def test_wide_frames_are_cut_on_screen():
    fr = H2OFrame(np.zeros((2, 250)))
    assert str(fr).splitlines()[0].split()[-1] == "..."
    assert "250 columns" in str(fr)
    fr.summary(return_data=True)


def test_pandas_gets_h2os_kinds_of_columns(fr):
    shown = fr.as_data_frame()
    assert shown["n"].dtype == np.int64
    assert shown["sepal"].dtype == np.float64
    assert shown["class"].isna().sum() == 5
    assert isinstance(shown["class"][0], str)
    assert not isinstance(shown["class"].dtype, pd.CategoricalDtype)


def test_lists_of_strings_come_with_names_first(fr):
    rows = fr.as_data_frame(use_pandas=False)
    assert rows[0] == ["sepal", "n", "class"]
    assert rows[3] == ["4.7", "2", ""]
    assert fr.as_data_frame(use_pandas=False, header=False) == rows[1:]
    lines = fr.get_frame_data().splitlines()
    assert lines[0] == '"sepal","n","class"'
    assert lines[3] == "4.7,2,"


def test_frame_data_is_what_an_export_writes(tmp_path):
    fr = H2OFrame({'say "a"': ['b "c"', "d\ne", None], "t": ["2020-02-29 12:30", None, "1969-12-31"]})
    export_file(fr, tmp_path / "f.csv")
    assert (
        fr.get_frame_data()
        == (tmp_path / "f.csv").read_text()
        == ('"say ""a""","t"\n"b ""c""",2020-02-29 12:30:00.000\n"d\ne",\n,1969-12-31 00:00:00.000\n')
    )
    assert fr.as_data_frame(use_pandas=False) == [
        ['say "a"', "t"],
        ['b "c"', "2020-02-29 12:30:00.000"],
        ["d\ne", ""],
        ["", "1969-12-31 00:00:00.000"],
    ]


def test_times_are_shown_as_times():
    fr = H2OFrame(pd.DataFrame({"t": pd.to_datetime(["2020-02-29 12:30", None])}))
    assert "2020-02-29 12:30:00" in str(fr)
    assert fr.as_data_frame()["t"].isna().tolist() == [False, True]


def test_a_frame_of_no_rows_is_shown():
    fr = H2OFrame({"x": [1], "e": ["a"]})
    none = fr[fr["x"] > 5]
    assert "[0 rows x 2 columns]" in str(none)
    assert none.as_data_frame().shape == (0, 2)
    none.describe()


# ---- random frames
def test_random_frames_have_the_columns_asked_for():
    fr = create_frame(
        "random", rows=2500, cols=10, real_fraction=0.3, categorical_fraction=0.2, integer_fraction=0.2,
        binary_fraction=0.1, time_fraction=0.1, string_fraction=0.1, missing_fraction=0.1, factors=5, real_range=2,
        integer_range=7, has_response=True, seed=5,
    )  # fmt: skip
    assert fr.frame_id == "random"
    assert fr.names == ["response", *[f"C{i}" for i in range(1, 11)]]
    counts = pd.Series(fr.drop("response").types).value_counts().to_dict()
    assert counts == {"real": 3, "int": 3, "enum": 2, "time": 1, "string": 1}
    assert fr.types["response"] == "enum"
    assert fr.nlevels()[0] == 2
    shares = np.array(fr.nacnt()[1:]) / 2500
    assert fr.nacnt()[0] == 0
    assert ((shares > 0.07) & (shares < 0.13)).all()
    for name, summary in fr.summaries().items():
        if fr.types[name] == "real":
            assert -2 <= summary.minimum < -1.8
            assert 1.8 < summary.maximum <= 2


def test_random_frames_repeat_with_their_seed():
    first, second = (create_frame(rows=50, cols=4, seed=9).as_data_frame() for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert not create_frame(rows=50, cols=4, seed=10).as_data_frame().equals(first)


def test_random_frames_without_randomness_and_with_a_real_response():
    fr = create_frame(rows=20, cols=3, randomize=False, value=3, real_fraction=1, missing_fraction=0, has_response=True,
                      response_factors=1, positive_response=True, seed=1)  # fmt: skip
    assert fr[["C1", "C2", "C3"]].mean() == [3.0, 3.0, 3.0]
    assert fr.types["response"] == "real"
    assert fr["response"].min() >= 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"rows": 0}, H2OValueError), ({"cols": 1.5}, H2OTypeError), ({"real_fraction": 2}, H2OValueError),
        ({"real_fraction": 0.7, "time_fraction": 0.7}, H2OValueError), ({"missing_fraction": -1}, H2OValueError),
    ],
)  # fmt: skip
def test_impossible_random_frames_are_refused(options, error):
    with pytest.raises(error):
        create_frame(**options)
