"""Where the columns of a frame lie: groups of chunks, places in them, and the view of both that a trainer needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from distributed import Future

from frames.chunk import Chunk
from frames.column import Type
from frames.session import client
from frames.summary import Summary

PEEKED_COLUMNS = 8
"""Short columns that a group keeps decoded in the client."""

PEEKED_ROWS = 50_000
"""A column of more rows is never kept decoded: its cells are fetched one by one."""


class Placement(NamedTuple):
    """What a trainer needs to read some columns of a frame where they lie.

    Example: ``fr.placement(["x", "y"])`` -> ``rows`` per partition, ``parts[p][g]`` the chunks partition p needs,
    ``where["x"]`` = (g, position inside chunk g).
    """

    rows: tuple[int, ...]
    parts: tuple[tuple[Future, ...], ...]
    where: dict[str, tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Group:
    """Columns that were packed together: one chunk (a future) per partition, and the names they were packed under.

    A group never changes; many frames may share it. Merged summaries are kept here, so that every frame that
    shows a column profits from the first look at it.
    """

    chunks: tuple[Future, ...]
    names: tuple[str, ...]
    _summaries: dict[int, Summary] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    _peeked: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def peeked(self, position: int, read: Callable[[], np.ndarray]) -> np.ndarray:
        """A short decoded column, kept for a while: scripts that read cell after cell wait for the first one only."""
        with self._lock:
            if position in self._peeked:
                return self._peeked[position]
        values = read()
        with self._lock:
            while len(self._peeked) >= PEEKED_COLUMNS:
                self._peeked.pop(next(iter(self._peeked)))
            self._peeked[position] = values
        return values

    def known(self, position: int) -> Summary | None:
        """The merged summary of one column, if somebody has asked for it before."""
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


def distinct_groups(places: Iterable[Place]) -> tuple[list[Group], list[tuple[int, int]]]:
    """The groups that some places need, each once, and (group index, position) of every place."""
    groups: list[Group] = []
    index: dict[int, int] = {}
    where = []
    for place in places:
        if id(place.group) not in index:
            index[id(place.group)] = len(groups)
            groups.append(place.group)
        where.append((index[id(place.group)], place.position))
    return groups, where


def _summaries_of(chunk: Chunk, positions: np.ndarray) -> list[Summary]:
    """A task: the summaries that travel with a chunk."""
    return [chunk.summaries[i] for i in positions]


def summaries_at(places: Sequence[Place]) -> list[Summary]:
    """Merged summaries of some columns: one tiny task per chunk not yet asked, and one gather for all."""
    wanted: dict[int, tuple[Group, dict[int, None]]] = {}
    for place in places:
        if place.group.known(place.position) is None:
            wanted.setdefault(id(place.group), (place.group, {}))[1][place.position] = None
    if wanted:
        cluster = client()
        # An array: lists of thousands would be searched for futures, entry by entry.
        requests = [
            [cluster.submit(_summaries_of, chunk, np.array([*positions]), pure=False) for chunk in group.chunks]
            for group, positions in wanted.values()
        ]
        gathered: Any = cluster.gather(requests)
        for (group, positions), answers in zip(wanted.values(), gathered, strict=True):
            merged = answers[0]
            for later in answers[1:]:
                merged = [a.merge(b) for a, b in zip(merged, later, strict=True)]
            group.remember(dict(zip(positions, merged, strict=True)))
    return [_padded(place.group.known(place.position), place) for place in places]  # type: ignore[arg-type]


def _padded(summary: Summary, place: Place) -> Summary:
    """Counts with one entry per level, also where levels were added to the domain after packing."""
    if summary.counts is None or place.levels is None or len(summary.counts) == place.levels:
        return summary
    counts = np.zeros(place.levels, np.int64)
    counts[: len(summary.counts)] = summary.counts[: place.levels]
    return summary._replace(counts=counts)
