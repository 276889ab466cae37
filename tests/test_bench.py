"""The parts of the benches that decide what is shown: sources, tables, ratios, pictures, records. Speed is untested."""

import csv
import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

BENCH = Path(__file__).resolve().parent.parent / "bench"


@pytest.fixture(autouse=True)
def bench_on_the_path(monkeypatch):
    """Modules of a bench import each other by their bare names."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCH))
    yield
    for name in set(sys.modules) - before:
        if str(BENCH) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def rows_of(path):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def table(data, archive, member, rewrite):
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    return data.Table("tiny", (data.Source("package", "1.0", sha256, member),), rewrite)


def test_a_table_in_a_zip_in_a_source_archive_is_rewritten_with_a_header_and_empty_cells(tmp_path):
    import data

    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("adult.csv", "39, State-gov, ?\n\n50, Private, 3\n")
    archive = tmp_path / "package-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        found = tarfile.TarInfo("package-1.0/adult.csv.zip")
        found.size = len(inner.getvalue())
        packed.addfile(found, io.BytesIO(inner.getvalue()))
    wanted = table(data, archive, "package-1.0/adult.csv.zip", data.adult)
    data.write(wanted, [archive], tmp_path / "new" / "adult.csv")
    header, *rows = rows_of(tmp_path / "new" / "adult.csv")
    assert (len(header), header[0], header[-1]) == (15, "age", "income")
    assert rows == [["39", "State-gov", ""], ["50", "Private", "3"]]


def test_an_archive_with_another_content_is_refused_and_nothing_is_written(tmp_path, monkeypatch, capsys):
    import data

    def hand_over(command, **_):
        Path(command[-2]).mkdir()
        (Path(command[-2]) / "package-1.0-py3-none-any.whl").write_bytes(b"something else")

    monkeypatch.setattr(data.subprocess, "run", hand_over)
    monkeypatch.setattr(data, "path_of", lambda name: tmp_path / f"{name}.csv")
    wanted = data.Table("tiny", (data.Source("package", "1.0", "0" * 64, "tiny.csv"),), data.as_it_is)
    assert not data.fetched(wanted)
    assert (
        f"must have SHA-256 {'0' * 64}; got {hashlib.sha256(b'something else').hexdigest()}" in capsys.readouterr().err
    )
    assert not (tmp_path / "tiny.csv").exists()


def test_house_values_are_joined_to_rows_by_what_both_files_know_of_them():
    import data

    values = [["HouseAge", "Population", "MedHouseVal"], ["41.0", "322.123457", "4.5"], ["21.0", "7.0", "3.5"]]
    names = ["id", *data.CALIFORNIA]
    rows = [["9", "8.3", "21.0", "6.2", "0.9", "7.0", "2.1", "37.8", "-122.2"]]
    more = [["8", "7.1", "41.0", "6.9", "1.0", "322.1234567", "2.5", "37.9", "-122.1"]]
    header, *joined = data.california(iter(values), iter([names, *rows]), iter([names, *more]))
    assert header == [*data.CALIFORNIA, "MedHouseVal"]
    assert joined == [[*rows[0][1:], "3.5"], [*more[0][1:], "4.5"]]


def test_flights_that_never_left_are_left_out_and_those_16_minutes_late_are_late(monkeypatch):
    import data

    monkeypatch.setattr(data, "SAMPLE", 3)
    names = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance", "dep_delay"]
    flights = [["1", "2", "3", "4", "AA", "JFK", "LAX", "5", delay] for delay in ("15", "NA", "16", "", "-3")]
    header, *rows = data.airlines(iter([names, *flights]))
    assert header == [*names[:-1], "departure"]
    assert [row[-1] for row in rows] == ["in time", "late", "in time"]


def test_a_sample_is_the_same_rows_in_their_order_every_time(monkeypatch):
    import data

    monkeypatch.setattr(data, "SAMPLE", 5)
    rows = [["n"], *([str(k)] for k in range(50))]
    drawn = list(data.sample(iter(rows)))
    assert drawn == list(data.sample(iter(rows)))
    assert [int(n) for (n,) in drawn[1:]] == sorted(int(n) for (n,) in drawn[1:])


def test_a_ratio_says_how_much_better_whether_more_or_less_is_better():
    pytest.importorskip("threadpoolctl", reason="rivals of the bench need it")
    import budget

    speed = budget.Row("speed", {}, "H2O", 10.0)
    seconds = budget.Row("seconds", {}, "H2O", 2.0, unit="s", larger=False)
    bound = budget.Row("bound", {}, None, 3.0, unit="s", larger=False)
    assert speed.ratio({"daskdl": 30.0, "H2O": 2.0}) == 15.0
    assert seconds.ratio({"daskdl": 2.0, "H2O": 8.0}) == 4.0
    assert bound.ratio({"daskdl": 6.0}) == 0.5
    assert (bound.least, speed.least) == (1.0, 10.0)
    assert speed.ratio({"daskdl": 30.0}) is None


def test_a_picture_is_xml_that_holds_every_name_and_ends_bars_at_their_ratio():
    import picture

    bars = [
        picture.Bar("<a & b>", 10.0, 5.0),
        picture.Bar("slow", 0.5, 1.0),
        picture.Bar("absent", None, 1.0),
    ]
    root = ElementTree.fromstring(picture.svg("ratios", bars))
    space = "{http://www.w3.org/2000/svg}"
    texts = [one.text for one in root.iter(f"{space}text")]
    assert {"<a & b>", "slow", "absent", "not measured", "10", "0.5"} <= set(texts)
    fills = [one.get("fill") for one in root.iter(f"{space}rect")][1:]
    assert fills == [picture.ENOUGH, picture.SHORT]


def test_a_record_forgets_a_line_whose_model_was_never_noted(tmp_path):
    import record

    def line(seconds, error):
        return {"trained_seconds": seconds, "epochs": 1.0, "test_error": error, "test_logloss": 0.5}

    record._note(tmp_path, {"model": "first", "line": line(10.0, 0.3)})
    noted = (tmp_path / "state.json").read_text()
    record._note(tmp_path, {"model": "second", "line": line(20.0, 0.2)})
    (tmp_path / "state.json").write_text(noted)  # killed between the table and the note
    record._note(tmp_path, {"model": "third", "line": line(19.0, 0.25)})
    assert [one[3] for one in rows_of(tmp_path / "error.csv")] == ["test_error", "0.3", "0.25"]
    assert record._state(tmp_path)["model"] == "third"
