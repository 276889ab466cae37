"""Several files as one frame: their headers must agree, and none of them becomes a row."""

import pytest

from frames.exceptions import FrameError
from frames.frame import H2OFrame
from frames.functions import export_file, import_file
from frames.parse.guess import Wishes
from frames.parse.several import plan_files
from frames.parse.source import inspect


def sources_of(folder, texts):
    for number, text in enumerate(texts):
        (folder / f"f{number}.csv").write_text(text)
    return [inspect(str(folder / f"f{number}.csv")) for number in range(len(texts))]


def rows_of(folder, texts, named=False, **wishes):
    """The names, and what each file holds from where its rows begin."""
    setup, starts = plan_files(sources_of(folder, texts), Wishes(**wishes), named)
    return setup.names, [start.source.head(1000)[start.offset :].decode() for start in starts]


@pytest.mark.parametrize(
    ("texts", "names", "rows"),
    [
        (["x,s\n1,a\n", "x,s\n2,b\n"], ("x", "s"), ["1,a\n", "2,b\n"]),
        (["x,s\n1,a\n", "2,b\n"], ("x", "s"), ["1,a\n", "2,b\n"]),
        (["x,s\n1,a\n", '"x", "s"\n2,b\n'], ("x", "s"), ["1,a\n", "2,b\n"]),
        (["x,,x\n1,a,2\n", "x,,x\n2,b,3\n"], ("x", "C2", "x.1"), ["1,a,2\n", "2,b,3\n"]),
        (["1,a\n", "2,b\n"], ("C1", "C2"), ["1,a\n", "2,b\n"]),
        (["x,s\n1,a\n", "x,s\n"], ("x", "s"), ["1,a\n", ""]),
        (["x,s\n", "x,s\n1,a\n"], ("x", "s"), ["", "1,a\n"]),
        (["foo,bar\nann,red\n", "foo,bar\nbob,blue\n"], ("foo", "bar"), ["ann,red\n", "bob,blue\n"]),
        (["ann,red\nbob,blue\n", "cid,red\n"], ("C1", "C2"), ["ann,red\nbob,blue\n", "cid,red\n"]),
        (["ann,red\n", "bob,red\ncid,red\n"], ("C1", "C2"), ["ann,red\n", "bob,red\ncid,red\n"]),
        (["a,b\n1,2,3\n", "a,b\n4,5,6\n"], ("a", "b", "C3"), ["1,2,3\n", "4,5,6\n"]),
    ],
)
def test_a_header_names_the_columns_in_whichever_files_it_stands(tmp_path, texts, names, rows):
    if texts[0].count("x,,x"):
        with pytest.warns(UserWarning, match=r"'x' stands for 2 columns, which are called x, x\.1"):
            assert rows_of(tmp_path, texts) == (names, rows)
    else:
        assert rows_of(tmp_path, texts) == (names, rows)


@pytest.mark.parametrize(
    ("texts", "header", "message"),
    [
        (
            ["x,s\n1,a\n", "s,x\na,1\n"],
            0,
            r"of .*f0\.csv is x, s, that of .*f1\.csv is s, x\. Bring the columns into one",
        ),
        (["x,s\n1,a\n", "z,s\n1,a\n"], 0, r"of .*f0\.csv is x, s, that of .*f1\.csv is z, s\. Import the files apart"),
        (["x,s\n1,a\n", "z,s\n1,a\n"], 1, r"is x, s, that of .* is z, s"),
        (["x,s\n1,a\n", "x,s,t\n1,a,b\n"], 0, r"is x, s, that of .* is x, s, t"),
        (["x,s\n1,a\n", "x,s\n2,b\n", "t,s\n1,a\n"], 0, r"f0\.csv is x, s, that of .*f2\.csv is t, s"),
        (["1,a\n2,b\n", "x,s\n1,a\n"], 0, r"f0\.csv has none, that of .*f1\.csv is x, s"),
        (["name,city\nann,rome\n", "city,name\noslo,bob\n"], 0, r"is name, city, that of .* is city, name"),
        (["x,s\n1,a\n", "2,b,3\n"], 0, r"must have 2 columns as the first has; .*f1\.csv has 3"),
        (["1,a\n", "2,b,3\n"], -1, r"must have 2 columns as the first has; .*f1\.csv has 3"),
    ],
)
def test_other_headers_are_refused_with_both_named(tmp_path, texts, header, message):
    with pytest.raises(FrameError, match=message):
        rows_of(tmp_path, texts, header=header)


def test_headers_may_differ_where_the_user_names_the_columns(tmp_path):
    texts = ["x,s\n1,a\n", "z,t\n2,b\n", "3,c\n"]
    assert rows_of(tmp_path, texts, named=True) == (("x", "s"), ["1,a\n", "2,b\n", "3,c\n"])


def test_all_first_rows_are_data_where_the_user_says_so(tmp_path):
    texts = ["x,s\n1,a\n", "s,x\na,1\n"]
    assert rows_of(tmp_path, texts, header=-1) == (("C1", "C2"), texts)


def test_a_row_that_has_the_names_that_the_user_speaks_of_is_a_header(tmp_path):
    sources = sources_of(tmp_path, ["foo,bar\nann,red\nbob,blue\n"])
    assert plan_files(sources, Wishes())[0].header is None
    assert plan_files(sources, Wishes(), spoken={"bar"})[0].names == ("foo", "bar")
    assert plan_files(sources, Wishes(), spoken={"bar", "baz"})[0].header is None
    assert plan_files(sources, Wishes(header=-1), spoken={"bar"})[0].header is None


@pytest.mark.usefixtures("client")
def test_files_without_rows_have_names(tmp_path):
    frame = H2OFrame({"x": [1, 2], "s": ["a", "b"]})
    for columns in (["x", "s"], ["x"]):
        export_file(frame[frame["x"] > 5, columns], tmp_path / "empty.csv", force=True)
        back = import_file(tmp_path / "empty.csv")
        assert (back.names, back.nrow) == (columns, 0)


@pytest.mark.usefixtures("client")
def test_a_folder_is_one_table_or_refused(tmp_path):
    sources_of(tmp_path, ["x,s\n1,a\n", "x,s\n2,b\n"])
    assert import_file(tmp_path).as_data_frame(use_pandas=False) == [["x", "s"], ["1", "a"], ["2", "b"]]
    (tmp_path / "f2.csv").write_text("s,x\nc,3\n")
    with pytest.raises(FrameError, match=r"f0\.csv is x, s, that of .*f2\.csv is s, x"):
        import_file(tmp_path)
    with pytest.raises(FrameError, match="is s, x"):
        import_file([tmp_path / "f0.csv", tmp_path / "f2.csv"])
    with pytest.warns(UserWarning, match=r"'p' \(int\) 1 of 3 cells \('c'\)"):
        assert import_file(tmp_path, col_names=["p", "q"]).nrow == 3


@pytest.mark.usefixtures("client")
def test_a_header_longer_than_the_usual_sample_is_read_whole(tmp_path):
    names = [f"a_column_with_quite_a_long_name_{i:05d}" for i in range(9_000)]
    rows = [[str(i * k % 97) for i in range(len(names))] for k in (1, 5)]
    (tmp_path / "wide.csv").write_text("\n".join(map(",".join, [names, *rows])) + "\n")
    frame = import_file(tmp_path / "wide.csv")
    assert (frame.names, frame.nrow, set(frame.types.values())) == (names, 2, {"int"})
    assert frame[:, [8_999, 0]].mean() == [sum(8_999 * k % 97 for k in (1, 5)) / 2, 0.0]
