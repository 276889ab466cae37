"""Tables on a screen: what does not fit is folded or cut, and nothing is where the output is a file."""

import sys

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.frame import H2OFrame
from frames.text.screen import html_table, in_notebook, room, shortened, text_table

words = st.text("abc ", min_size=0, max_size=12)


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of a given width behind stdout, still captured."""

    def of_width(columns: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setenv("COLUMNS", str(columns))

    return of_width


def test_a_captured_output_is_no_screen():
    assert room() is None
    assert not in_notebook()


def test_a_terminal_says_how_wide_it_is(terminal):
    terminal(72)
    assert room() == 72


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(words, words, words, words), min_size=1, max_size=4),
    st.integers(1, 60),
    st.booleans(),
)
def test_every_cell_of_a_folded_table_is_there_in_its_column_order(rows, most, left):
    rows = [[cell.strip() or "x" for cell in row] for row in rows]
    header = ["one", "two", "three", "four"]
    text = text_table(header, rows, left, most)
    blocks = [[line.split() for line in block.split("\n")] for block in text.split("\n\n")]
    whole = [[*header], *rows]
    for number, row in enumerate(whole):
        line = number if number == 0 else number + 1  # the rule lies below the header
        expected = [word for cell in row for word in cell.split()]
        label = row[0].split()
        found = blocks[0][line] + [w for block in blocks[1:] for w in block[line][len(label) :]]
        assert found == expected
    widths = [max(len(row[i]) for row in whole) for i in range(4)]
    limit = max(most, max(widths[0] + 2 + w for w in widths[1:]))
    assert max(len(line) for line in text.split("\n")) <= limit


def test_later_blocks_repeat_the_first_column_that_says_something():
    text = text_table(["", "layer", "units"], [["", "1", "50000000"]], most=14)
    assert text.split("\n\n")[1].split() == ["layer", "units", "-----", "--------", "1", "50000000"]


def test_a_wide_table_loses_its_middle_columns_and_says_so():
    header = [f"c{i}" for i in range(30)]
    names, rows = shortened(header, [["1"] * 30], most=40)
    assert names.count("...") == 1
    assert names[0] == "c0"
    assert names[-1] == "c29"
    assert 30 < max(len(line) for line in text_table(names, rows).split("\n")) <= 40
    assert shortened(header, [["1"] * 30], most=None)[0] == header


def test_a_table_that_fits_exactly_keeps_all_columns():
    assert shortened(["ab", "cd"], [["1", "2"]], most=6)[0] == ["ab", "cd"]


def test_two_columns_stay_however_narrow_the_screen():
    assert shortened(["a" * 50, "b", "c" * 50], [["1", "2", "3"]], most=5)[0] == ["a" * 50, "...", "c" * 50]


def test_a_long_text_ends_in_dots_on_screen_and_is_whole_in_the_data(client):
    fr = H2OFrame({"note": ["x" * 500, "y"]}, column_types={"note": "string"})
    assert "x" * 57 + "..." in str(fr)
    assert "x" * 58 not in str(fr) + fr._repr_html_()
    assert fr.as_data_frame()["note"][0] == "x" * 500


def test_times_are_described_as_times(client, capsys):
    days = pd.to_datetime(["2024-01-01", "2024-01-03", None])
    H2OFrame(pd.DataFrame({"day": days, "n": [1, 2, 3]})).describe()
    lines = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.split("\n") if line.strip()}
    assert lines["mins"] == ["2024-01-01", "00:00:00", "1"]
    assert lines["mean"] == ["2024-01-02", "00:00:00", "2"]
    assert lines["maxs"] == ["2024-01-03", "00:00:00", "3"]
    assert lines["missing"] == ["1", "0"]
    H2OFrame(pd.DataFrame({"day": pd.to_datetime([None, None]), "n": [1, 2]}), column_types={"day": "time"}).describe()
    assert "NA" in capsys.readouterr().out


def test_a_wide_frame_fits_the_terminal_and_describe_shows_every_column(client, terminal, capsys):
    fr = H2OFrame({f"column{i}": [1.5, 2.5] for i in range(12)})
    terminal(60)
    fr.show()
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.split("\n")) <= 60
    assert "..." in printed
    fr.describe()
    described = capsys.readouterr().out
    assert max(len(line) for line in described.split("\n")) <= 60
    assert {f"column{i}" for i in range(12)} <= set(described.split())


def test_html_aligns_numbers_right_texts_left_and_breaks_no_cell():
    page = html_table(["name", "size"], [["<a>", "1e-09"]], texts=[0], title="Sizes & more")
    assert '<td style="text-align: left; white-space: nowrap">&lt;a&gt;</td>' in page
    assert '<td style="text-align: right; white-space: nowrap">1e-09</td>' in page
    assert "Sizes &amp; more" in page
    assert "overflow-x: auto" in page


def test_a_text_with_line_ends_and_tabs_stays_in_its_row():
    fr = H2OFrame({"t": ["a\nb", "c\td", "é\u2028"], "n": [1, 2, 3]}, column_types={"t": "string"})
    lines = str(fr).splitlines()
    assert [line.split() for line in lines[2:5]] == [["a\\nb", "1"], ["c\\td", "2"], ["é\\u2028", "3"]]
    assert fr[0, "t"] == "a\nb"
