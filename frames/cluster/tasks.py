"""Tasks on partitions: pure module-level functions from chunks to chunks, one task for each partition of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from distributed import Future

from frames.chunks.chunk import Chunk
from frames.chunks.column import Type
from frames.chunks.summary import MISSING_INTEGER, Summary
from frames.cluster.connection import Client
from frames.cluster.placement import Group, Place, client_at, distinct_groups
from frames.cluster.sending import resident, submit

Rows = slice | np.ndarray | Callable[[], np.ndarray] | None
"""Rows of one chunk: a range, row numbers, what makes these where they are needed, or all of them."""


def columns_at(where: Sequence[tuple[int, int]], chunks: Sequence[Chunk]) -> list[np.ndarray]:
    """Decode the columns at (chunk, position), every chunk once."""
    wanted: dict[int, list[int]] = {}
    for c, i in where:
        wanted.setdefault(c, []).append(i)
    decoded = {}
    for c, positions in wanted.items():
        decoded.update({(c, i): v for i, v in zip(positions, chunks[c].columns(positions), strict=True)})
    return [decoded[key] for key in where]


def as_float(values: np.ndarray) -> np.ndarray:
    """Return a number column as float64, missing = NaN (H2O computes in doubles)."""
    if values.dtype != np.int64:
        return values.astype(np.float64, copy=False)
    numbers = values.astype(np.float64)
    numbers[values == MISSING_INTEGER] = np.nan
    return numbers


def fits_long(summary: Summary) -> bool:
    """Whether all values lie where int64 lies."""
    return not (summary.minimum < -(2.0**63) or summary.maximum >= 2.0**63)


def absent(values: np.ndarray) -> np.ndarray:
    """Where a decoded column is missing, whatever its dtype."""
    if values.dtype == np.float64:
        return np.isnan(values)
    if values.dtype == object:
        return np.fromiter((v is None for v in values), bool, len(values))
    return values == (MISSING_INTEGER if values.dtype == np.int64 else -1)


def pack(columns: Sequence[np.ndarray], types: Sequence[Type], levels: Sequence[int | None]) -> Chunk:
    """`Chunk.pack`; a column of no rows is packed in the dtype of its type, whatever an empty computation gave."""
    if len(columns) and len(columns[0]) == 0:
        columns = [empty_values(type_) for type_ in types]
    return Chunk.pack(columns, types, levels)


def _derive(function, arguments, where, types, levels, *chunks) -> Chunk:
    columns = function(*columns_at(where, chunks), *arguments)
    return pack(columns, types, levels)


def _reduce(function, arguments, where, *chunks) -> Any:
    return function(*columns_at(where, chunks), *arguments)


def _per_partition(places: Sequence[Place], partitions: int) -> tuple[list[tuple[Future, ...]], Any, Client]:
    """Return the chunks of each partition, where the columns are in them, and the client of the cluster they are on."""
    groups, where = distinct_groups(places)
    client = client_at(places)
    return [tuple(group.chunks[p] for group in groups) for p in range(partitions)], resident(where, client), client


def _shared(arguments: Sequence[Any], client: Client) -> tuple[Any, ...]:
    return tuple(resident(one, client) for one in arguments)


def derive(
    places: Sequence[Place],
    rows: Sequence[int],
    function: Callable,
    types: Sequence[Type | None],
    domains: Sequence[tuple[str, ...] | None] | None = None,
    arguments: tuple = (),
    local: Sequence[tuple] | None = None,
) -> list[Place]:
    """Add columns of the same rows: `function(*columns, *local[p], *arguments)` -> list of arrays, per partition.

    `types` may hold None: a number whose kind is told by its values. Returns the places of the new columns, all in
    one new group. Nothing is waited for.
    """
    domains = domains or [None] * len(types)
    parts, where, client = _per_partition(places, len(rows))
    packed = tuple(t or "real" for t in types)
    levels = tuple(None if d is None else len(d) for d in domains)
    arguments = _shared(arguments, client)
    futures = []
    for p, chunks in enumerate(parts):
        own = arguments if local is None else (*local[p], *arguments)
        futures.append(submit(_derive, function, own, where, packed, levels, *chunks))
    group = Group(tuple(futures), tuple(f"C{i + 1}" for i in range(len(types))))
    return [Place(group, i, t, d) for i, (t, d) in enumerate(zip(types, domains, strict=True))]


class Step(NamedTuple):
    """One column to be computed: `function(*columns, *local[p], *arguments)` gives its array in a list."""

    places: tuple[Place, ...]
    function: Callable
    type: Type | None
    domain: tuple[str, ...] | None = None
    arguments: tuple = ()
    local: Sequence[tuple] | None = None


_BATCH_BYTES = 64 * 2**20  # decoded columns that one task may hold at a time


def batches(items: Sequence[Any], rows: Sequence[int]) -> list[Sequence[Any]]:
    """Columns in batches of at most 64 MiB decoded: a wide chunk is decoded a few times, not once per column."""
    size = max(1, _BATCH_BYTES // (8 * max([*rows, 1])))
    return [items[i : i + size] for i in range(0, len(items), size)]


def _carry_out(work, local, arguments, where, types, levels, *chunks) -> Chunk:
    columns = columns_at(where, chunks)
    made = [
        function(*[columns[i] for i in inputs], *local.get(n, ()), *arguments.get(n, ()))[0]
        for n, (function, inputs) in enumerate(work)
    ]
    return pack(made, types, levels)


def carry_out(items: Sequence[Step | Place], rows: Sequence[int]) -> list[Place]:
    """Compute many columns, in few tasks: places stay what they are, steps become places of new groups."""
    result = list(items)
    steps = [i for i, item in enumerate(items) if isinstance(item, Step)]
    for batch in batches(steps, rows):
        for i, place in zip(batch, _one_group([items[i] for i in batch], rows), strict=True):  # type: ignore[misc]
            result[i] = place
    return result  # type: ignore[return-value]


def _one_group(steps: Sequence[Step], rows: Sequence[int]) -> list[Place]:
    inputs: dict[tuple[int, int], int] = {}
    needed: list[Place] = []
    for place in (place for step in steps for place in step.places):
        if (id(place.group), place.position) not in inputs:
            inputs[id(place.group), place.position] = len(needed)
            needed.append(place)
    at = [tuple(inputs[id(place.group), place.position] for place in step.places) for step in steps]
    parts, where, client = _per_partition(needed, len(rows))
    types = tuple(step.type or "real" for step in steps)
    levels = tuple(None if step.domain is None else len(step.domain) for step in steps)
    types, levels = _shared((types, levels), client)
    work = resident([(step.function, i) for step, i in zip(steps, at, strict=True)], client)
    # Apart from the work: these may be futures already, which Dask would not find in what is sealed.
    arguments = {n: _shared(step.arguments, client) for n, step in enumerate(steps) if step.arguments}
    futures = []
    for p, chunks in enumerate(parts):
        local = {n: step.local[p] for n, step in enumerate(steps) if step.local is not None}
        futures.append(submit(_carry_out, work, local, arguments, where, types, levels, *chunks))
    group = Group(tuple(futures), tuple(f"C{i + 1}" for i in range(len(steps))))
    return [Place(group, i, step.type, step.domain) for i, step in enumerate(steps)]


def _reduce_each(function, arguments, where, *chunks) -> list[Any]:
    return [function(column, *arguments) for column in columns_at(where, chunks)]


def reduce_each(
    places: Sequence[Place], rows: Sequence[int], function: Callable, arguments: tuple = ()
) -> list[list[Future]]:
    """Per batch of columns one future per partition: `function(column, *arguments)` of every column, in a list."""
    result = []
    for batch in batches(places, rows):
        parts, where, client = _per_partition(batch, len(rows))
        shared = _shared(arguments, client)
        result.append([submit(_reduce_each, function, shared, where, *chunks) for chunks in parts])
    return result


def reduce(
    places: Sequence[Place],
    rows: Sequence[int],
    function: Callable,
    arguments: tuple = (),
    local: Sequence[tuple] | None = None,
) -> list[Future]:
    """One future per partition of `function(*columns, *local[p], *arguments)`: the half-way house of a reduction."""
    parts, where, client = _per_partition(places, len(rows))
    arguments = _shared(arguments, client)
    return [
        submit(_reduce, function, arguments if local is None else (*local[p], *arguments), where, *chunks)
        for p, chunks in enumerate(parts)
    ]


def chain(places: Sequence[Place], rows: Sequence[int], function: Callable, arguments: tuple = ()) -> list[Future]:
    """One future per partition of `function(*columns, before, *arguments)`, where `before` is the answer for the
    partition before it (None for the first)."""
    parts, where, _ = _per_partition(places, len(rows))
    made: list[Any] = [None]
    for chunks in parts:
        made.append(submit(_reduce, function, (made[-1], *arguments), where, *chunks))
    return made[1:]


def empty_values(type_: Type) -> np.ndarray:
    """Return what a column of no rows decodes to."""
    return np.empty(0, {"enum": np.int32, "string": object, "uuid": object}.get(type_, np.float64))


def concatenate(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Join decoded pieces of one column; whole numbers too large for doubles stay exact."""
    if len(pieces) == 1:
        return pieces[0]
    exact = [piece.dtype == np.int64 for piece in pieces]
    if any(exact) and not all(exact):
        if all(e or _is_whole(p) for p, e in zip(pieces, exact, strict=True)):
            return np.concatenate([_as_long(piece) for piece in pieces])
        return np.concatenate([as_float(piece) for piece in pieces])
    return np.concatenate(pieces)


def _is_whole(piece: np.ndarray) -> bool:
    present = piece[~np.isnan(piece)]
    return bool((np.abs(present) < 2.0**63).all()) and bool((present == np.trunc(present)).all())


def _as_long(piece: np.ndarray) -> np.ndarray:
    if piece.dtype == np.int64:
        return piece
    missing = np.isnan(piece)
    longs = np.where(missing, 0.0, piece).astype(np.int64)
    longs[missing] = MISSING_INTEGER
    return longs


def assemble(positions, types, levels, picks: Sequence[Rows], *chunks: Chunk) -> Chunk:
    """Run as a task: rows `picks[i]` of chunk i, one after the other, for the columns at `positions`."""
    pieces = []
    for chunk, pick in zip(chunks, picks, strict=True):
        decoded = chunk.columns(positions)
        own = pick() if callable(pick) else pick
        pieces.append(decoded if own is None else [values[own] for values in decoded])
    return pack([concatenate(column) for column in zip(*pieces, strict=True)], types, levels)


def joined(types, levels, *chunks: Chunk) -> Chunk:
    """Run as a task: the rows of some chunks, one after the other."""
    return assemble(range(len(types)), types, levels, [None] * len(chunks), *chunks)


def by_group(places: Sequence[Place]) -> list[tuple[Group, list[int]]]:
    """Group by group: which of `places` lie in it (indices into `places`)."""
    groups, where = distinct_groups(places)
    members: list[list[int]] = [[] for _ in groups]
    for i, (g, _) in enumerate(where):
        members[g].append(i)
    return list(zip(groups, members, strict=True))


def rebuild(places: Sequence[Place], build: Callable[[Group, Any, Any, Any], list[Future]]) -> list[Place]:
    """Make a new group for each group: `build(group, positions, types, levels)` gives its chunk futures."""
    result: list[Place | None] = [None] * len(places)
    for group, members in by_group(places):
        own = [places[i] for i in members]
        positions = [place.position for place in own]
        shared = [positions, tuple(p.packed_type for p in own), tuple(p.levels for p in own)]
        made = Group(tuple(build(group, *_shared(shared, client_at(own)))), tuple(group.names[i] for i in positions))
        for at, i in enumerate(members):
            result[i] = Place(made, at, places[i].type, places[i].domain)
    return result  # type: ignore[return-value]
