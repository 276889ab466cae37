"""Tasks that workers run: threads on few partitions, samples of rows, the cache of decoded partitions."""

from types import SimpleNamespace

import numpy as np
import pytest

from daskdl.coordinator.slices import Slice
from daskdl.worker import design_cache, tasks
from daskdl.worker.design_cache import DesignCache
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


@pytest.fixture
def asked(monkeypatch):
    """Ask a cache for the design of a chunk of 10 bytes; the answer is whether it had to be decoded."""
    made = []

    def decode(encoder, plan, chunks, where):
        made.append(1)
        return SimpleNamespace(nbytes=10)

    def ask(cache, key, chunk, budget):
        before = len(made)
        cache.get(key, None, None, [chunk], {}, budget)
        return len(made) > before

    monkeypatch.setattr(design_cache, "decode", decode)
    return ask


def test_a_decoded_partition_is_kept_for_each_encoder_while_its_chunks_live(asked):
    cache, chunk = DesignCache(), Chunk()
    assert [asked(cache, "job", chunk, 100) for _ in range(3)] == [True, False, False]
    assert [asked(cache, "other", chunk, 100) for _ in range(2)] == [True, False]
    chunk = Chunk()
    assert [asked(cache, "job", chunk, 15) for _ in range(2)] == [True, False]  # those of the dead chunk are gone


def test_rounds_over_a_table_that_is_larger_than_the_cache_decode_only_what_does_not_fit(asked):
    cache, chunks = DesignCache(), [Chunk() for _ in range(10)]
    rounds = [[asked(cache, "job", chunk, 80) for chunk in chunks] for _ in range(4)]
    assert [sum(one) for one in rounds] == [10, 2, 2, 2]


def test_what_nobody_asks_for_any_more_makes_room(asked):
    cache, old, new = DesignCache(), [Chunk() for _ in range(4)], [Chunk() for _ in range(4)]
    for chunk in old:
        asked(cache, "over", chunk, 40)
    rounds = [sum(asked(cache, "job", chunk, 40) for chunk in new) for _ in range(6)]
    assert rounds[0] == 4
    assert rounds[-1] == 0


def test_a_partition_that_is_larger_than_the_cache_drives_nothing_else_out(asked):
    cache, chunk = DesignCache(), Chunk()
    asked(cache, "job", chunk, 15)
    assert asked(cache, "job", Chunk(), 5)
    assert not asked(cache, "job", chunk, 15)
