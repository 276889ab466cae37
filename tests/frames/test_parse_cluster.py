"""Imports on worker processes: chunks of a lost worker are read again; uploads need no disk of the workers."""

import os
import signal

import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from frames.cluster import session
from frames.functions import import_file, upload_file
from frames.parse import ranges
from frames.text import zones

pytestmark = [pytest.mark.cluster]


@pytest.fixture(scope="module")
def workers(client):
    """Two worker processes of one thread; the embedded client is back in use afterwards."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster,
        Client(cluster, set_as_default=False) as other,
    ):
        session.set_client(other)
        yield other
        session.set_client(client)


def table(rows=3000):
    random = np.random.default_rng(9)
    return pd.DataFrame({"x": random.normal(size=rows), "k": random.choice(["a", "b", "c"], rows), "n": range(rows)})


def test_chunks_of_a_killed_worker_are_read_again(workers, tmp_path, monkeypatch):
    expected = table()
    expected.to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 20_000)
    monkeypatch.setattr(ranges, "_LEAST", 100)
    frame = import_file(tmp_path / "t.csv")
    chunks = {future.key for part in frame.placement().parts for future in part}
    holders = workers.who_has()
    assert {address for key in chunks for address in holders[key]} == set(workers.scheduler_info()["workers"])
    (pid, *_) = workers.run(os.getpid).values()
    os.kill(pid, signal.SIGKILL)
    pd.testing.assert_frame_equal(frame.as_data_frame(), expected.astype({"k": object}), check_dtype=False)


def test_an_upload_sends_rows_and_gives_the_same_frame(workers, tmp_path, monkeypatch):
    expected = table()
    expected.to_csv(tmp_path / "t.csv.gz", index=False)
    expected.to_parquet(tmp_path / "t.parquet", row_group_size=1000)
    monkeypatch.setattr(ranges, "RANGE_BYTES", 20_000)
    for name in ("t.csv.gz", "t.parquet"):
        frame = upload_file(tmp_path / name)
        (tmp_path / name).unlink()
        assert frame.types == {"x": "real", "k": "enum", "n": "int"}
        pd.testing.assert_frame_equal(frame.as_data_frame(), expected.astype({"k": object}), check_dtype=False)


def test_a_small_file_is_cut_so_that_every_worker_has_rows(workers, tmp_path, monkeypatch):
    monkeypatch.setattr(ranges, "_LEAST", 100)
    workers.wait_for_workers(2, timeout=30)  # a killed one may still be on its way back
    table(500).to_csv(tmp_path / "t.csv", index=False)
    assert len(import_file(tmp_path / "t.csv").placement().rows) == 2


def test_the_time_zone_travels_to_the_workers_with_their_tasks(workers, tmp_path):
    (tmp_path / "t.csv").write_text("t,x\n2007-11-06 17:00,1\n2007-07-06,2\n")
    zones.use("America/Denver")
    try:
        frame = import_file(tmp_path / "t.csv")
        hours = frame["t"].hour().as_data_frame()["t"].tolist()
        zones.use("UTC")
        assert frame["t"].hour().as_data_frame()["t"].tolist() == [0, 6]
        zones.use("Asia/Tokyo")
        text = frame["t"].hour().as_data_frame()["t"].tolist()
    finally:
        zones.use(zones.UTC)
    assert (hours, text) == ([17, 0], [9, 15])
