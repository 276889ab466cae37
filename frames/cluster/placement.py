"""Where the columns of a frame lie: groups of chunks, places in them, and the view of both that a trainer needs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from distributed import Future

from frames.chunks.chunk import Chunk
from frames.chunks.column import Type
from frames.chunks.summary import Summary
from frames.cluster.connection import Client
from frames.cluster.sending import client_of, gather, submit_all

PEEKED_COLUMNS = 8
"""Short columns of a larger group that it keeps decoded in the client."""

PEEKED_ROWS = 50_000
"""A column of more rows is never kept decoded: its cells are fetched one by one."""

PEEKED_CELLS = PEEKED_COLUMNS * PEEKED_ROWS
"""A group of no more cells, in few partitions, is read whole when a part of it is read: what follows waits no more."""

PEEKED_PARTITIONS = 8

LOOKED = "The summaries of columns"

FORESEEN = 5_000
"""Summaries that may be asked for along with the one that is wanted."""

FEW_LEVELS = 1_000
"""Summaries of columns of more levels are asked for one by one: their counts are long."""

LARGE = 2**28
"""Decoded bytes from which on summaries of new columns are asked for as the chunks are made."""


class Placement(NamedTuple):
    """What a trainer needs to read some columns of a frame where they lie.

    Example: ``fr.placement(["x", "y"])`` -> ``rows`` per partition, ``parts[p][g]`` the chunks partition p needs,
    ``where["x"]`` = (g, position inside chunk g).
    """

    rows: tuple[int, ...]
    parts: tuple[tuple[Future, ...], ...]
    where: dict[str, tuple[int, int]]

    @property
    def client(self) -> Client:
        """The client of the cluster that the chunks are on. Raises H2OJobError where it is closed."""
        return client_of(*(self.parts[0] if self.parts else ()))


@dataclass(frozen=True, eq=False)
class Group:
    """Columns that were packed together: one chunk (a future) per partition, and the names they were packed under.

    A group never changes; many frames may share it. Merged summaries are kept here, so that every frame that
    shows a column profits from the first look at it. `early` are summaries of each chunk that were asked for before
    anybody wanted them.
    """

    chunks: tuple[Future, ...]
    names: tuple[str, ...]
    _summaries: dict[int, Summary] = field(default_factory=dict, repr=False)
    early: list[Future] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    _peeked: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def __reduce__(self) -> tuple[type[Group], tuple]:
        return Group, (self.chunks, self.names, dict(self._summaries), list(self.early))  # a lock stays in its process

    def is_small(self, rows: Sequence[int]) -> bool:
        """Whether all columns, of these rows per partition, may be kept decoded in the client."""
        return len(rows) <= PEEKED_PARTITIONS and len(self.names) * sum(rows) <= PEEKED_CELLS

    def peeked(self, position: int) -> np.ndarray | None:
        """Return a decoded column, all partitions, if it is kept; not to be changed."""
        return self._peeked.get(position)

    def keep(self, columns: dict[int, np.ndarray], most: int = PEEKED_COLUMNS) -> None:
        """Keep decoded columns, `most` at a time: scripts that read cell after cell wait for the first one only."""
        with self._lock:
            self._peeked.update(columns)
            while len(self._peeked) > most:
                self._peeked.pop(next(iter(self._peeked)))

    def known(self, position: int) -> Summary | None:
        """Return the merged summary of one column, if somebody has asked for it before."""
        return self._summaries.get(position)

    def remember(self, summaries: dict[int, Summary]) -> None:
        """Keep merged summaries, position by position."""
        with self._lock:
            self._summaries.update(summaries)


class Place(NamedTuple):
    """One column of a frame: its group, its position there, its type and (enum only) its domain.

    The type is None for a number whose kind, int or real, is told by its values: nobody has looked yet.
    """

    group: Group
    position: int
    type: Type | None
    domain: tuple[str, ...] | None = None

    @property
    def packed_type(self) -> Type:
        """The type to hand to `Chunk.pack`: a number of unknown kind travels as real."""
        return self.type or "real"

    @property
    def levels(self) -> int | None:
        """Size of the domain, None unless enum."""
        return None if self.domain is None else len(self.domain)

    @property
    def is_number(self) -> bool:
        """True for int, real and numbers of unknown kind."""
        return self.type in (None, "int", "real")


def client_at(places: Sequence[Place]) -> Client:
    """Return the client of the cluster that some columns are on; without columns that of the cluster in use.

    Raises H2OJobError where it is closed.
    """
    return client_of(*(place.group.chunks[0] for place in places[:1]))


def distinct_groups(places: Iterable[Place]) -> tuple[list[Group], list[tuple[int, int]]]:
    """Return the groups that some places need, each once, and (group index, position) of every place."""
    groups: list[Group] = []
    index: dict[int, int] = {}
    where = []
    for place in places:
        if id(place.group) not in index:
            index[id(place.group)] = len(groups)
            groups.append(place.group)
        where.append((index[id(place.group)], place.position))
    return groups, where


def _summaries_of(chunk: Chunk, positions: np.ndarray | None, foresee: bool) -> dict[int, Summary]:
    """Run as a task: the summaries that travel with a chunk, at some positions (None: all), and short ones besides."""
    summaries = chunk.summaries
    wanted = range(len(summaries)) if positions is None else positions
    besides = range(len(summaries)) if foresee else ()
    short = [i for i in besides if (counts := summaries[i].counts) is None or len(counts) <= FEW_LEVELS]
    return {i: summaries[i] for i in (*wanted, *short)}


def summaries_at(places: Sequence[Place]) -> list[Summary]:
    """Return merged summaries of some columns: one tiny task per chunk not yet asked, and one gather for all.

    A group of few columns and partitions is asked for all its columns at once: scripts that look at column after column
    wait for the first one only.
    """
    groups = {id(place.group): place.group for place in places if place.group.known(place.position) is None}
    early = [(group, asked) for group in groups.values() if (asked := list(group.early))]
    if early:
        for (group, _), answers in zip(early, gather([asked for _, asked in early], LOOKED), strict=True):
            group.remember(_merged(answers))
            group.early.clear()
    wanted: dict[int, tuple[Group, set[int]]] = {}
    for place in places:
        if place.group.known(place.position) is None:
            wanted.setdefault(id(place.group), (place.group, set()))[1].add(place.position)
    if wanted:
        requests = []
        for group, positions in wanted.values():
            width, foresee = len(group.names), len(group.names) * len(group.chunks) <= FORESEEN
            # An array: lists of thousands would be searched for futures, entry by entry.
            asked = None if len(positions) == width else np.array(sorted(positions))
            requests.append(submit_all(_summaries_of, group.chunks, asked, foresee))
        for (group, _), answers in zip(wanted.values(), gather(requests, LOOKED), strict=True):
            group.remember(_merged(answers))
    return [_padded(place.group.known(place.position), place) for place in places]  # type: ignore[arg-type]


def ask_early(places: Sequence[Place], rows: int) -> None:
    """Ask for the short summaries of columns that are being made, where they are large: before they go to disk.

    To look at a chunk that was spilled, Dask reads all of it, and another one has to make room.
    """
    if 8 * rows * len(places) < LARGE:
        return
    for group in distinct_groups(places)[0]:
        group.early.extend(submit_all(_summaries_of, group.chunks, np.array([], np.int64), True, priority=1))


def _merged(answers: Sequence[dict[int, Summary]]) -> dict[int, Summary]:
    """Merge summaries of the chunks of a group, of the columns that all of them tell of."""
    merged = answers[0]
    for later in answers[1:]:
        merged = {i: one.merge(later[i]) for i, one in merged.items() if i in later}
    return merged


def _padded(summary: Summary, place: Place) -> Summary:
    """Return counts with one entry per level, also where levels were added to the domain after packing."""
    if summary.counts is None or place.levels is None or len(summary.counts) == place.levels:
        return summary
    counts = np.zeros(place.levels, np.int64)
    counts[: len(summary.counts)] = summary.counts[: place.levels]
    return summary._replace(counts=counts)
