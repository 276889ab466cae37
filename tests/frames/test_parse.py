"""Imports: what h2o.import_file makes of files, against pandas; and the battery of bad files."""

import bz2
import gzip
import http.server
import io
import lzma
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frames.cluster import registry, session
from frames.exceptions import FileMissing, FrameError, H2OResponseError, H2OTypeError, H2OValueError
from frames.frame import H2OFrame
from frames.functions import import_file, upload_file
from frames.parse import block, ranges
from frames.parse.guess import Setup

pytestmark = pytest.mark.usefixtures("client")

PETS = b"name,age,weight,born\ntom,3,4.5,2007-11-6\nrex,,30,2001-1-31\nNA,7,2.25,\n"


@pytest.fixture
def small_ranges(monkeypatch):
    """Ranges of a few bytes, so that small files are cut into many."""
    monkeypatch.setattr(ranges, "RANGE_BYTES", 500)
    monkeypatch.setattr(ranges, "_LEAST", 1)


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return str(path)


def check_pets(frame):
    assert frame.types == {"name": "enum", "age": "int", "weight": "real", "born": "time"}
    table = frame.as_data_frame()
    assert table["name"].tolist()[:2] == ["tom", "rex"]
    assert table["name"].tolist()[2] == "NA"
    np.testing.assert_array_equal(table["age"], [3.0, np.nan, 7.0])
    np.testing.assert_array_equal(table["weight"], [4.5, 30.0, 2.25])
    assert pd.isna(table["born"][2])
    assert str(table["born"][1].date()) == "2001-01-31"


def test_a_file_becomes_a_frame_named_after_it(tmp_path):
    path = write(tmp_path / "pets.csv", PETS)
    frame = import_file(path)
    check_pets(frame)
    assert frame.frame_id == "pets.hex"
    assert import_file(path).frame_id == "pets1.hex"
    assert import_file(path, destination_frame="mine").frame_id == "mine"
    assert registry.get("mine").nrow == 3
    check_pets(upload_file(path))
    check_pets(import_file(tmp_path / "pets.csv"))
    check_pets(import_file("file://" + path))


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("pets.csv.gz", gzip.compress),
        ("pets.csv.bz2", bz2.compress),
        ("pets.csv.xz", lzma.compress),
        ("pets", gzip.compress),
    ],
)
def test_compressed_files_are_unpacked(tmp_path, name, pack):
    frame = import_file(write(tmp_path / name, pack(PETS)))
    check_pets(frame)
    assert frame.frame_id == "pets.hex"


def zipped(*members):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return body.getvalue()


def test_files_in_a_zip_are_read_as_one_table_in_the_order_of_the_archive(tmp_path):
    check_pets(import_file(write(tmp_path / "pets.zip", zipped(("pets.csv", PETS)))))
    system = [("d/", b""), ("__MACOSX/._b.csv", b"\0junk"), (".DS_Store", b"\0")]
    two = write(tmp_path / "two.zip", zipped(("d/b.csv", b"x,s\n1,a\n2,b\n"), *system, ("a.csv", b"x,s\n3,c\n")))
    for read in (import_file, upload_file):
        frame = read(two)
        assert frame.frame_id.startswith("two")
        assert frame.as_data_frame(use_pandas=False) == [["x", "s"], ["1", "a"], ["2", "b"], ["3", "c"]]
    assert import_file(two, parse=False) == [two]
    assert import_file([two, write(tmp_path / "c.csv", b"x,s\n4,d\n")]).nrow == 4


def test_zips_that_hold_no_table_are_refused(tmp_path):
    with pytest.raises(FrameError, match=r"odd.zip/b.csv is z, s"):
        import_file(write(tmp_path / "odd.zip", zipped(("a.csv", b"x,s\n1,a\n"), ("b.csv", b"z,s\n1,a\n"))))
    with pytest.raises(FrameError, match=r"got csv and arff among 2 files"):
        import_file(write(tmp_path / "both.zip", zipped(("a.csv", b"x\n1\n"), ("b.arff", b"@relation r\n"))))
    with pytest.raises(FrameError, match="must hold a file"):
        import_file(write(tmp_path / "none.zip", zipped(("d/", b""))))
    with pytest.raises(FrameError, match="must be readable"):
        import_file(write(tmp_path / "cut.zip", zipped(("a.csv", PETS), ("b.csv", PETS))[:60]))


@pytest.mark.parametrize("compressed", [False, True])
def test_many_blocks_give_the_table_of_one(tmp_path, small_ranges, compressed, monkeypatch):
    random = np.random.default_rng(1)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 3000)
    table = pd.DataFrame(
        {
            "i": random.integers(0, 1000, 500),
            "x": random.normal(size=500),
            "k": random.choice(["a", "bb", "cc c"], 500),
            "t": [f"text number {i}" for i in range(500)],
            "m": np.where(random.random(500) < 0.3, np.nan, random.integers(0, 5, 500)),
        }
    )
    data = table.to_csv(index=False).encode()
    if compressed:
        monkeypatch.setattr(ranges, "RANGE_BYTES", 1000)
    frame = import_file(write(tmp_path / "t.csv", gzip.compress(data, mtime=0) if compressed else data))
    assert len(frame.placement().rows) > 3
    assert frame.types == {"i": "int", "x": "real", "k": "enum", "t": "string", "m": "int"}
    assert frame["k"].levels() == [["a", "bb", "cc c"]]
    got = frame.as_data_frame()
    pd.testing.assert_frame_equal(got.astype(table.dtypes.to_dict()), table, check_exact=True)


def test_numbers_and_texts_lie_in_groups_of_their_own(tmp_path):
    frame = import_file(write(tmp_path / "p.csv", PETS))
    where = frame.placement().where
    assert where["age"][0] == where["weight"][0] != where["name"][0] == where["born"][0]


def test_lost_chunks_are_read_again(tmp_path):
    frame = import_file(write(tmp_path / "p.csv", PETS))
    (chunks,) = frame.placement().parts
    client = session.client()
    state = client.cluster.scheduler.tasks[chunks[0].key]
    assert state.run_spec is not None
    assert state.dependencies


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
def test_line_ends_of_all_kinds(tmp_path, end, last, small_ranges):
    rows = ["a,b", *(f"{i},w{i % 3}" for i in range(50))]
    text = end.join(rows) + (end if last else "")
    frame = import_file(write(tmp_path / "f.csv", text))
    assert frame.shape == (50, 2)
    assert frame.as_data_frame()["a"].tolist() == list(range(50))
    assert frame["b"].levels() == [["w0", "w1", "w2"]]


def test_line_ends_within_quotes_are_not_ends_of_rows(tmp_path, small_ranges):
    texts = ["plain", "two\nlines", 'quote " and\nline', "comma, too", "\n\n", " x"]
    table = pd.DataFrame({"n": range(300), "t": [texts[i % 6] for i in range(300)]})
    frame = import_file(write(tmp_path / "q.csv", table.to_csv(index=False)))
    got = frame.as_data_frame()
    assert len(frame.placement().rows) > 3
    assert got["n"].tolist() == list(range(300))
    expected = ["x" if text == " x" else text for text in table["t"]]  # only quotes keep the blank in front
    assert [None if pd.isna(v) else v for v in got["t"]] == expected


def test_a_quote_within_a_field_is_a_letter(tmp_path, small_ranges):
    rows = "".join(f'{i},5" pipe\n' if i % 3 else f"{i},hose\n" for i in range(100))
    frame = import_file(write(tmp_path / "q.csv", "n,what\n" + rows))
    assert frame.shape == (100, 2)
    assert frame["what"].levels() == [['5" pipe', "hose"]]


fields = st.text(st.sampled_from('ab1,;"\n .-'), max_size=5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 9), fields), min_size=2, max_size=25))
def test_any_text_survives_quoting(tmp_path, small_ranges, rows):
    table = pd.DataFrame(rows, columns=["n", "t"])
    frame = import_file(
        write(tmp_path / "h.csv", table.to_csv(index=False, quoting=1)), sep=",", header=1, col_types={"t": "string"}
    )
    got = frame.as_data_frame()
    assert got["n"].tolist() == table["n"].tolist()
    assert [None if pd.isna(v) else v for v in got["t"]] == [t or None for t in table["t"]]


def test_a_byte_order_mark_and_comments_at_the_top_are_no_data(tmp_path):
    frame = import_file(write(tmp_path / "f.csv", b"\xef\xbb\xbf# made by hand\n#\na, b\n1, x\n2, y \n"))
    assert frame.names == ["a", "b"]
    assert frame["b"].levels() == [["x", "y "]]


def test_lines_with_own_markers_are_left_out_everywhere(tmp_path):
    text = "a,b\n1,2\n%no\n3,4\n#5,6\n"
    frame = import_file(write(tmp_path / "f.csv", text), custom_non_data_line_markers="%#")
    assert frame.as_data_frame()["a"].tolist() == [1, 3]


@pytest.mark.parametrize(("header", "rows", "names"), [(1, 2, ["1", "2"]), (-1, 3, ["C1", "C2"]), (0, 3, ["C1", "C2"])])
def test_the_user_rules_over_the_header(tmp_path, header, rows, names):
    frame = import_file(write(tmp_path / "f.csv", "1,2\n3,4\n5,6\n"), header=header)
    assert (frame.nrow, frame.names) == (rows, names)


def test_names_types_missing_texts_and_skipped_columns_are_as_the_user_says(tmp_path):
    path = write(tmp_path / "f.csv", "1,a,5,-\n2,b,-9,2001-01-01\n1,?,x,2001-01-02\n")
    with pytest.warns(UserWarning, match=r"column 'm' \(int\) 1 of 2 cells \('x'\). column 'd' \(time\) 1 of 3"):
        frame = import_file(
            path,
            col_names=["k", "l", "m", "d"],
            col_types=["enum", None, "numeric", "time"],
            na_strings=[[], ["?"], ["-9"], []],
        )
    assert frame.types == {"k": "enum", "l": "enum", "m": "int", "d": "time"}
    assert frame["k"].levels() == [["1", "2"]]
    assert frame["l"].levels() == [["a", "b"]]
    np.testing.assert_array_equal(frame.as_data_frame()["m"], [5.0, np.nan, np.nan])
    assert frame.as_data_frame()["d"].isna().tolist() == [True, False, False]
    some = import_file(
        path, col_names=["k", "l", "m", "d"], col_types={"k": "string", "m": "string", "d": "enum"}, skipped_columns=[1]
    )
    assert some.names == ["k", "m", "d"]
    assert some.types == {"k": "string", "m": "string", "d": "enum"}
    assert import_file(path, na_strings=["-9", "x", "-"]).types["C3"] == "int"
    assert import_file(path, na_strings={"C3": ["-9", "x"], "C4": ["-"]}).types["C3"] == "int"


def test_a_column_that_turns_out_to_hold_words_is_read_again_as_text(tmp_path, monkeypatch):
    monkeypatch.setattr(ranges, "RANGE_BYTES", 2**18)
    rows = "".join(f"{i},{i}\n" for i in range(80000))
    path = write(tmp_path / "f.csv", "a,b\n" + rows + "80000,word\n")
    with pytest.warns(UserWarning, match=r"column 'b' \(int\) 1 of 80001 cells \('word'\). Keep them with col_types"):
        frame = import_file(path)
    assert frame.types == {"a": "int", "b": "int"}
    assert frame["b"].nacnt() == [1]
    assert frame["b"].sum() == sum(range(80000))
    text = import_file(path, col_types={"b": "string"})
    assert text.as_data_frame()["b"].tolist()[-2:] == ["79999", "word"]
    assert import_file(path, na_strings=["word"]).types["b"] == "int"


@pytest.mark.parametrize("texts", [{3}, {3, 4, 5, 9}, {0}, set()])
def test_a_block_without_rows_has_all_columns(texts):
    setup = Setup(",", None, tuple("abcdefghij"), frozenset(texts), {}, tuple(range(10)), (frozenset(),) * 10)
    read = block.parse(b"\n", setup, lambda: 0, "f.csv")
    assert (read.report.rows, len(read.texts), len(read.numbers.types)) == (0, len(texts), 10 - len(texts))


def test_blocks_of_other_kinds_are_counted_together(tmp_path, small_ranges):
    halves = [f"{i}" for i in range(300)] + [f"w{i % 7}" for i in range(299)]
    with pytest.warns(UserWarning, match=r"299 of 599 cells \('w0' 43 times, .*, \.\.\.\)"):
        frame = import_file(write(tmp_path / "f.csv", "v\n" + "\n".join(halves)))
    assert len(frame.placement().rows) > 3
    assert (frame.types, frame.nacnt()) == ({"v": "int"}, [299])
    more = import_file(write(tmp_path / "g.csv", "v\n" + "\n".join([*halves, "w8"])), header=1)
    assert more.types == {"v": "enum"}


def test_integers_become_reals_when_a_later_row_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(ranges, "RANGE_BYTES", 2**17)
    path = write(tmp_path / "f.csv", "a\n" + "1\n" * 200000 + "0.5\n")
    frame = import_file(path)
    assert frame.types == {"a": "real"}
    assert frame.sum() == 200000.5


def test_numbers_come_back_to_the_last_bit(tmp_path):
    random = np.random.default_rng(2)
    reals = np.concatenate([random.normal(size=200) * 10.0 ** random.integers(-20, 20, 200), [0.1, 5e-324, 1e308]])
    long = random.integers(2**54, 2**62, len(reals))
    path = write(
        tmp_path / "f.csv",
        "x,n,g\n" + "".join(f"{x!r},{n},{n}\n" for x, n in zip(reals.tolist(), long, strict=True)) + "1,1,\n",
    )
    frame = import_file(path)
    assert frame.types == {"x": "real", "n": "int", "g": "int"}
    part, where = frame.placement().parts[0], frame.placement().where
    values = {name: part[g].result().values(i) for name, (g, i) in where.items()}
    np.testing.assert_array_equal(values["x"][:-1], reals)
    np.testing.assert_array_equal(values["n"][:-1], long)
    np.testing.assert_array_equal(values["g"], [*long, -(2**63)])


@pytest.mark.usefixtures("small_ranges")
def test_bytes_that_are_not_utf8_are_letters_of_windows_1252_in_every_block(tmp_path):
    word, old = "größe", "größe €".encode("cp1252")
    rows = [f"{word},{i}\n".encode() for i in range(200)]
    rows[150] = old + b",150\n"
    frame = import_file(write(tmp_path / "f.csv", b"w,n\n" + b"".join(rows)))
    assert (frame["w"].levels(), frame.types["n"]) == ([[word, "größe €"]], "int")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("sep", [",", "\t"])
def test_an_empty_first_field_is_missing_whatever_ends_the_line_before(tmp_path, end, sep):
    rows = ["a,b", ",1", "x,2", "", ",3", "y,"]
    frame = import_file(write(tmp_path / "f.csv", end.join(rows).replace(",", sep) + end))
    assert frame.as_data_frame(use_pandas=False) == [["a", "b"], ["", "1"], ["x", "2"], ["", "3"], ["y", ""]]
    mixed = import_file(write(tmp_path / "g.csv", ("a,b\n" + "\r".join(rows[1:]) + "\n").replace(",", sep)))
    assert mixed.as_data_frame(use_pandas=False) == frame.as_data_frame(use_pandas=False)


def test_words_for_missing_numbers(tmp_path):
    frame = import_file(write(tmp_path / "f.csv", "a,b\n1,x\nNaN,NaN\nnull,null\nNA,NA\n,\n inf , y\n"))
    assert frame.types == {"a": "real", "b": "enum"}
    assert frame["a"].nacnt() == [4]
    assert frame["b"].levels() == [["NA", "NaN", "null", "x", "y"]]


def test_short_rows_have_missing_values_at_their_end(tmp_path):
    frame = import_file(write(tmp_path / "f.csv", "a,b,c\n1,2,3\n4\n5,6\n"))
    assert frame.nacnt() == [0, 1, 2]


def test_a_separator_at_the_end_of_rows_is_no_column(tmp_path):
    frame = import_file(write(tmp_path / "f.csv", "a,b\n1,2\n3,4,\n5,6\n"))
    assert frame.shape == (3, 2)


def test_columns_by_spaces(tmp_path):
    frame = import_file(write(tmp_path / "f.dat", " 1  2.5 x\n 10 3.5 y\n"))
    assert frame.types == {"C1": "int", "C2": "real", "C3": "enum"}


def test_folders_globs_lists_and_patterns(tmp_path):
    folder = tmp_path / "many"
    (folder / "deep").mkdir(parents=True)
    write(folder / "a.csv", "n,k\n1,x\n2,y\n")
    write(folder / "b.csv", "n,k\n3,z\n")
    write(folder / "deep" / "c.csv", "4,w\n")
    write(folder / ".hidden", "no")
    write(folder / "_SUCCESS", "")
    for path in (folder, str(folder / "**" / "*.csv"), [folder / "a.csv", folder / "b.csv", folder / "deep" / "c.csv"]):
        frame = import_file(path)
        assert frame.as_data_frame()["n"].tolist() == [1, 2, 3, 4]
        assert frame["k"].levels() == [["w", "x", "y", "z"]]
    assert import_file(folder, pattern=r"[ab]\.csv").nrow == 3
    assert import_file(folder, parse=False) == [str(folder / f) for f in ("a.csv", "b.csv", "deep/c.csv")]
    with pytest.raises(FrameError, match="matches none of 3"):
        import_file(folder, pattern="nothing")


def test_a_mixed_list_keeps_its_order(tmp_path):
    paths = [
        write(tmp_path / "a.csv", "n\n1\n"),
        write(tmp_path / "b.csv.gz", gzip.compress(b"n\n2\n", mtime=0)),
        write(tmp_path / "c.csv", "n\n3\n"),
    ]
    assert import_file(paths).as_data_frame()["n"].tolist() == [1, 2, 3]


def test_a_column_without_values_is_real_and_a_file_of_names_has_no_rows(tmp_path):
    frame = import_file(write(tmp_path / "f.csv", "a,b\n1,\n2,NA\n"))
    assert frame.types == {"a": "int", "b": "real"}
    assert frame["b"].nacnt() == [2]
    none = import_file(write(tmp_path / "g.csv", "a,b\n"), header=1)
    assert none.shape == (0, 2)


def test_few_words_are_levels_and_many_different_ones_are_strings(tmp_path):
    few = import_file(write(tmp_path / "f.csv", "w\n" + "".join(f"w{i}\n" for i in range(100)) + "w1\n"), header=1)
    assert few.types == {"w": "enum"}
    many = import_file(write(tmp_path / "g.csv", "w\n" + "".join(f"w{i}\n" for i in range(200))), header=1)
    assert many.types == {"w": "string"}
    same = import_file(write(tmp_path / "h.csv", "w\n" + "".join(f"w{i % 200}\n" for i in range(2000))), header=1)
    assert same.types == {"w": "enum"}


def test_the_same_distinct_words_in_every_block_are_levels(tmp_path, small_ranges, monkeypatch):
    monkeypatch.setattr(ranges, "RANGE_BYTES", 700)
    frame = import_file(write(tmp_path / "f.csv", "w\n" + "".join(f"w{i % 150:03d}\n" for i in range(1500))), header=1)
    assert len(frame.placement().rows) > 3
    assert frame.types == {"w": "enum"}


def test_parquet_is_read_with_the_types_it_declares(tmp_path):
    table = pd.DataFrame(
        {
            "i": np.array([1, 2, 3], np.int32),
            "f": [0.1, np.nan, 2.0],
            "b": [True, False, True],
            "s": ["x", None, "y"],
            "c": pd.Categorical(["u", "v", None]),
            "t": pd.to_datetime(["2007-11-06 00:00", None, "2001-01-31 10:00"]),
            "n": pd.array([2**60 + 1, None, 3], "Int64"),
            "k": pd.Categorical([" 2", "1", None], ["3", " 2", "1"]),
        }
    )
    table.to_parquet(tmp_path / "t.parquet", row_group_size=2)
    table.to_parquet(tmp_path / "without_ending")
    for name in ("t.parquet", "without_ending"):
        frame = import_file(tmp_path / name)
        kinds = ["int", "real", "enum", "enum", "enum", "time", "int", "enum"]
        assert frame.types == dict(zip("ifbsctnk", kinds, strict=True))
        assert frame["b"].levels() == [["False", "True"]]
        assert frame["k"].levels() == [["3", " 2", "1"]]
        got = frame.as_data_frame()
        np.testing.assert_array_equal(got["f"], table["f"])
        assert got["t"].tolist()[::2] == table["t"].tolist()[::2]
        part, where = frame.placement().parts[0], frame.placement().where
        assert part[where["n"][0]].result().values(where["n"][1]).tolist() == [2**60 + 1, -(2**63), 3]
    some = import_file(tmp_path / "t.parquet", col_types={"i": "enum"}, skipped_columns=["f"])
    assert some.types["i"] == "enum"
    assert "f" not in some.names


def test_what_no_column_can_hold_is_refused_in_parquet(tmp_path):
    for values, sentence in ((pd.to_timedelta([1, 2]), "durations"), ([[1], [2]], "must be scalars")):
        pd.DataFrame({"x": [1, 2], "d": values}).to_parquet(tmp_path / "d.parquet")
        with pytest.raises(FrameError, match=rf"Column 'd' of .*d\.parquet cannot be read.*{sentence}"):
            import_file(tmp_path / "d.parquet")


def test_a_declared_type_never_changes_a_number(tmp_path):
    path = write(tmp_path / "f.csv", "v,n,m\n1.5,9007199254740993,1\n-2.7,1,2\n3,2,3\n")
    frame = import_file(path, col_types={"v": "int", "n": "numeric", "m": "real"})
    assert frame.types == {"v": "real", "n": "int", "m": "real"}
    assert frame[:, "v"].as_data_frame()["v"].tolist() == [1.5, -2.7, 3]
    assert frame[0, "n"] == 2**53 + 1
    assert import_file(path, col_types={"n": "real"})[0, "n"] == 2**53 + 1
    times = import_file(write(tmp_path / "t.csv", "t\n86400000\n1970-01-03\n"), col_types=["time"], header=1)
    assert times.as_data_frame()["t"].dt.day.tolist() == [2, 3]


def test_a_web_server_that_ignores_ranges_is_read_from_the_start(tmp_path):
    write(tmp_path / "pets.csv", PETS)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(tmp_path), **kwargs)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        frame = import_file(url + "pets.csv")
        check_pets(frame)
        assert frame.frame_id == "pets.hex"
        with pytest.raises(FrameError, match="does not exist"):
            import_file(url + "none.csv")
        server.shutdown()


def test_files_of_any_file_system_are_read_in_ranges(small_ranges):
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/shelf/pets.csv", PETS)
    check_pets(import_file("memory://shelf/pets.csv"))
    assert import_file("memory://shelf").nrow == 3
    with pytest.raises(FileMissing, match="does not exist"):
        import_file("memory://shelf/none.csv")
    memory.rm("/shelf", recursive=True)


def test_progress_is_told_to_the_end(tmp_path, small_ranges):
    told = []
    path = write(tmp_path / "f.csv", "a,b\n" + "1,2\n" * 200)
    import_file(path, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == 804
    assert [t[0] for t in told] == sorted(t[0] for t in told)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n\n  \n", "is empty"),
        ("binary.csv", bytes(range(256)), "is binary"),
        ("wide.csv", b"\xff\xfea\x00,\x00", "UTF-16"),
        ("short.csv.gz", gzip.compress(PETS * 1000, mtime=0)[:60], "gzip file .* must be readable"),
        ("no.csv.gz", b"not packed at all", "must be a gz archive"),
        ("no.zip", b"PK\x03\x04broken", "zip file .* must be readable"),
        ("no.parquet", b"a,b\n1,2\n", "must start with PAR1"),
        ("cut.parquet", b"PAR1 and no more PAR1", "Parquet file .* must be readable"),
        ("table.xlsx", b"PK", "Excel file .* must be readable"),
        ("table.arff", b"@relation x", "a line @data"),
        ("table.orc", b"ORC", "got ORC"),
        ("open.csv", b'a,b\n1,"x\n' + b"1,2\n" * 3, "begins in line 2 of"),
    ],
)
def test_bad_files_are_refused_with_their_name(tmp_path, name, data, message):
    path = write(tmp_path / name, data)
    with pytest.raises(FrameError, match=message) as caught:
        import_file(path)
    assert name in str(caught.value)


def test_a_file_that_does_not_exist_is_refused_before_any_work(tmp_path):
    with pytest.raises(FileMissing, match=r"File .*none.csv does not exist") as caught:
        import_file(tmp_path / "none.csv")
    assert isinstance(caught.value, H2OResponseError)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(FileMissing):
        import_file(str(tmp_path / "*.csv"))
    with pytest.raises(FrameError, match="at least one file"):
        import_file(tmp_path)


@pytest.mark.parametrize("fields", ["1,2,3", "1,2,3,4", "1,2,3,4,5"])
@pytest.mark.parametrize("line", [2, 7, 150])
def test_a_ragged_csv_is_refused_with_its_line(tmp_path, small_ranges, line, fields):
    rows = ["a,b", *["1,2"] * 200]
    rows[line - 1] = fields
    path = write(tmp_path / "r.csv", "\n".join(rows) + "\n")
    with pytest.raises(FrameError, match=f"got {fields.count(',') + 1} in line {line} of .*r.csv"):
        import_file(path)


def test_a_ragged_line_of_a_compressed_file_is_told_too(tmp_path, monkeypatch):
    monkeypatch.setattr(ranges, "RANGE_BYTES", 100)
    rows = ["# top", "a,b", *["1,2"] * 200]
    rows[149] = "1,2,3"
    path = write(tmp_path / "r.csv.gz", gzip.compress("\n".join(rows).encode(), mtime=0))
    with pytest.raises(FrameError, match="got 3 in line 150 of"):
        import_file(path)


def test_files_of_other_columns_are_refused(tmp_path):
    first = write(tmp_path / "a.csv", "a,b\n1,2\n")
    with pytest.raises(FrameError, match=r"must have 2 columns as the first has; .*b\.csv has 3"):
        import_file([first, write(tmp_path / "b.csv", "1,2,3\n")])
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "c.parquet")
    with pytest.raises(FrameError, match="one form"):
        import_file([first, tmp_path / "c.parquet"])
    pd.DataFrame({"z": [1]}).to_parquet(tmp_path / "d.parquet")
    with pytest.raises(FrameError, match="same columns"):
        import_file([tmp_path / "c.parquet", tmp_path / "d.parquet"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": None}, H2OTypeError, "got None"),
        ({"path": 5}, H2OTypeError, "got 5"),
        ({"path": []}, H2OTypeError, r"got \[\]"),
        ({"header": 7}, H2OValueError, "got 7"),
        ({"sep": "ab"}, H2OValueError, "got 'ab'"),
        ({"pattern": "("}, H2OValueError, "regular expression"),
        ({"col_names": ["a"]}, H2OValueError, "4 columns; got 1"),
        ({"col_names": ["a", "a", "b", "c"]}, H2OValueError, "'a' occurs more than once"),
        ({"col_names": [1, 2, 3, 4]}, H2OTypeError, "must be strings; got 1"),
        ({"col_types": ["int"]}, H2OValueError, "4 columns; got 1"),
        ({"col_types": {"age": "number?"}}, H2OValueError, r"column 'age' must be one of .*got 'number\?'"),
        ({"col_types": {"nope": "int"}}, H2OValueError, "got 'nope'"),
        ({"col_types": "int"}, H2OTypeError, "must be a list"),
        ({"na_strings": [["x"]]}, H2OValueError, "4 columns; got 1"),
        ({"na_strings": [5]}, H2OValueError, "a list per column"),
        ({"skipped_columns": [9]}, H2OValueError, "got 9"),
        ({"skipped_columns": [0, 1, 2, 3]}, H2OValueError, "at least one"),
        ({"destination_frame": 5}, H2OTypeError, "got 5"),
        ({"partition_by": ["a"]}, H2OValueError, "partition_by"),
        ({"force_col_types": 1}, H2OTypeError, "got 1"),
        ({"quotechar": "x"}, H2OValueError, "got 'x'"),
    ],
)
def test_impossible_options_are_refused(tmp_path, options, error, message):
    options = {"path": write(tmp_path / "pets.csv", PETS), **options}
    with pytest.raises(error, match=message):
        import_file(**options)
    assert registry.keys() == []


def test_single_quotes_and_escapes(tmp_path):
    frame = import_file(write(tmp_path / "f.csv", "a,b\n1,'x, y'\n2,'z'\n"), quotechar="'")
    assert frame["b"].levels() == [["x, y", "z"]]
    frame = import_file(write(tmp_path / "g.csv", 'a,b\n1,"x \\" y"\n2,"z"\n'), escapechar="\\")
    assert frame["b"].levels() == [['x " y', "z"]]


def test_real_files_of_users(data_folder):
    frame = import_file(data_folder / "smalldata" / "weather.csv")
    assert frame.types["Date"] == "time"
    table = pd.read_csv(data_folder / "smalldata" / "weather.csv", na_values=["NA"])
    got = frame.as_data_frame()
    for name in frame.names[1:]:
        if frame.types[name] in ("int", "real"):
            np.testing.assert_array_equal(got[name], table[name])
        else:
            texts = pd.read_csv(data_folder / "smalldata" / "weather.csv", dtype=str, keep_default_na=False)[name]
            assert frame[name].levels()[0] == sorted(set(texts) - {""})  # "NA" is a level among texts
    assert import_file(data_folder / "smalldata" / "iris" / "iris.csv").names == ["C1", "C2", "C3", "C4", "C5"]
    assert import_file(data_folder / "smalldata" / "anomaly" / "toy_test.csv").names == [
        "Cat1",
        "Cat2",
        "Real1",
        "Real2",
    ]
    assert isinstance(import_file(data_folder / "smalldata" / "cars.csv"), H2OFrame)
