"""Rows of a frame picked, cut anew, put in another order or stacked; every step is a task on chunks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from distributed import Future

from frames.chunks.chunk import Chunk
from frames.chunks.column import TEXTS
from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.placement import PEEKED_COLUMNS, Group, Place, ask_early, client_at, distinct_groups
from frames.cluster.sending import gather, key_of, resident, submit
from frames.cluster.tasks import (
    Rows,
    absent,
    assemble,
    columns_at,
    concatenate,
    empty_values,
    joined,
    pack,
    rebuild,
    reduce,
)


def starts(rows: Sequence[int]) -> list[int]:
    """First row number of every partition."""
    return [0, *accumulate(rows)][:-1]


JOINED_BYTES = 8 * 2**20
"""Partitions that a selection has left thinner than this (decoded) are joined; thicker ones keep workers busy."""


class Cut(NamedTuple):
    """One output partition: from which source partitions, which of their rows."""

    parts: list[int]
    picks: list
    rows: int


def pick(
    places: Sequence[Place], rows: Sequence[int], picks: Sequence[Rows | Future], counts: Sequence[int]
) -> tuple[list[Place], tuple[int, ...]]:
    """Keep rows `picks[p]` of every partition p (counts[p] of them); thin neighbours are joined to one partition."""
    return deal(places, rows, [picks], [counts])[0]


def deal(
    places: Sequence[Place],
    rows: Sequence[int],
    picks: Sequence[Sequence[Rows | Future]],
    counts: Sequence[Sequence[int]],
) -> list[tuple[list[Place], tuple[int, ...]]]:
    """Several selections at once, each as `pick` gives it: a partition is looked at for all of them in turn."""
    capacity = min(max([*rows, 1]), max(1000, _joined_rows(places)))
    several = [_join_thin(own, many, capacity) for own, many in zip(picks, counts, strict=True)]
    return list(zip(_cut_each(places, rows, several), [tuple(c.rows for c in cuts) for cuts in several], strict=True))


def _joined_rows(places: Sequence[Place]) -> int:
    """Return how many rows of these columns may be brought together to be joined."""
    return JOINED_BYTES // (8 * max(len(places), 1))


def _join_thin(picks: Sequence, counts: Sequence[int], capacity: int, fan_in: int = 8) -> list[Cut]:
    """Join neighbours while they hold no more rows than the fullest source partition, eight at most at a time."""
    cuts: list[Cut] = []
    for p, (chosen, count) in enumerate(zip(picks, counts, strict=True)):
        if count == 0:
            continue
        last = cuts[-1] if cuts else None
        if last and last.rows + count <= capacity and len(last.parts) < fan_in:
            cuts[-1] = Cut([*last.parts, p], [*last.picks, chosen], last.rows + count)
        else:
            cuts.append(Cut([p], [chosen], count))
    return cuts or [Cut([0], [slice(0, 0)], 0)]


def _cut_each(places: Sequence[Place], rows: Sequence[int], several: Sequence[Sequence[Cut]]) -> list[list[Place]]:
    """Build the output partitions of several lists of cuts, in the order of the partitions that they are cut from.

    Where whole source partitions are large, what is joined is cut out where each of them lies: rows that are left
    behind are neither sent nor held.
    """
    cuts = [c for own in several for c in own]
    in_steps = [len(c.parts) > 1 and sum(rows[p] for p in c.parts) > _joined_rows(places) for c in cuts]
    jobs = sorted(
        (p, i, at) for i, c in enumerate(cuts) for at, p in enumerate(c.parts if in_steps[i] else c.parts[:1])
    )

    def build(group, positions, types, levels):
        pieces: list[list[Future]] = [[] for _ in cuts]
        for p, i, at in jobs:
            c = cuts[i]
            picks, parts = ([c.picks[at]], [p]) if in_steps[i] else (list(c.picks), c.parts)
            pieces[i].append(submit(assemble, positions, types, levels, picks, *[group.chunks[q] for q in parts]))
        return [submit(joined, types, levels, *own) if len(own) > 1 else own[0] for own in pieces]

    ends = list(accumulate(map(len, several)))
    whole = rebuild(places, build)
    made = [_some_chunks(whole, end - len(own), end) for own, end in zip(several, ends, strict=True)]
    for own, found in zip(several, made, strict=True):
        ask_early(found, sum(c.rows for c in own))
    return made


def _some_chunks(places: Sequence[Place], start: int, stop: int) -> list[Place]:
    """Return the same columns of some of the partitions."""
    groups = {id(place.group): place.group for place in places}
    fewer = {name: Group(group.chunks[start:stop], group.names) for name, group in groups.items()}
    return [place._replace(group=fewer[id(place.group)]) for place in places]


def recut(places: Sequence[Place], rows: Sequence[int], wanted: Sequence[int]) -> list[Place]:
    """Return the same rows in other partitions: those of the frame to be bound to."""
    if tuple(rows) == tuple(wanted):
        return list(places)
    first = starts(rows)
    cuts = []
    for begin, length in zip(starts(wanted), wanted, strict=True):
        parts, picks = [], []
        for p, (own, size) in enumerate(zip(first, rows, strict=True)):
            low, high = max(begin, own), min(begin + length, own + size)
            if low < high:
                parts.append(p)
                picks.append(slice(low - own, high - own))
        cuts.append(Cut(parts or [0], picks or [slice(0, 0)], length))
    return _cut_each(places, rows, [cuts])[0]


def pick_slice(
    places: Sequence[Place], rows: Sequence[int], start: int, stop: int, step: int
) -> tuple[list[Place], tuple[int, ...]]:
    """Rows start, start + step, ... before stop (step > 0)."""
    picks, counts = [], []
    for first, size in zip(starts(rows), rows, strict=True):
        low = start - first if start >= first else (start - first) % step
        high = min(stop - first, size)
        chosen = range(low, max(high, low), step)
        picks.append(slice(chosen.start, chosen.stop, step))
        counts.append(len(chosen))
    return pick(places, rows, picks, counts)


def pick_numbers(
    places: Sequence[Place], rows: Sequence[int], numbers: np.ndarray
) -> tuple[list[Place], tuple[int, ...]]:
    """Rows by number, in the order given, also more than once."""
    client = client_at(places)
    if len(numbers) == 0 or bool((np.diff(numbers) >= 0).all()):
        bounds = np.searchsorted(numbers, [*starts(rows), sum(rows)])
        picks = [numbers[a:b] - s for a, b, s in zip(bounds[:-1], bounds[1:], starts(rows), strict=True)]
        return pick(places, rows, [resident(p, client) for p in picks], [len(p) for p in picks])
    shared = resident(numbers, client)  # may be no future
    order = client.submit(np.asarray, shared, key=key_of(np.asarray), pure=False)
    return permute(places, rows, order, spread(len(numbers), max([*rows, 1])))


def spread(total: int, capacity: int) -> tuple[int, ...]:
    """Rows of the partitions when `total` rows are laid out with at most `capacity` each, evenly."""
    parts = max(1, -(-total // max(capacity, 1)))
    return tuple(total * (p + 1) // parts - total * p // parts for p in range(parts))


def kept(mask: np.ndarray) -> np.ndarray:
    """Row numbers where a mask is true; missing counts as false."""
    return np.flatnonzero((mask != 0) & ~absent(mask))


def pick_mask(
    places: Sequence[Place], rows: Sequence[int], mask: Place, keep=kept
) -> tuple[list[Place], tuple[int, ...]]:
    """Rows where the mask column is true."""
    return pick_where(places, rows, reduce([mask], rows, keep))


def pick_where(
    places: Sequence[Place], rows: Sequence[int], chosen: Sequence[Future]
) -> tuple[list[Place], tuple[int, ...]]:
    """Rows whose numbers inside their partition are futures; only the counts come to the client."""
    counts = gather([submit(len, future) for future in chosen])
    return pick(places, rows, chosen, counts)


# ---- any order ---------------------------------------------------------------------------------------------------
def permute(
    places: Sequence[Place], rows: Sequence[int], order: Future, wanted: Sequence[int]
) -> tuple[list[Place], tuple[int, ...]]:
    """Row `order[i]` of the source becomes row i; -1 gives a row of missing values.

    `order` (int64) stays on the workers. Every source partition is split into one piece per output partition and
    every output partition is put together from its pieces: no task holds more than one partition and its pieces.
    """
    bounds = [*starts(wanted), sum(wanted)]
    first = starts(rows)

    def build(group, positions, types, levels):
        pieces = [
            submit(_scatter, positions, types, levels, first[p], rows[p], bounds, order, chunk)
            for p, chunk in enumerate(group.chunks)
        ]
        return [
            submit(
                _arrange, types, levels, bounds[q], bounds[q + 1], first, order, *[submit(_item, s, q) for s in pieces]
            )
            for q in range(len(wanted))
        ]

    return rebuild(places, build), tuple(wanted)


def _scatter(positions, types, levels, first, rows, bounds, order, chunk) -> list[Chunk]:
    """One piece per output partition: the rows of this chunk that go there, in their order there."""
    columns = chunk.columns(positions)
    pieces = []
    for low, high in pairwise(bounds):
        local = order[low:high] - first
        local = local[(local >= 0) & (local < rows) & (order[low:high] >= 0)]
        pieces.append(pack([column[local] for column in columns], types, levels))
    return pieces


def _item(pieces: list[Chunk], q: int) -> Chunk:
    return pieces[q]


def _arrange(types, levels, low, high, first, order, *pieces) -> Chunk:
    """Lay the rows of the pieces (source partition by source partition) at their places in the output."""
    wanted = order[low:high]
    source = np.searchsorted(first, wanted, side="right") - 1
    present = np.flatnonzero(wanted >= 0)
    target = present[np.argsort(source[present], kind="stable")]
    stacked = [concatenate(column) for column in zip(*[piece.columns() for piece in pieces], strict=True)]
    columns = [place_at(v, target, len(wanted), type_) for v, type_ in zip(stacked, types, strict=True)]
    return pack(columns, types, levels)


def place_at(values: np.ndarray, target: np.ndarray, length: int, type_: str) -> np.ndarray:
    """Return an array of `length` with `values` at `target` and missing elsewhere."""
    if len(target) == length:
        result = np.empty(length, values.dtype)
    elif type_ == "enum":
        result = np.full(length, -1, np.int32)
    elif type_ in ("string", "uuid"):
        result = np.full(length, None, object)
    elif values.dtype == np.int64:
        result = np.full(length, MISSING_INTEGER)
    else:
        result = np.full(length, np.nan)
    result[target] = values
    return result


# ---- stacking ----------------------------------------------------------------------------------------------------
def recode(codes: np.ndarray, mapping: np.ndarray) -> list[np.ndarray]:
    """Enum codes in another domain: `mapping[old] = new`; missing stays missing."""
    padded = np.append(np.asarray(mapping, np.int32), np.int32(-1))
    return [padded[codes]]


# ---- rows brought here -------------------------------------------------------------------------------------------
def _cells(where, low, high, *chunks) -> list[np.ndarray]:
    return [column[low:high] for column in columns_at(where, chunks)]


def fetch(places: Sequence[Place], rows: Sequence[int], start: int = 0, stop: int | None = None) -> list[np.ndarray]:
    """Return decoded columns of the rows start..stop, in the client; only the partitions concerned are touched."""
    stop = sum(rows) if stop is None else min(stop, sum(rows))
    groups, where = distinct_groups(places)
    if all(group.is_small(rows) for group in groups):
        return [column[start:stop].copy() for column in peek(places, rows)]
    where = resident(where, client_at(places))
    futures = []
    for p, (first, size) in enumerate(zip(starts(rows), rows, strict=True)):
        low, high = max(start - first, 0), min(stop - first, size)
        if low < high:
            futures.append(submit(_cells, where, low, high, *[group.chunks[p] for group in groups]))
    pieces = gather(futures, "Reading rows")
    if not pieces:
        return [empty_values(place.packed_type) for place in places]
    return [concatenate([piece[i] for piece in pieces]) for i in range(len(places))]


def _decoded(positions: Sequence[int], more: bool, chunk: Chunk) -> dict[int, np.ndarray]:
    """Run as a task: columns of a chunk; with `more` all but texts besides, whose size nobody knows."""
    others = [i for i, type_ in enumerate(chunk.types) if more and type_ not in TEXTS and i not in positions]
    chosen = [*positions, *others]
    return dict(zip(chosen, chunk.columns(chosen), strict=True))


def peek(places: Sequence[Place], rows: Sequence[int]) -> list[np.ndarray]:
    """Short decoded columns, whole, which their groups keep for the next look; not to be changed.

    A small group is read as a whole: scripts that go through a table cell by cell wait for the first one only.
    """
    found = {(id(place.group), place.position): place.group.peeked(place.position) for place in places}
    wanted: dict[int, tuple[Group, set[int]]] = {}
    for place in places:
        if found[id(place.group), place.position] is None:
            wanted.setdefault(id(place.group), (place.group, set()))[1].add(place.position)
    requests = [
        [submit(_decoded, sorted(positions), group.is_small(rows), chunk) for chunk in group.chunks]
        for group, positions in wanted.values()
    ]
    for (group, positions), pieces in zip(wanted.values(), gather(requests, "Reading columns"), strict=True):
        columns = {i: concatenate([piece[i] for piece in pieces]) for i in pieces[0]}
        group.keep(columns, len(group.names) if group.is_small(rows) else PEEKED_COLUMNS)
        found.update({(id(group), i): columns[i] for i in positions})
    return [found[id(place.group), place.position] for place in places]  # type: ignore[misc]
