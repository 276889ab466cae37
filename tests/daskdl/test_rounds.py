"""Rounds are arithmetic: they take every row once per pass, whoever trains them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.coordinator.slices import (
    Slice,
    assign,
    chain,
    cut,
    fixed_shares,
    place_fixed,
    reproducible_shares,
    samples_of,
    shares_of_stream,
    slices,
)
from frames.exceptions import H2OValueError

ROWS = st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(lambda rows: sum(rows) > 0)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(ROWS, st.integers(0, 500))
def test_the_stream_counts_every_sample_once_and_never_takes_one_back(rows, samples):
    now, then = shares_of_stream(samples, rows), shares_of_stream(samples + 1, rows)
    assert sum(now) == samples
    assert sorted(b - a for a, b in zip(now, then, strict=True))[-1:] == [1]
    assert all(b >= a for a, b in zip(now, then, strict=True))


@FEW
@given(ROWS, st.integers(0, 5))
def test_whole_passes_take_every_row_of_every_partition_as_often(rows, passes):
    assert shares_of_stream(passes * sum(rows), rows) == [passes * count for count in rows]


@FEW
@given(ROWS, st.integers(0, 400))
def test_each_partition_stays_near_its_proportional_share(rows, samples):
    for got, count in zip(shares_of_stream(samples, rows), rows, strict=True):
        assert abs(got - samples * count / sum(rows)) <= len(rows).bit_length()


@FEW
@given(ROWS, st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_rounds_of_any_size_join_without_gap_or_overlap(rows, sizes):
    reached, position = [0] * len(rows), 0
    for size in sizes:
        for one in slices(position, position + size, rows):
            assert one.start == reached[one.partition] < one.stop
            reached[one.partition] = one.stop
        position += size
        assert sum(reached) == position
    assert reached == shares_of_stream(position, rows)


def test_a_round_backwards_or_over_no_rows_is_refused():
    with pytest.raises(H2OValueError, match="samples 5 to 4"):
        slices(5, 4, [10])
    with pytest.raises(H2OValueError, match="at least one row"):
        slices(0, 1, [0, 0])
    with pytest.raises(H2OValueError, match="at least one worker"):
        assign([1], [["a"]], {})
    with pytest.raises(H2OValueError, match="at least 1"):
        fixed_shares([Slice(0, 0, 3)], 0)


WORKERS = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 4), min_size=1)


@FEW
@given(ROWS, WORKERS, st.data())
def test_an_assignment_covers_every_row_once_and_leaves_nobody_overloaded(rows, threads, data):
    owners = [data.draw(st.lists(st.sampled_from("abcdez"), max_size=3)) for _ in rows]
    plan = assign(rows, owners, threads)
    trained = set()
    for parts in plan.values():
        for part in parts:
            wanted = {(part.partition, i) for i in range(part.low, part.high)}
            assert not wanted & trained
            trained |= wanted
    assert trained == {(p, i) for p, count in enumerate(rows) for i in range(count)}
    fair = sum(rows) / sum(threads.values())
    for worker, parts in plan.items():
        load = sum(part.high - part.low for part in parts)
        assert load <= fair * threads[worker] * 1.1 + len(threads) + 1


@FEW
@given(ROWS, WORKERS, st.integers(0, 200), st.integers(1, 200))
def test_the_slices_of_a_round_are_cut_among_the_workers_without_loss(rows, threads, begin, size):
    whole = slices(begin, begin + size, rows)
    parts = cut(whole, assign(rows, [[]] * len(rows), threads))
    seen = sorted((one.partition, i) for mine in parts.values() for one in mine for i in range(one.start, one.stop))
    assert seen == [(one.partition, i) for one in whole for i in range(one.start, one.stop)]
    assert set(parts) <= set(threads)


def test_partitions_stay_with_the_worker_that_holds_them():
    plan = assign([10, 10, 10, 10], [["b"], ["a"], ["b"], ["a"]], {"a": 2, "b": 2})
    assert {w: sorted(part.partition for part in parts) for w, parts in plan.items()} == {"a": [1, 3], "b": [0, 2]}


def test_a_newcomer_gets_whole_partitions_from_the_fullest_worker():
    plan = assign([10, 10, 10, 10], [["a"]] * 4, {"a": 1, "new": 1})
    assert [sum(part.high - part.low for part in plan[w]) for w in ("a", "new")] == [20, 20]
    assert all((part.low, part.high) == (0, 10) for parts in plan.values() for part in parts)


def test_twice_the_threads_train_twice_the_rows_of_a_single_partition():
    plan = assign([90], [["a"]], {"a": 2, "b": 1})
    loads = {w: sum(part.high - part.low for part in parts) for w, parts in plan.items()}
    assert loads == {"a": 60, "b": 30}


def test_a_small_imbalance_moves_no_data():
    plan = assign([104, 96], [["a"], ["b"]], {"a": 1, "b": 1})
    assert [part.partition for part in plan["a"]] == [0]


@FEW
@given(ROWS, st.integers(0, 200), st.integers(0, 200), st.integers(1, 9))
def test_fixed_shares_depend_on_the_rows_alone_and_differ_by_one_sample_at_most(rows, begin, size, count):
    whole = slices(begin, begin + size, rows)
    shares = fixed_shares(whole, count)
    flat = [(one.partition, i) for share in shares for one in share for i in range(one.start, one.stop)]
    assert flat == [(one.partition, i) for one in whole for i in range(one.start, one.stop)]
    assert len(shares) == min(count, size)
    sizes = [samples_of(share) for share in shares]
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_fixed_shares_run_where_their_rows_are_when_that_is_fair():
    shares = [[Slice(p, 0, 10)] for p in range(4)]
    assert place_fixed(shares, [["b"], ["a"], ["b"], ["a"]], {"a": 1, "b": 1}) == ["b", "a", "b", "a"]
    assert place_fixed(shares, [["a"]] * 4, {"a": 1, "b": 1}) == ["a", "b", "a", "b"]
    assert place_fixed(shares, [[]] * 4, {"a": 3, "b": 1}).count("b") == 1


def test_a_share_is_cut_into_tasks_that_fit_the_memory_budget():
    share = [Slice(p, 0, 5) for p in range(5)]
    tasks = chain(share, [4, 4, 9, 1, 1], budget=8)
    assert [[one.partition for one in task] for task in tasks] == [[0, 1], [2], [3, 4]]
    assert chain(share, None, None) == [tuple(share)]


def test_the_number_of_reproducible_shares_knows_the_data_only():
    assert [reproducible_shares(n) for n in (0, 1, 3, 100)] == [1, 1, 3, 8]
