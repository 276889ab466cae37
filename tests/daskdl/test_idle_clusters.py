"""Clusters on which nobody works: without workers, or with workers that are paused because their memory is full."""

import time

import distributed
import numpy as np
import pandas as pd
import pytest
from distributed import Status
from in_process import workers_here

from daskdl.model import apply
from daskdl.parameters import Parameters
from daskdl.shell import cluster as shell_cluster
from daskdl.shell.cluster import Cluster, LostError
from daskdl.training.train import train
from frames.cluster import connection, session, waiting
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame

pytestmark = pytest.mark.timeout(100)

ROWS = 2000
NET = {"hidden": [4], "seed": 3, "stopping_rounds": 0, "train_samples_per_iteration": ROWS, "score_interval": 0.1}


@pytest.fixture
def two(monkeypatch):
    """A cluster of two workers in this process; where one is paused, that shows soon."""
    monkeypatch.setattr(shell_cluster, "PAUSED", 0.5)
    monkeypatch.setattr(waiting, "LOOK", 0.1)
    with workers_here(2, memory_limit=0) as cluster:  # 0: Dask unpauses nobody
        yield cluster


@pytest.fixture
def frame(two):
    import dask.dataframe as dd

    draw = np.random.default_rng(2).normal(size=(ROWS, 2))
    table = pd.DataFrame(draw, columns=["a", "y"])
    frame = H2OFrame(dd.from_pandas(table, npartitions=4))
    assert frame.nrow == ROWS
    return frame


def pause(workers):
    for worker in workers:
        worker.status = Status.paused


class Once:
    """Does something when training has begun."""

    def __init__(self, deed):
        self.deed, self.done = deed, False

    def __call__(self, share, row):
        if not self.done:
            self.done = True
            self.deed()


def test_the_share_of_a_paused_worker_is_trained_by_another(two, frame):
    first, _ = two.workers.values()
    strike = Once(lambda: pause([first]))
    model = train(Parameters(epochs=20, **NET), frame, y="y", progress=strike)
    assert strike.done
    assert model.samples == 20 * ROWS
    assert any("is out of memory: it has been paused for" in one for one in model.notes["events"])


def test_when_all_workers_stay_paused_the_last_model_stands(two, frame):
    strike = Once(lambda: pause(two.workers.values()))
    model = train(Parameters(epochs=1e5, no_workers_timeout=1, **NET), frame, y="y", progress=strike)
    assert model.samples >= ROWS
    assert "No worker was there for 1 seconds; the last model stands." in model.warnings


def test_a_training_that_cannot_begin_ends_within_the_time_that_was_asked_for(two, frame):
    two.scale(0)
    while two.scheduler.workers:
        time.sleep(0.02)
    began = time.monotonic()
    with pytest.raises(H2OJobError, match="needs a worker that works; for 1 seconds none was there"):
        train(Parameters(epochs=1, no_workers_timeout=1, **NET), frame, y="y")
    assert time.monotonic() - began < 30


def test_scoring_another_frame_without_workers_ends_with_a_sentence(two, frame):
    model = train(Parameters(epochs=1, **NET), frame, y="y")
    pause(two.workers.values())
    with (
        waiting.patience(1.0),
        pytest.raises(H2OJobError, match=f"Measuring {model.key} needs a worker .* all of them p"),
    ):
        apply.performance(model, frame)


def test_a_wait_of_a_job_without_workers_counts_as_lost(two):
    job = Cluster(session.client())
    two.scale(0)
    while two.scheduler.workers:
        time.sleep(0.02)
    with pytest.raises(LostError, match="No worker is there"):
        job.wait(job.client.submit(pow, 2, 3, pure=False))
    with pytest.raises(LostError, match="No worker takes"):
        job.hold([1])


def test_an_event_for_a_client_that_is_closed_fails_by_itself_and_raises_nothing(two):
    with distributed.Client(two.scheduler.address) as client:
        job = Cluster(client)
        job.publish("daskdl", {"said": "here"}).result(timeout=10)
    assert isinstance(job.publish("daskdl", {"said": "gone"}).exception(timeout=10), OSError)
    assert [said for _, said in two.scheduler.get_events("daskdl")] == [{"said": "here"}]


def test_a_worker_that_is_paused_for_a_moment_still_counts(two, monkeypatch):
    monkeypatch.setattr(shell_cluster, "PAUSED", 1000.0)
    job = Cluster(session.client())
    assert len(job.workers()) == 2
    first, second = two.workers.values()
    pause([first])
    while "paused" not in [about["status"] for about in connection.identity(job.client)["workers"].values()]:
        time.sleep(0.02)
    for _ in "ab":
        time.sleep(shell_cluster.TICK)  # a job looks that often
        assert len(job.workers()) == 2
    monkeypatch.setattr(shell_cluster, "PAUSED", shell_cluster.TICK)
    time.sleep(shell_cluster.TICK)
    assert job.workers() == {second.address: 1}
    assert job.workers() == {second.address: 1}
    assert job.events == [one for one in job.events if "paused" in one]
    assert len(job.events) == 1
    first.status = Status.running
    while len(job.workers()) < 2:
        time.sleep(0.02)


def test_a_model_is_trained_and_used_where_its_frame_is_though_another_cluster_is_in_use(two, frame):
    mine = session.client()
    session.set_client(None)
    other = session.client()
    assert other is not mine
    model = train(Parameters(epochs=1, nfolds=2, **NET), frame, y="y")
    predictions = apply.predict(model, frame)
    assert predictions.placement(["predict"]).client is mine
    assert np.isfinite(predictions.as_data_frame()["predict"]).all()
    assert model.notes["workers"] == 2
