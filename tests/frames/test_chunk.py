"""Chunks: round trip, numeric blocks, pickles, bytes of past versions."""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.chunks.chunk import Chunk
from frames.exceptions import FrameError, H2OTypeError, H2OValueError

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "chunks"
NAN = float("nan")


def everything(rows=500):
    """A chunk with a column for every way to store one; seeded."""
    random = np.random.default_rng(11)
    gaps = random.random(rows) < 0.1
    words = np.array(["ä", "b", "c d"], object)
    columns = [
        np.full(rows, 2.5),
        np.full(rows, NAN),
        random.integers(0, 2, rows).astype(float),
        random.integers(0, 256, rows).astype(np.uint8),
        np.where(gaps, NAN, random.integers(-300, 300, rows)),
        random.integers(0, 10**6, rows) / 100,
        random.normal(size=rows).astype(np.float32).astype(float),
        random.normal(size=rows),
        np.where(random.random(rows) < 0.95, 0.0, random.normal(size=rows)),
        random.integers(2**60, 2**61, rows),
        random.integers(0, 10**12, rows) * 1000.0,
        np.where(gaps, -1, random.integers(0, 3, rows)).astype(np.int32),
        random.integers(0, 300, rows).astype(np.int32),
        np.zeros(rows, np.int32),
        np.where(gaps, None, words[random.integers(0, 3, rows)]),
        np.array([f"row {i}" for i in range(rows)], object),
        random.random(rows) < 0.5,
    ]
    numbers = ["real", "real", "int", "int", "int", "real", "real", "real", "real", "int", "time"]
    types = [*numbers, "enum", "enum", "enum", "string", "string", "int"]
    return columns, types, [None] * 11 + [3, 300, 1, None, None, None]


def assert_same(got, expected):
    if expected.dtype == object:
        assert got.tolist() == expected.tolist()
    else:
        np.testing.assert_array_equal(got, expected)


def test_every_column_comes_back_alone_and_together():
    columns, types, levels = everything()
    chunk = Chunk.pack(columns, types, levels)
    assert (chunk.rows, chunk.types) == (500, tuple(types))
    for i, column in enumerate(columns):
        assert_same(chunk.values(i), column)
    for got, column in zip(chunk.columns(), columns, strict=True):
        assert_same(got, column)
    assert chunk.values(9).dtype == np.int64
    assert chunk.values(11).dtype == np.int32
    assert chunk.values(3).dtype == np.float64


def test_numeric_blocks_hold_every_asked_column_once_and_give_its_values():
    columns, types, levels = everything()
    chunk = Chunk.pack(columns, types, levels)
    asked = [16, 0, 1, 2, 13, 3, 4, 12, 5, 6, 7, 8, 9, 10, 11]
    seen = []
    for data, slots, scale, bias, missing in chunk.numeric_blocks(asked):
        assert data.flags.c_contiguous
        assert data.shape == (500, len(slots))
        assert data.dtype in [np.dtype(t) for t in ("u1", "u2", "i4", "i8", "f4", "f8")]
        for j, slot in enumerate(slots):
            seen.append(int(slot))
            codes = data[:, j]
            absent = np.isnan(codes) if data.dtype.kind == "f" else codes == missing[j]
            got = np.where(absent, NAN, codes.astype(float) * scale[j] + bias[j])
            expected = columns[asked[slot]].astype(float)
            if types[asked[slot]] == "enum":
                expected = np.where(expected < 0, NAN, expected)
            np.testing.assert_allclose(got.astype(np.float32), expected.astype(np.float32), rtol=0, atol=0)
    assert sorted(seen) == list(range(len(asked)))


def test_numeric_blocks_of_text_are_refused():
    chunk = Chunk.pack([np.array(["a"], object)], ["string"], [None])
    with pytest.raises(H2OTypeError, match="column 0 has type string"):
        chunk.numeric_blocks([0])


def test_a_few_columns_of_bits_ride_in_the_block_of_bytes():
    random = np.random.default_rng(3)
    columns = [random.integers(0, 200, 64).astype(np.uint8) for _ in range(20)] + [np.tile([0, 1], 32)] * 2
    chunk = Chunk.pack(columns, ["int"] * 22, [None] * 22)
    (block,) = chunk.numeric_blocks(range(22))
    assert block.data.shape == (64, 22)
    assert block.data.dtype == np.uint8
    assert_same(chunk.values(21), columns[21])


def test_pixels_shrink_to_a_third_and_whole_blocks_are_not_copied():
    random = np.random.default_rng(5)
    pixels = np.where(random.random((2003, 300)) < 0.19, random.integers(1, 256, (2003, 300)), 0).astype(np.uint8)
    runs = np.repeat(pixels[:, ::10], 10, axis=1)
    chunk = Chunk.pack(list(np.ascontiguousarray(runs.T)), ["int"] * 300, [None] * 300)
    assert runs.size / chunk.nbytes > 3
    (block,) = chunk.numeric_blocks(range(300))
    np.testing.assert_array_equal(block.data, runs)


def test_a_pickled_chunk_carries_its_buffers_out_of_band():
    chunk = Chunk.pack(*everything())
    buffers = []
    body = pickle.dumps(chunk, protocol=5, buffer_callback=buffers.append)
    assert sum(b.raw().nbytes for b in buffers) >= chunk.nbytes
    again = pickle.loads(body, buffers=buffers)
    assert_same(again.values(7), chunk.values(7))
    assert_same(again.values(14), chunk.values(14))
    assert again.codecs == chunk.codecs


def test_dask_counts_a_chunk_by_its_compressed_bytes():
    from dask.sizeof import sizeof

    chunk = Chunk.pack(*everything(5000))
    assert chunk.nbytes < sizeof(chunk) < chunk.nbytes + 10_000
    assert sys.getsizeof(chunk) >= chunk.nbytes


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(1, 5), st.integers(0, 2**31))
def test_any_tables_come_back_through_bytes(rows, width, seed):
    random = np.random.default_rng(seed)
    columns = [random.choice([0.0, 1.0, 0.1, NAN, 1e300, -5.0], rows) for _ in range(width)]
    chunk = Chunk.from_bytes(Chunk.pack(columns, ["real"] * width, [None] * width).to_bytes())
    for got, column in zip(chunk.columns(), columns, strict=True):
        np.testing.assert_array_equal(got, column)
    assert all(s.rows == rows for s in chunk.summaries)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([None, 2**63 - 1, 1 - 2**63, 2**53, 2**53 + 1, -(2**53) - 1, 0, 7]), max_size=12),
    st.lists(st.sampled_from([None, -0.0, 0.0, 5e-324, -5e-324, np.inf, -np.inf, 1e308, 0.1, 2.0**63]), max_size=12),
)
def test_the_outermost_integers_and_doubles_come_back_through_bytes_and_pickles(integers, doubles):
    size = min(len(integers), len(doubles))
    whole = np.array([-(2**63) if value is None else value for value in integers[:size]], np.int64)
    reals = np.array([NAN if value is None else value for value in doubles[:size]], np.float64)
    reals[np.isnan(reals)] = np.array([0x7FF8000000000123], np.uint64).view(float)[0]  # the payload is free
    chunk = Chunk.pack([whole, reals], ["int", "real"], [None, None])
    for back in (chunk, Chunk.from_bytes(chunk.to_bytes()), pickle.loads(pickle.dumps(chunk, protocol=5))):
        first, second = back.columns()
        gap = -(2**63) if first.dtype == np.int64 else None
        assert [None if v != v or v == gap else int(v) for v in first.tolist()] == integers[:size]
        assert [None if v != v else v.hex() for v in second.tolist()] == [
            None if v is None else v.hex() for v in doubles[:size]
        ]
    summary = chunk.summaries[0]
    present = [value for value in integers[:size] if value is not None]
    assert (summary.missing, summary.zeros) == (size - len(present), present.count(0))
    if present:
        assert (summary.minimum, summary.maximum) == (min(present), max(present))


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.chunk")), ids=lambda f: f.name)
def test_chunks_of_past_versions_are_read(file):
    expected = json.loads(file.with_suffix(".json").read_text())
    chunk = Chunk.from_bytes(file.read_bytes())
    assert list(chunk.types) == expected["types"]
    for got, column in zip(chunk.columns(), expected["columns"], strict=True):
        shown = [None if isinstance(v, float) and v != v else v for v in got.tolist()]
        assert shown == column
    assert [s.missing for s in chunk.summaries] == expected["missing"]


def test_there_is_a_golden_chunk():
    assert list(GOLDEN.glob("*.chunk"))


def test_damaged_bytes_are_refused():
    data = Chunk.pack(*everything()).to_bytes()
    with pytest.raises(FrameError, match="must start with"):
        Chunk.from_bytes(b"PK\x03\x04" + data)
    with pytest.raises(FrameError, match="cut or damaged"):
        Chunk.from_bytes(data[:-1])
    with pytest.raises(FrameError, match="cut or damaged"):
        Chunk.from_bytes(data[:-5] + b"\xff\x00\xff\x00\xff")
    with pytest.raises(FrameError, match="header"):
        Chunk.from_bytes(data[:40])


def test_minus_two_to_the_63_is_missing_in_long_integers():
    for other in (3, 2**60):
        chunk = Chunk.pack([np.array([-(2**63), other])], ["int"], [None])
        (summary,) = chunk.summaries
        assert (summary.missing, summary.maximum) == (1, float(other))
        got = chunk.values(0)
        assert (np.isnan(got) if got.dtype.kind == "f" else got == -(2**63)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("columns", "types", "levels", "error", "message"),
    [
        ([np.zeros(2)], ["real"], [], H2OValueError, "equally many"),
        ([np.zeros(2), np.zeros(3)], ["real"] * 2, [None] * 2, H2OValueError, "column 1 has shape"),
        ([np.zeros((2, 2))], ["real"], [None], H2OValueError, "column 0 has shape"),
        ([np.zeros(2)], ["number"], [None], H2OValueError, "got 'number'"),
        ([np.zeros(2)], ["enum"], [2], H2OTypeError, "int32 codes; column 0 has dtype float64"),
        ([np.zeros(2, np.int32)], ["enum"], [None], H2OValueError, "number of levels"),
        ([np.array([5], np.int32)], ["enum"], [2], H2OValueError, "between -1 and 1; got 5"),
        ([np.zeros(2)], ["string"], [None], H2OTypeError, "objects"),
        ([np.array(["a"], object)], ["real"], [None], H2OTypeError, "numbers; column 0 has dtype object"),
        ([np.array([1.5], object)], ["string"], [None], H2OValueError, "got 1.5 in row 0"),
    ],
)
def test_arrays_that_do_not_suit_their_type_are_refused(columns, types, levels, error, message):
    with pytest.raises(error, match=message):
        Chunk.pack(columns, types, levels)


def test_an_empty_chunk_has_its_columns():
    chunk = Chunk.pack(
        [np.empty(0), np.empty(0, np.int32), np.empty(0, object)], ["real", "enum", "string"], [None, 4, None]
    )
    assert chunk.rows == 0
    assert [len(c) for c in chunk.columns()] == [0, 0, 0]
    assert chunk.summaries[1].counts.tolist() == [0, 0, 0, 0]
    assert all(b.data.shape[0] == 0 for b in chunk.numeric_blocks([0, 1]))


def test_packing_leaves_the_arrays_alone():
    columns, types, levels = everything()
    before = [column.copy() for column in columns]
    Chunk.pack(columns, types, levels)
    for column, copy in zip(columns, before, strict=True):
        assert_same(column, copy)


def test_bytes_in_rows_are_packed_as_their_columns_would_be():
    random = np.random.default_rng(11)
    block = np.stack([random.integers(low, high, 300) for low, high in ((0, 256), (3, 5), (0, 2), (9, 90))], 1)
    narrow, reals = block.astype(np.uint8), random.integers(0, 50, 300) / 10
    constant, order = np.full(300, 7), (0, 2, 3, 5)
    columns = [block[:, 0], constant, block[:, 1], block[:, 2], reals, block[:, 3]]
    usual = Chunk.pack(columns, ["real"] * 6, [None] * 6)
    summaries = {i: usual.summaries[i] for i in (*order, 1)}
    chunk = Chunk.pack_bytes(300, narrow, summaries, {4: reals})
    assert chunk.codecs == usual.codecs
    assert chunk.summaries == usual.summaries
    for ours, theirs in zip(chunk.columns(), usual.columns(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert Chunk.from_bytes(chunk.to_bytes()).to_bytes() == chunk.to_bytes()


def test_bytes_in_rows_must_suit_their_summaries():
    block = np.array([[1], [2]], np.uint8)
    summaries = {0: Chunk.pack([block[:, 0]], ["real"], [None]).summaries[0]}
    for wrong in (block.T, np.hstack([block, block])):
        with pytest.raises(H2OValueError, match="for each of 1 positions and 2 rows"):
            Chunk.pack_bytes(2, wrong, summaries, {})
    with pytest.raises(H2OValueError, match="positions must be 0 to 1"):
        Chunk.pack_bytes(2, block, summaries, {2: np.zeros(2)})


@pytest.mark.parametrize("width", [3, 15, 16, 40])
def test_some_columns_of_a_block_come_back_in_any_order(width):
    numbers = np.random.default_rng(width).random((width, 1000))
    chunk = Chunk.pack(list(numbers), ["real"] * width, [None] * width)

    for positions in ([width - 1], [2, 0, 2], list(range(width)), list(range(width))[::-1], list(range(1, width))):
        np.testing.assert_array_equal(chunk.columns(positions), numbers[positions])
