"""Which rows a round trains and who trains them: arithmetic on row counts, the same on any number of workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from frames.exceptions import H2OValueError

UNEVEN = 0.1  # a worker may carry this part more than its fair load before rows are moved away from their owner
REPRODUCIBLE_SHARES = 8


class Slice(NamedTuple):
    """Rows [start, stop) of the endless row order of one partition; pass number `start // rows of the partition`."""

    partition: int
    start: int
    stop: int

    @property
    def samples(self) -> int:
        """How many rows this slice trains."""
        return self.stop - self.start


class Part(NamedTuple):
    """A fixed part of every slice of a partition: the rows from `low / of` to `high / of` of it."""

    partition: int
    low: int
    high: int
    of: int


def samples_of(slices: Iterable[Slice]) -> int:
    """How many rows some slices train together."""
    return sum(one.samples for one in slices)


def shares_of_stream(samples: int, rows: Sequence[int]) -> list[int]:
    """How many of the first `samples` samples of the stream each partition has given.

    The partitions are halved again and again; the left half gives floor(samples * left / both). So the numbers add up
    to `samples` exactly, none ever falls as `samples` grows, k passes take k times the rows of every partition, and
    each number is within log2(partitions) of its proportional share.
    Example: `shares_of_stream(5, [2, 2]) == [2, 3]`
    """
    if samples and sum(rows) <= 0:
        raise H2OValueError(f"Training needs at least one row; got {sum(rows)} rows in {len(rows)} partitions.")
    return [samples] if len(rows) == 1 else _halve(samples, rows, _cumulated(rows), 0, len(rows))


def _cumulated(rows: Sequence[int]) -> list[int]:
    sums = [0]
    for count in rows:
        sums.append(sums[-1] + count)
    return sums


def _halve(samples: int, rows: Sequence[int], sums: list[int], first: int, last: int) -> list[int]:
    if last - first <= 1:
        return [samples] * (last - first)
    middle = (first + last) // 2
    total = sums[last] - sums[first]
    left = samples * (sums[middle] - sums[first]) // total if total else 0
    return _halve(left, rows, sums, first, middle) + _halve(samples - left, rows, sums, middle, last)


def slices(begin: int, end: int, rows: Sequence[int]) -> list[Slice]:
    """Return the slices that samples [begin, end) of the global stream take from partitions of so many `rows`.

    A slice may cross the end of a pass; empty ones are left out. Raises H2OValueError when end < begin or no rows.
    Example: `slices(0, 3, [2, 2]) == [Slice(0, 0, 1), Slice(1, 0, 2)]`
    """
    if not 0 <= begin <= end:
        raise H2OValueError(f"A round must run forward from a sample >= 0; got samples {begin} to {end}.")
    pairs = zip(shares_of_stream(begin, rows), shares_of_stream(end, rows), strict=True)
    return [Slice(number, start, stop) for number, (start, stop) in enumerate(pairs) if stop > start]


def assign(
    rows: Sequence[int], owners: Sequence[Iterable[str]], capacity: Mapping[str, float]
) -> dict[str, list[Part]]:
    """Which part of every partition each worker trains, so that loads are as its capacity (threads, or measured speed).

    `owners[p]` names the workers that hold the chunks of partition p. Partitions stay whole and with an owner as long
    as nobody carries more than a tenth above its fair load; partitions nobody holds go to the least loaded worker;
    what is too much moves on, a partition cut in two where it must be. Depends on nothing but its arguments.
    Example: `assign([10], [["a"]], {"a": 1, "b": 1}) == {"a": [Part(0, 0, 5, 10)], "b": [Part(0, 5, 10, 10)]}`
    """
    if not capacity:
        raise H2OValueError("Rows must be assigned to at least one worker; got none.")
    plan: dict[str, list[Part]] = {worker: [] for worker in sorted(capacity)}
    load = dict.fromkeys(plan, 0)
    held = [[worker for worker in sorted(set(names)) if worker in plan] for names in owners]
    # the choosiest partitions first, then the largest: the rest evens out what these leave
    order = sorted((p for p in range(len(rows)) if rows[p] > 0), key=lambda p: (not held[p], len(held[p]), -rows[p], p))
    for p in order:
        worker = min(held[p] or plan, key=lambda w: ((load[w] + rows[p]) / capacity[w], w))
        plan[worker].append(Part(p, 0, rows[p], rows[p]))
        load[worker] += rows[p]
    _even_out(plan, load, capacity, held)
    return plan


def _even_out(plan: dict[str, list[Part]], load: dict[str, int], capacity: Mapping[str, float], held: list) -> None:
    total, width = sum(load.values()), sum(capacity[worker] for worker in plan)
    fair = {worker: total * capacity[worker] / width for worker in plan}
    while True:
        giver = max(plan, key=lambda w: (load[w] - fair[w], w))
        taker = min(plan, key=lambda w: (load[w] - fair[w], w))
        spare = min(int(load[giver] - fair[giver]), int(fair[taker] - load[taker]))
        if spare < 1 or (load[giver] <= fair[giver] * (1 + UNEVEN) + 1 and load[taker] > 0):
            return  # nobody is left without rows, however slow it is
        part = _pick(plan[giver], spare, taker, held)
        given = min(spare, part.high - part.low)
        plan[giver].remove(part)
        if given < part.high - part.low:
            plan[giver].append(part._replace(high=part.high - given))
        plan[taker].append(part._replace(low=part.high - given))
        load[giver] -= given
        load[taker] += given


def _pick(parts: list[Part], spare: int, taker: str, held: list) -> Part:
    """Pick the part to give away: one the taker holds already, else the largest that fits, else the largest."""
    return max(
        parts,
        key=lambda part: (
            taker in held[part.partition],
            (part.high - part.low) <= spare,
            part.high - part.low,
            -part.partition,
        ),
    )


def rows_held(rows: Sequence[int], owners: Sequence[Iterable[str]]) -> Counter[str]:
    """Count the rows of all partitions that each worker holds.

    Example: `rows_held([5, 2], [["a"], ["a", "b"]])` is `Counter({"a": 7, "b": 2})`.
    """
    held: Counter[str] = Counter()
    for count, names in zip(rows, owners, strict=True):
        held.update(dict.fromkeys(names, count))
    return held


def owners_of(assignment: Mapping[str, Iterable[Part]], before: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Who holds each partition once the assignment is carried out: those who train it; nobody does: as `before`."""
    names: list[list[str]] = [[] for _ in before]
    for worker, parts in assignment.items():
        for part in parts:
            names[part.partition].append(worker)
    return [tuple(new) or old for new, old in zip(names, before, strict=True)]


def cut(round_slices: Iterable[Slice], assignment: Mapping[str, Iterable[Part]]) -> dict[str, list[Slice]]:
    """Cut a round's slices by worker, as the assignment says; every sample goes to exactly one worker."""
    by_partition = {one.partition: one for one in round_slices}
    result: dict[str, list[Slice]] = {}
    for worker, parts in assignment.items():
        mine = []
        for part in sorted(parts):
            whole = by_partition.get(part.partition)
            if whole is None:
                continue
            start = whole.start + whole.samples * part.low // part.of
            stop = whole.start + whole.samples * part.high // part.of
            if stop > start:
                mine.append(Slice(part.partition, start, stop))
        if mine:
            result[worker] = mine
    return result


def pieces_of(share: Sequence[Slice], count: int) -> list[list[Slice]]:
    """Cut a share in `count` pieces, each with its part of every slice; empty ones are left out.

    Example: `pieces_of([Slice(0, 0, 3)], 2)` is `[[Slice(0, 0, 1)], [Slice(0, 1, 3)]]`.
    """
    cuts = [
        [
            Slice(one.partition, one.start + one.samples * k // count, one.start + one.samples * (k + 1) // count)
            for one in share
        ]
        for k in range(count)
    ]
    return [piece for cut in cuts if (piece := [one for one in cut if one.samples])]


def fixed_shares(round_slices: Sequence[Slice], count: int) -> list[list[Slice]]:
    """Cut a round's slices in `count` shares of equal size, by rows alone: what `reproducible` trains.

    Shares that would be empty are left out. Example: `fixed_shares([Slice(0, 0, 3)], 2)` is
    `[[Slice(0, 0, 1)], [Slice(0, 1, 3)]]`.
    """
    if count < 1:
        raise H2OValueError(f"The number of fixed shares must be at least 1; got {count}.")
    total, shares = samples_of(round_slices), []
    for number in range(count):
        low, high = total * number // count, total * (number + 1) // count
        share, before = [], 0
        for one in round_slices:
            start, stop = max(low, before), min(high, before + one.samples)
            if stop > start:
                share.append(Slice(one.partition, one.start + start - before, one.start + stop - before))
            before += one.samples
        if share:
            shares.append(share)
    return shares


def place_fixed(
    shares: Sequence[Sequence[Slice]], owners: Sequence[Iterable[str]], threads: Mapping[str, int]
) -> list[str]:
    """Place each fixed share on a worker: evenly by samples per thread, among equals where most of it lies."""
    load = dict.fromkeys(sorted(threads), 0)
    chosen = []
    for share in shares:
        size = samples_of(share)
        local = {w: sum(one.samples for one in share if w in owners[one.partition]) for w in load}
        worker = min(load, key=lambda w: ((load[w] + size) / threads[w], -local[w], w))
        load[worker] += size
        chosen.append(worker)
    return chosen


def chain(share: Sequence[Slice], chunk_bytes: Sequence[int] | None, budget: int | None) -> list[tuple[Slice, ...]]:
    """Cut a share in consecutive tasks over chunks of at most `budget` bytes; one task without a budget.

    `chunk_bytes[p]` is what the chunks of partition p weigh. A partition that is heavier than the budget stands alone.
    """
    if budget is None or chunk_bytes is None:
        return [tuple(share)]
    tasks: list[list[Slice]] = []
    weight = 0
    for one in share:
        size = chunk_bytes[one.partition]
        if not tasks or weight + size > budget:
            tasks.append([])
            weight = 0
        tasks[-1].append(one)
        weight += size
    return [tuple(task) for task in tasks]


def reproducible_shares(parts: int) -> int:
    """How many fixed shares a reproducible round has: one per part of the data up to eight, whoever the workers are."""
    return max(1, min(parts, REPRODUCIBLE_SHARES))
