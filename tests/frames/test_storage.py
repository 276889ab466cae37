"""Where the rows of an imported frame are kept: in memory, on the workers' disks, or in their source alone."""

import gc
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from frames.chunks.chunk import Chunk
from frames.cluster import session
from frames.cluster.sending import gather, submit
from frames.codecs import outside
from frames.exceptions import FrameError, H2OValueError
from frames.frame import H2OFrame
from frames.functions import import_file, load_frame
from frames.parse import parquet


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rows = 3000
    return pd.DataFrame(
        {
            "x": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "long": rng.integers(2**60, 2**61, rows),
            "k": rng.choice(["red", "green", "blue"], rows),
            "small": rng.integers(0, 9, rows),
            "s": [f"row {i}" for i in range(rows)],
        }
    )


@pytest.fixture
def path(table, tmp_path, monkeypatch) -> Path:
    """A Parquet file of two row groups, each of which is read in parts."""
    for name in ("LEAST_BYTES", "MOST_BYTES"):
        monkeypatch.setattr(parquet, name, 8_000)
    table.to_parquet(tmp_path / "table.parquet", row_group_size=2000)
    return tmp_path / "table.parquet"


def held(frame: H2OFrame) -> int:
    """Bytes of rows in the memory of workers, all partitions."""
    parts = frame.placement(frame.names).parts
    return sum(gather([submit(_held_bytes, chunk) for part in parts for chunk in part]))


def _held_bytes(chunk: Chunk) -> int:
    return sum(stored.held_bytes for stored in chunk._stored)


def local_files() -> list[Path]:
    workers = session.client().scheduler_info()["workers"].values()
    return [path for about in workers for path in Path(about["local_directory"]).rglob("*.buffer")]


@pytest.mark.parametrize("storage", ["memory", "disk", "source"])
def test_a_frame_says_the_same_wherever_its_rows_are(client, table, path, storage):
    plain = import_file(path, "plain")
    frame = import_file(path, "kept", storage=storage)

    assert len(frame.placement(["x"]).rows) > 4
    assert frame.types == plain.types
    assert (held(frame) == 0) == (storage != "memory")
    pd.testing.assert_frame_equal(frame.as_data_frame(), plain.as_data_frame())
    np.testing.assert_array_equal(frame["long"].as_data_frame()["long"], table["long"])
    assert frame["x"].mean() == plain["x"].mean()
    assert frame["k"].levels() == [["blue", "green", "red"]]
    assert (frame["small"] * 2 + frame["x"]).sum() == (plain["small"] * 2 + plain["x"]).sum()
    assert frame[frame["k"] == "red", "small"].nrow == int((table["k"] == "red").sum())


def test_files_on_the_workers_disks_go_with_the_frame(client, path):
    frame = import_file(path, "passing", storage="disk")
    assert local_files()

    frame._discard()
    del frame
    for _ in range(200):
        gc.collect()
        if not local_files():
            break
        client.run(gc.collect)
    assert not local_files()


def test_a_chunk_on_disk_that_is_sent_elsewhere_takes_its_rows_along(tmp_path, monkeypatch):
    monkeypatch.setattr(outside, "_folder", [])
    chunk = Chunk.pack([np.random.default_rng(1).random(500)], ["real"], [None])
    outside.use_folder(tmp_path)
    on_disk = chunk.parked()
    sent = pickle.dumps(on_disk, protocol=5)
    assert on_disk.nbytes == chunk.nbytes

    (first,) = tmp_path.rglob("*.buffer")
    again = pickle.loads(sent)  # in a process that has a folder
    assert len(list(tmp_path.rglob("*.buffer"))) == 2
    del on_disk
    gc.collect()
    assert not first.exists()
    monkeypatch.setattr(outside, "_folder", [])
    in_memory = pickle.loads(sent)  # in one that has none
    for one in (again, in_memory):
        np.testing.assert_array_equal(one.values(0), chunk.values(0))
        assert one.to_bytes() == chunk.to_bytes()


def test_a_source_that_was_changed_is_an_error_that_names_it(client, table, path):
    frame = import_file(path, "changed", storage="source")
    table.iloc[:10].to_parquet(path)
    with pytest.raises(FrameError, match=r"must stay as it is .*table.parquet was changed: it has"):
        frame.as_data_frame()


def test_a_saved_frame_is_opened_without_reading_its_rows(client, path, tmp_path):
    plain = import_file(path, "plain2")
    plain.save(tmp_path / "saved")
    frame = load_frame("opened", str(tmp_path / "saved"))

    assert held(frame) == 0
    pd.testing.assert_frame_equal(frame.as_data_frame(), plain.as_data_frame())
    for file in (tmp_path / "saved").glob("*.chunk"):
        file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(FrameError, match="cut or damaged"):
        load_frame("cut", str(tmp_path / "saved")).as_data_frame()


def test_a_frame_behind_a_url_is_opened_there(client, table):
    H2OFrame(table[["x", "k"]]).save("memory://kept/frame")
    frame = load_frame("remote", "memory://kept/frame")

    assert held(frame) == 0
    np.testing.assert_array_equal(frame["x"].as_data_frame()["x"], table["x"])


@pytest.mark.parametrize(
    ("storage", "sentence"),
    [("ram", "must be one of memory, disk, source; got 'ram'"), ("source", "must be asked of Parquet files.* is csv")],
)
def test_what_cannot_be_kept_so_is_refused(client, tmp_path, storage, sentence):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(H2OValueError, match=sentence):
        import_file(tmp_path / "t.csv", storage=storage)


def test_rows_of_csv_files_go_to_the_workers_disks_too(client, table, tmp_path):
    table.to_csv(tmp_path / "t.csv", index=False)
    frame = import_file(tmp_path / "t.csv", "lines", storage="disk")
    assert held(frame) == 0
    assert frame["small"].sum() == table["small"].sum()
