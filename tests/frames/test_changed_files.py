"""Files that are changed after an import: whoever must read them again is told, and never gets other rows."""

import os
import time

import distributed
import fsspec
import numpy as np
import pandas as pd
import pytest

from daskdl.parameters import Parameters
from daskdl.training.train import train
from frames.cluster import session
from frames.exceptions import FrameError, H2OJobError
from frames.functions import import_file
from frames.parse import ranges, stamp
from frames.parse.source import inspect

pytestmark = pytest.mark.timeout(60)

ROWS = 3000


@pytest.fixture(scope="module")
def own():
    """A cluster inside this process, whose only worker can be replaced by one that has nothing."""
    before = session._current
    quiet = {"dashboard_address": "127.0.0.1:0", "worker_dashboard_address": None, "silence_logs": 50}
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **quiet) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        session.set_client(client)
        yield cluster
        session.set_client(before)


def replace_the_worker(cluster):
    cluster.scale(0)
    while cluster.scheduler.workers:
        time.sleep(0.02)
    cluster.scale(1)


def table(seed=1):
    draw = np.random.default_rng(seed).integers(100, 999, size=(ROWS, 2))
    return pd.DataFrame(draw, columns=["a", "y"])


def written(path, what):
    if path.suffix == ".parquet":
        what.to_parquet(path)
    else:
        what.to_csv(path, index=False)


def other(path):
    """Other rows, as long to the byte, and written within the same second."""
    size, before = path.stat().st_size, path.stat().st_mtime_ns
    written(path, table(2))
    if path.suffix == ".csv":
        assert path.stat().st_size == size
    os.utime(path, ns=(before + 1000, before + 1000))


CHANGES = {
    "other": other,
    "longer": lambda path: written(path, pd.concat([table(), table()])),
    "shorter": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "missing": lambda path: path.unlink(),
}
SAID = {
    "other": "it (was written to since|has .* bytes now)",
    "longer": "it has [0-9]+ bytes now, and had [0-9]+",
    "shorter": "it has [0-9]+ bytes now, and had [0-9]+",
    "missing": "it is not there any more",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("name", "storage"),
    [
        ("t.csv", "memory"), ("t.csv", "disk"), ("t.csv.gz", "memory"), ("t.parquet", "memory"), ("t.parquet", "disk"),
        ("t.parquet", "source"),
    ],
)  # fmt: skip
def test_rows_that_must_be_read_again_from_a_file_that_was_changed(own, tmp_path, monkeypatch, name, storage, change):
    monkeypatch.setattr(ranges, "RANGE_BYTES", 8_000)
    path = tmp_path / name
    written(path, table())
    frame = import_file(str(path), storage=storage)
    CHANGES[change](path)
    if storage != "source":
        replace_the_worker(own)
    said = f"A file must stay as it is while a frame is made from it; .*{name} was changed: {SAID[change]}"
    with pytest.raises(FrameError, match=said):
        frame.as_data_frame()
    with pytest.raises((FrameError, H2OJobError), match=said):
        train(Parameters(hidden=[2], epochs=1), frame, y="y")


def test_a_file_that_is_the_same_is_read_again(own, tmp_path):
    path = tmp_path / "t.csv"
    written(path, table())
    frame = import_file(str(path))
    replace_the_worker(own)
    pd.testing.assert_frame_equal(frame.as_data_frame(), table(), check_dtype=False)


def test_a_file_of_a_store_is_known_by_what_the_store_says_of_it(own):
    store = fsspec.filesystem("memory")
    store.pipe("/changing/t.csv", table().to_csv(index=False).encode())
    frame = import_file("memory://changing/t.csv")
    store.pipe("/changing/t.csv", table(2).to_csv(index=False).encode())
    replace_the_worker(own)
    with pytest.raises(FrameError, match=r"memory://changing/t\.csv was changed: it was written to since"):
        frame.as_data_frame()


def test_an_object_is_known_by_its_tag_before_its_date():
    info = {"size": 3, "ETag": '"abc"', "LastModified": "today"}
    assert stamp.stamp_of_remote(info) == stamp.Stamp(3, 'ETag "abc"')
    assert stamp.stamp_of_remote({"size": None}) == stamp.Stamp(None, "")


def test_another_machine_may_have_a_copy_of_its_own_that_is_older_than_the_look(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    source = inspect(str(path))
    assert source.stamp is not None
    there = source._replace(stamp=source.stamp._replace(host="another", mark="17"))
    assert there.read(0, 4) == b"a\n1\n"
    later = source.stamp.seen + 10**9
    os.utime(path, ns=(later, later))
    with pytest.raises(FrameError, match="it was written to since"):
        there.read(0, 4)
