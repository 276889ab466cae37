"""How a worker's memory is divided, and the blocks that follow from it."""

import io
from dataclasses import replace

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


def test_values_that_are_a_few_bits_in_the_file_count_as_what_they_become(tmp_path):
    rows = 100_000
    few = np.random.default_rng(5).integers(0, 4, (5, rows)) * 0.5
    path = tmp_path / "few.parquet"
    table = pa.table([*few, pa.array(["yes", "no"] * (rows // 2))], names=list("abcdef"))
    pq.write_table(table, path, row_group_size=rows)
    source = inspect(str(path))
    assert pq.read_metadata(path).row_group(0).total_byte_size < 2**18

    packs = parquet.plan(source, block=2**19)

    setup = parquet.setup_of(source)
    blocks = [parquet.read_groups(pack, setup, setup.names) for pack in packs]
    assert sum(block.report.rows for block in blocks) == rows
    assert max(block.report.rows for block in blocks) * 5 * 8 <= 2**19
    read = np.concatenate([np.stack(block.numbers.columns()) for block in blocks], axis=1)
    np.testing.assert_array_equal(read, few)


@pytest.fixture
def arrow_memory():
    """A pool of memory that counts what Arrow takes during a test."""
    usual = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counting)
    yield counting
    pa.set_memory_pool(usual)


@pytest.mark.parametrize("block", [2**19, 2**26])
def test_columns_of_a_row_group_do_not_wait_in_arrow_for_one_another(tmp_path, arrow_memory, block):
    rows, columns = 200_000, 30
    numbers = np.random.default_rng(4).random((columns, rows))
    path = tmp_path / "wide.parquet"
    pq.write_table(pa.table([*numbers], names=[f"c{i}" for i in range(columns)]), path, row_group_size=rows)
    source = inspect(str(path))
    setup = parquet.setup_of(source)
    pack = parquet.plan(source, block=block)[-1]
    before = arrow_memory.bytes_allocated()

    read = parquet.read_groups(pack, setup, setup.names)

    low, high = pack.rows or (0, rows)
    np.testing.assert_array_equal(np.stack(read.numbers.columns()), numbers[:, low:high])
    held = (high - low) * columns * 8  # the columns themselves
    assert arrow_memory.max_memory() - before < held + 16 * 2**20


class Counted(io.FileIO):
    """A file that counts the bytes that are read from it."""

    total = 0

    def readinto(self, buffer):
        found = super().readinto(buffer)
        Counted.total += found
        return found

    def read(self, size=-1):
        found = super().read(size)
        Counted.total += len(found)
        return found


def test_a_part_of_a_row_group_is_read_without_what_lies_behind_it(tmp_path, monkeypatch):
    rows, columns = 1_000_000, 2
    numbers = np.random.default_rng(4).random((columns, rows))
    path = tmp_path / "long.parquet"
    pq.write_table(pa.table([*numbers], names=["a", "b"]), path, row_group_size=rows, use_dictionary=False)
    source = inspect(str(path))
    setup = parquet.setup_of(source)
    packs = parquet.plan(source, block=400_000)
    monkeypatch.setattr(parquet, "_stream", lambda source: Counted(path))
    Counted.total = 0

    first = parquet.read_groups(packs[0], setup, setup.names)

    assert first.numbers is not None
    np.testing.assert_array_equal(np.stack(first.numbers.columns()), numbers[:, : first.report.rows])
    assert Counted.total < path.stat().st_size / 4
    parquet.read_groups(packs[len(packs) // 2], setup, setup.names)
    assert Counted.total < path.stat().st_size


def test_a_column_whose_name_begins_like_that_of_another_is_read_alone(tmp_path):
    path = tmp_path / "names.parquet"
    pq.write_table(pa.table({"a": [1.5, 2.5], "a.b": [3.5, 4.5], "c": ["x", "y"]}), path)
    source = inspect(str(path))
    setup = replace(parquet.setup_of(source), kept=(0, 2))

    (pack,) = parquet.plan(source, block=4000)
    block = parquet.read_groups(pack, setup, setup.names)

    assert block.report.rows == 2
    assert block.numbers.values(0).tolist() == [1.5, 2.5]
    assert [block.texts[0].levels[code] for code in block.texts[0].codes] == ["x", "y"]
