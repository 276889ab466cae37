"""Tasks that workers run: threads on few partitions, samples of rows, the cache of decoded partitions."""

from types import SimpleNamespace

import numpy as np
import pytest

from daskdl.coordinator.slices import Slice
from daskdl.worker import tasks
from daskdl.worker.trainer import Delta


@pytest.mark.parametrize(("spread", "threads"), [(True, 4), (False, 2)])
def test_without_load_balance_each_partition_has_one_thread_at_most(monkeypatch, spread, threads):
    seen = []

    def train_share(state, share, plan, threads, consensus, stopped, gear):
        seen.append(threads)
        return Delta(state, 10, 0.1)

    design = SimpleNamespace(rows=5, nbytes=0)
    monkeypatch.setattr(tasks, "train_share", train_share)
    monkeypatch.setattr(tasks._designs, "get", lambda *_, **__: design)
    job = SimpleNamespace(
        key="job", plan=None, encoder=None, adaptation=None, where={}, balance=None, cache=0, spread=spread
    )
    slices = [Slice(0, 0, 5), Slice(1, 0, 5)]
    tasks.train_task(job, "state", slices, [[], []], 4, tasks.Timing(1, 0, 1.0))
    assert seen == [threads]


def test_a_sample_is_the_same_every_time_and_of_the_asked_size():
    design = SimpleNamespace(rows=20_000, target=np.zeros(20_000))
    sample = tasks.Sample((0.1,), seed=4)
    rows = sample.rows(design, 3)
    assert np.array_equal(rows, sample.rows(design, 3))
    assert not np.array_equal(rows, sample.rows(design, 4))
    assert len(rows) == pytest.approx(2000, rel=0.1)
    assert tasks.Sample((1.0,), seed=4).rows(design, 3) is None


def test_a_stratified_sample_takes_each_class_with_its_own_probability():
    target = np.repeat([0.0, 1.0, np.nan], [9000, 1000, 10])
    rows = tasks.Sample((0.1, 1.0), seed=1).rows(SimpleNamespace(rows=len(target), target=target), 0)
    assert np.count_nonzero(target[rows] == 1) == 1000
    assert np.count_nonzero(target[rows] == 0) == pytest.approx(900, rel=0.15)
    assert not np.isnan(target[rows]).any()


class Chunk:
    """Something that can be referred to weakly."""


def test_a_decoded_partition_is_kept_while_its_chunks_live_and_the_budget_allows(monkeypatch):
    made = []

    def decode(encoder, plan, chunks, where):
        made.append(1)
        return SimpleNamespace(nbytes=10)

    monkeypatch.setattr(tasks, "decode", decode)
    cache, first, second = tasks.DesignCache(), Chunk(), Chunk()
    for _ in range(3):
        cache.get("job", None, None, [first], {}, 15)
    assert len(made) == 1
    cache.get("job", None, None, [second], {}, 15)  # 20 bytes: the older one goes
    cache.get("job", None, None, [first], {}, 15)
    assert len(made) == 3
    cache.get("other", None, None, [first], {}, 100)  # another encoder reads the same chunk differently
    assert len(made) == 4
