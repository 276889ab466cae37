"""What is made of rows lies where they lie, and a training knows who has them."""

import time

import distributed
import numpy as np
import pandas as pd
import pytest

from daskdl.shell.cluster import Cluster
from frames.cluster import reorder, session
from frames.frame import H2OFrame

pytestmark = [pytest.mark.cluster]


@pytest.fixture
def beside():
    """A client of two workers in this process, in use meanwhile."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        before = session._current
        session.set_client(client)
        yield client
        session.set_client(before)


def test_a_small_column_that_lies_elsewhere_does_not_leave_a_partition_without_owner(beside):
    one, other = beside.scheduler_info()["workers"]
    rows = beside.scatter(np.zeros(100_000), workers=[one], hash=False)
    twice = beside.scatter(np.zeros(100_001), workers=[one], hash=False)
    flags = beside.scatter(np.zeros(1000), workers=[other], hash=False)
    half = beside.scatter(np.zeros(50_000), workers=[other], hash=False)
    absent = beside.submit(np.zeros, 10, workers=["127.0.0.1:1"], allow_other_workers=False)

    gone = beside.scatter(np.zeros(3), workers=[one], hash=False)
    gone.cancel()
    while beside.run_on_scheduler(lambda dask_scheduler, key=gone.key: key in dask_scheduler.tasks):
        time.sleep(0.01)

    found = Cluster(beside).owners([[rows, flags], [flags, twice], [rows, half], [absent], [gone], []])

    assert found == ((one,), (one,), (), (), (), ())


@pytest.mark.parametrize("joined", [1, 8 * 2**20], ids=["cut where they lie, then joined", "joined at once"])
def test_frames_of_a_split_hold_the_rows_of_the_draw_in_their_order(beside, monkeypatch, joined):
    table = pd.DataFrame({"n": np.arange(4000), "k": np.random.default_rng(2).choice(["a", "b", "c"], 4000)})
    frame = H2OFrame(table, column_types={"k": "enum"})
    pieces = [frame[start : start + 400, :] for start in range(0, 4000, 400)]
    stacked = pieces[0].rbind(pieces[1:])
    whole = [part.as_data_frame() for part in stacked.split_frame([0.7, 0.1], seed=5)]
    monkeypatch.setattr(reorder, "JOINED_BYTES", 8 * 2 * 1000 * joined)

    parts = stacked.split_frame([0.7, 0.1], seed=5)

    draw = stacked.runif(seed=5).as_data_frame()["rnd"].to_numpy()
    for part, before, low, high in zip(parts, whole, [0.0, 0.7, 0.7 + 0.1], [0.7, 0.7 + 0.1, 1.0], strict=True):
        wanted = table[(draw >= low) & (draw < high)].reset_index(drop=True)
        pd.testing.assert_frame_equal(part.as_data_frame(), wanted.astype({"k": object}), check_dtype=False)
        pd.testing.assert_frame_equal(part.as_data_frame(), before)
    assert len(parts[1].placement().rows) < len(stacked.placement().rows)
