"""Rows that trained from the disks of workers, and what was made as they were laid out, are gone: training goes on."""

import asyncio
import threading
from types import SimpleNamespace

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from in_process import workers_here

from daskdl.parameters import Parameters
from daskdl.shell import lending
from daskdl.shell.cluster import Cluster, LostError
from daskdl.shell.scoring import FrameScoring
from daskdl.shell.stored_rows import Sampled
from daskdl.training import fit_one
from daskdl.training.train import train
from daskdl.worker import tasks
from frames.cluster import session
from frames.frame import H2OFrame

pytestmark = pytest.mark.timeout(100)

ROWS = 2000
NET = {
    "hidden": [4],
    "seed": 3,
    "stopping_rounds": 0,
    "train_samples_per_iteration": ROWS // 2,
    "score_each_iteration": True,
}


@pytest.fixture
def two(monkeypatch, tmp_path):
    """A cluster of two workers in this process, which train from their disks."""
    monkeypatch.setattr(fit_one, "bytes_of_rows", lambda *_: np.inf)
    monkeypatch.setattr(lending, "SMALL", 0)
    with workers_here(2, local_directory=str(tmp_path)) as cluster:
        yield cluster


@pytest.fixture
def frame(two):
    draw = np.random.default_rng(2).normal(size=(ROWS, 2))
    return H2OFrame(dd.from_pandas(pd.DataFrame(draw, columns=["a", "y"]), npartitions=4))


def trained(frame, deed):
    """Train ten epochs, scored by half of the rows after each; `deed` is done once, after the first."""
    done = []

    def once(*_):
        if not done:
            done.append(deed())

    how = Parameters(epochs=10, score_training_samples=ROWS // 2, **NET)
    model = train(how, frame, y="y", progress=once)
    assert done
    assert model.samples == 10 * ROWS
    return model


def lose(cluster, worker):
    """Take a worker away as if it had been killed."""
    asyncio.run_coroutine_threadsafe(worker.close(executor_wait=False), cluster.loop.asyncio_loop).result(30)


def test_rows_to_be_scored_that_went_with_a_worker_are_made_anew(two, frame):
    first = next(iter(two.workers.values()))
    model = trained(frame, lambda: lose(two, first))
    assert any(" left" in one for one in model.notes["events"])
    assert len(model.history) >= 10


def test_what_a_lost_worker_sampled_is_no_part_of_the_next_scoring():
    stored = SimpleNamespace(sampled=[Sampled("a", (0, 2), "of a"), Sampled("b", (1,), "of b")])
    table = SimpleNamespace(parts=[(), (), ()], adaptation=None, where=None, sample=None)
    job = SimpleNamespace(key="job", encoder=None, cache=0)
    cluster = SimpleNamespace(resident=lambda value: value, wait=lambda scores: scores)
    scoring = FrameScoring(cluster, job, spans=None, stored=stored)

    def task(name, function, arguments):
        """Give a sample that is made a name, and say which samples are scored."""
        if function is tasks.sample_task:
            return f"anew {arguments[6]}"
        return (
            {"of a": ["a 0", "a 2"], "of b": ["b 1"]}[arguments[1]] if isinstance(arguments[1], str) else arguments[1]
        )

    scoring._task = task
    assert scoring._of_some(None, table, "train") == ["a 0", "b 1", "a 2"]
    stored.sampled = stored.sampled[1:]
    assert scoring._of_some(None, table, "train") == ["anew 0", "b 1", "anew 2"]


@pytest.mark.parametrize("how", ["removed", "cut short"])
def test_files_of_rows_that_somebody_has_taken_are_written_anew(two, frame, tmp_path, how):
    def spoil():
        files = list(tmp_path.rglob("*.rows"))
        assert files
        for file in files:
            file.unlink() if how == "removed" else file.write_bytes(b"")

    model = trained(frame, spoil)
    assert any("must stay as it was written" in one for one in model.notes["events"])


def test_a_wait_for_what_a_worker_held_ends_though_it_left_before(two):
    first, _ = two.workers.values()
    cluster = Cluster(session.client())
    there = cluster.client.submit(abs, -3, workers=[first.address], allow_other_workers=False, pure=False)
    cluster.counted_on = set(cluster.workers())
    assert cluster.wait(there) == 3

    lose(two, first)
    while first.address in cluster.workers():
        threading.Event().wait(0.05)

    with pytest.raises(LostError, match="A worker has left"):
        cluster.wait(there)
