"""How a worker's memory is divided, and the blocks that follow from it."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from frames.cluster import memory
from frames.parse import parquet
from frames.parse.source import inspect


@pytest.mark.parametrize("limit", [500_000_000, 2 * 10**9, 64 * 10**9])
@pytest.mark.parametrize("threads", [1, 2, 16])
def test_process_tasks_and_chunks_together_stay_below_the_limit(limit, threads):
    task, chunks = memory.divided(limit, threads)

    assert task > 0
    assert chunks > 0
    assert memory.PROCESS + threads * task + chunks <= max(limit * memory.USABLE, memory.PROCESS + limit * memory.LEAST)


def test_the_tightest_worker_decides_and_workers_without_a_limit_do_not():
    workers = [{"memory_limit": 4 * 10**9, "nthreads": 1}, {"memory_limit": 10**9, "nthreads": 2}]

    assert memory.smallest([*workers, {"memory_limit": 0, "nthreads": 8}]) == memory.divided(10**9, 2)
    assert memory.smallest([{"memory_limit": None, "nthreads": 8}]) is None


def test_blocks_are_as_large_as_memory_allows_within_bounds():
    assert memory.block_bytes(None, 0.5, 10, 100) == 100
    assert memory.block_bytes(memory.Budget(120, 0), 0.5, 10, 100) == 60
    assert memory.block_bytes(memory.Budget(2, 0), 0.5, 10, 100) == 10
    assert memory.block_bytes(memory.Budget(2, 0), 0.5, 200, 100) == 100


def test_a_row_group_that_is_too_large_for_one_task_is_read_in_parts(tmp_path):
    numbers = np.random.default_rng(3).random((1000, 3))
    words = [f"w{i % 7}" for i in range(1000)]
    table = pa.table([*numbers.T, pa.array(words)], names=["a", "b", "c", "d"])
    path = tmp_path / "large.parquet"
    with pq.ParquetWriter(path, table.schema) as writer:
        for low, high in ((0, 5), (5, 905), (905, 1000)):
            writer.write_table(table.slice(low, high - low), row_group_size=1000)
    source = inspect(str(path))

    packs = parquet.plan(source, block=4000)
    setup = parquet.setup_of(source)
    blocks = [parquet.read_groups(pack, setup, setup.names) for pack in packs]

    assert [pack.groups for pack in packs][:2] == [(0,), (1,)]
    assert sum(pack.rows is not None for pack in packs) >= 5
    assert max(block.report.rows for block in blocks) < 200
    read = np.concatenate([np.stack(block.numbers.columns(), axis=1) for block in blocks])
    np.testing.assert_array_equal(read, numbers)
    texts = [block.texts[0].levels[code] for block in blocks for code in block.texts[0].codes]
    assert texts == words
