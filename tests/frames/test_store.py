"""Exports: what is written comes back; nothing half-written, nothing replaced unasked."""

import gzip
import os

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from frames.exceptions import FileExists, FileMissing, H2OResponseError, H2OTypeError, H2OValueError
from frames.export import files
from frames.frame import H2OFrame
from frames.functions import export_file, import_file

NAN = float("nan")


@pytest.fixture
def frame(client):
    return H2OFrame(
        {
            "i": [1, None, 3],
            "x": [0.1, NAN, 1 / 3],
            "long": [2**60 + 1, 5, None],
            "k": ["x", None, 'say "y", z'],
            "when": ["2007-11-6", None, "2020-01-01 10:00:00.5"],
            "s": ["line\nend", "ä", "c"],
        },
        column_types={"s": "string"},
    )


def same(left, right):
    assert left.types == right.types
    assert left.names == right.names
    for name in left.names:
        a, b = (f.placement([name]) for f in (left, right))
        decoded = []
        for placement, source in ((a, left), (b, right)):
            g, i = placement.where[name]
            values = np.concatenate([part[g].result().values(i) for part in placement.parts])
            if source.types[name] == "enum":
                values = np.array([*source[name].levels()[0], None], object)[values]
            decoded.append(values)
        np.testing.assert_array_equal(*decoded)


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz", "f.csv.bz2", "f.parquet", "f.txt"])
def test_what_is_exported_comes_back(frame, tmp_path, name):
    export_file(frame, tmp_path / name)
    back = import_file(tmp_path / name, col_types={"s": "string", "k": "enum"})
    if name == "f.parquet":
        assert pq.read_schema(tmp_path / name).names == frame.names
    same(back, frame)
    assert os.listdir(tmp_path) == [name]


def test_the_text_of_a_csv(frame, tmp_path):
    export_file(frame, tmp_path / "f.csv")
    assert (tmp_path / "f.csv").read_text() == (
        '"i","x","long","k","when","s"\n'
        '1,0.1,1152921504606846977,"x",2007-11-06 00:00:00.000,"line\nend"\n'
        ',,5,,,"ä"\n'
        '3,0.3333333333333333,,"say ""y"", z",2020-01-01 10:00:00.500,"c"\n'
    )
    export_file(frame[["i", "x"]], str(tmp_path / "f.csv"), force=True, sep=";", header=False)
    assert (tmp_path / "f.csv").read_text() == "1;0.1\n;\n3;0.3333333333333333\n"
    export_file(frame[["i", "x"]], str(tmp_path / "f.csv"), force=True, quote_header=False)
    assert (tmp_path / "f.csv").read_text().startswith("i,x\n")


def test_pandas_reads_the_csv_to_the_last_bit(client, tmp_path):
    values = np.random.default_rng(3).normal(size=300) * 10.0 ** np.arange(-150, 150)
    export_file(H2OFrame(pd.DataFrame({"x": values})), tmp_path / "f.csv")
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "f.csv")["x"], values)


def test_partitions_follow_each_other(cut, tmp_path):
    table = pd.DataFrame({"n": range(100), "k": list("abcd") * 25})
    frame = cut(table)
    export_file(frame, tmp_path / "one.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "one.csv"), table)
    export_file(frame, tmp_path / "one.parquet")
    assert pq.read_table(tmp_path / "one.parquet")["n"].to_pylist() == list(range(100))


@pytest.mark.parametrize(("format", "compression"), [("csv", None), ("csv", "gzip"), ("parquet", "zstd")])
def test_parts_make_a_folder_that_can_be_imported(cut, tmp_path, format, compression):
    frame = cut(pd.DataFrame({"n": range(100), "k": list("abcd") * 25}))
    export_file(frame, tmp_path / "many", parts=-1, format=format, compression=compression)
    names = sorted(os.listdir(tmp_path / "many"))
    assert len(names) == len(frame.placement().rows)
    assert names[0] == f"part-00000.{format}{'.gz' if compression == 'gzip' else ''}"
    same(import_file(tmp_path / "many"), frame)
    with pytest.raises(FileExists):
        export_file(frame, tmp_path / "many", parts=2, format=format)
    export_file(frame, tmp_path / "many", parts=2, format=format, force=True)
    assert len(os.listdir(tmp_path / "many")) == 2


def test_an_existing_file_is_replaced_only_when_asked(frame, tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("mine")
    with pytest.raises(FileExists, match=r"File already exists: .*f.csv. Pass force=True") as caught:
        export_file(frame, path)
    assert isinstance(caught.value, H2OResponseError)
    assert path.read_text() == "mine"
    export_file(frame, path, force=True)
    assert path.read_text() != "mine"


def test_a_failed_export_leaves_the_old_file_and_no_new_one(frame, tmp_path, monkeypatch):
    path = tmp_path / "f.csv"
    path.write_text("mine")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(files, "_write", fail)
    with pytest.raises(OSError, match="disk full"):
        export_file(frame, path, force=True)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["f.csv"]


def test_a_url_is_written_too(frame):
    import fsspec

    export_file(frame, "memory://out/f.csv")
    with pytest.raises(FileExists):
        export_file(frame, "memory://out/f.csv")
    same(import_file("memory://out/f.csv", col_types={"s": "string", "k": "enum"}), frame)
    fsspec.filesystem("memory").rm("/out", recursive=True)


def test_a_failed_export_of_parts_leaves_the_old_ones(cut, tmp_path, monkeypatch):
    frame = cut(pd.DataFrame({"n": range(100)}))
    export_file(frame, tmp_path / "many", parts=-1)
    before = {name: (tmp_path / "many" / name).read_bytes() for name in os.listdir(tmp_path / "many")}
    write, calls = files._write, []

    def fail_late(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("disk full")
        write(*arguments)

    monkeypatch.setattr(files, "_write", fail_late)
    with pytest.raises(OSError, match="disk full"):
        export_file(frame, tmp_path / "many", parts=2, force=True)
    assert {name: (tmp_path / "many" / name).read_bytes() for name in os.listdir(tmp_path / "many")} == before


def test_an_empty_frame_is_its_header(frame, tmp_path):
    none = frame[frame["i"] > 5, ["i", "k"]]
    export_file(none, tmp_path / "f.csv")
    assert (tmp_path / "f.csv").read_text() == '"i","k"\n'


def test_the_same_export_gives_the_same_bytes(frame, tmp_path):
    export_file(frame, tmp_path / "a.csv.gz")
    export_file(frame, tmp_path / "b.csv.gz")
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).startswith(b'"i"')


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": 5}, H2OTypeError, "got 5"),
        ({"path": ""}, H2OTypeError, "got ''"),
        ({"sep": ",,"}, H2OValueError, "got ',,'"),
        ({"sep": '"'}, H2OValueError, "got '\"'"),
        ({"parts": 0}, H2OValueError, "got 0"),
        ({"parts": True}, H2OValueError, "got True"),
        ({"format": "xlsx"}, H2OValueError, "csv, parquet; got 'xlsx'"),
        ({"compression": "lzo"}, H2OValueError, "none, gzip, bzip2; got 'lzo'"),
        ({"force": "yes"}, H2OTypeError, "got 'yes'"),
    ],
)
def test_impossible_exports_are_refused(frame, tmp_path, options, error, message):
    options = {"path": tmp_path / "f.csv", **options}
    with pytest.raises(error, match=message):
        export_file(frame, **options)
    assert os.listdir(tmp_path) == []


def test_times_are_never_moved_and_a_frame_of_no_columns_is_refused(frame, tmp_path):
    with pytest.raises(H2OValueError, match="tz_adjust_from_local must be False"):
        export_file(frame, tmp_path / "f.csv", tz_adjust_from_local=True)
    with pytest.raises(H2OValueError, match="must have a column"):
        export_file(frame[[]], tmp_path / "f.csv")
    assert os.listdir(tmp_path) == []


def test_parquet_refuses_what_it_has_no_place_for_and_leaves_nothing(client, tmp_path):
    odd = H2OFrame({"s": ["a", "\ud800"]}, column_types={"s": "string"})
    with pytest.raises(H2OValueError, match="column 's' holds") as caught:
        export_file(odd, tmp_path / "f.parquet")
    assert "format=" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_integers_beyond_64_bits_are_doubles_in_parquet(client, tmp_path):
    frame = H2OFrame({"i": [1e20, 3.0], "j": [2**63 - 1, None]}, column_types={"i": "int", "j": "int"})
    export_file(frame, tmp_path / "f.parquet")
    table = pq.read_table(tmp_path / "f.parquet")
    assert table["i"].to_pylist() == [1e20, 3.0]
    assert table["j"].to_pylist() == [2**63 - 1, None]


def test_levels_of_parquet_keep_their_order_and_those_that_do_not_occur(client, tmp_path):
    many = [f"a rather long name of level {i:06d}" for i in range(50_000)][::-1]
    frame = H2OFrame(pd.DataFrame({"k": pd.Categorical.from_codes([7, -1], many)}))
    export_file(frame, tmp_path / "f.parquet")
    assert pq.read_table(tmp_path / "f.parquet")["k"].chunk(0).dictionary.to_pylist() == many


def test_folders_that_are_not_there_and_objects_that_are_no_frames_are_refused(frame, tmp_path):
    with pytest.raises(FileMissing, match="does not exist"):
        export_file(frame, tmp_path / "no" / "f.csv")
    with pytest.raises(FileExists, match="is a folder"):
        export_file(frame, tmp_path, force=True)
    with pytest.raises(H2OTypeError, match="got dict"):
        export_file({}, tmp_path / "f.csv")
