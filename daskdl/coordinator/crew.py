"""The crew of a job: its workers, how fast each trains, who holds which rows, and who trains which."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from daskdl.coordinator.slices import (
    Part,
    Slice,
    assign,
    cut,
    fixed_shares,
    owners_of,
    pieces_of,
    place_fixed,
    rows_held,
    samples_of,
)

FOLLOWED = 1.15  # a worker whose speed differs from what its rows were given for by more than this is given others
FOLLOWED_DEAR = 1.4  # the same where rows are dear to move: others must lay them out anew
FRESH = 0.5  # weight of the newest speed of a worker in its mean
SLOWEST = 1 / 16  # of the others' speed: what a worker is given rows for at least
MOST_OWED = 2.0  # shares' worth of samples that a worker may owe; what is more goes to others


class Owed(NamedTuple):
    """Samples that a round left out because their worker took too long; it trains them in a later round."""

    worker: str
    slices: tuple[Slice, ...]

    @property
    def samples(self) -> int:
        """How many samples are owed."""
        return samples_of(self.slices)


@dataclass
class Crew:
    """The living workers with their `threads`, the `owners` of each partition's chunks, and who trains which rows.

    `pace` is the mean of what each worker trained per thread and second of late, `factor` how fast it is taken to be
    beside the others. The `assignment` is made anew only after somebody came or left, or trains at another speed than
    its rows were given for, so that chunks stay where they are. Where rows are `dear` to move differences of speed must
    be larger, and what a worker owes stays with it. A job that does not need all workers yet begins at its `home`.
    """

    threads: dict[str, int] = field(default_factory=dict)
    owners: list[tuple[str, ...]] = field(default_factory=list)
    assignment: dict[str, list[Part]] | None = None
    pace: dict[str, float] = field(default_factory=dict)
    factor: dict[str, float] = field(default_factory=dict)
    dear: bool = False
    home: str | None = None

    def copy(self) -> Crew:
        """Return a crew that shares nothing that changes with this one."""
        return replace(
            self,
            threads=dict(self.threads),
            owners=list(self.owners),
            pace=dict(self.pace),
            factor=dict(self.factor),
        )

    def join(self, worker: str, threads: int) -> bool:
        """Take in a worker that is there; True when it is new."""
        new = worker not in self.threads
        if new or self.threads[worker] != threads:
            self.assignment = None
        self.threads[worker] = threads
        return new

    def lose(self, worker: str) -> bool:
        """Forget a worker that is gone; False when it was not known."""
        if self.threads.pop(worker, None) is None:
            return False
        self.owners = [tuple(one for one in names if one != worker) for names in self.owners]
        self.assignment = None
        self.pace.pop(worker, None)
        self.factor.pop(worker, None)
        return True

    def learn(self, worker: str, samples: int, seconds: float) -> None:
        """Take note of the samples that a worker trained in a round, and of its seconds for them."""
        if samples > 0 and seconds > 0 and worker in self.threads:
            newest = samples / seconds / self.threads[worker]
            before = self.pace.get(worker, newest)
            self.pace[worker] = FRESH * newest + (1 - FRESH) * before

    def capacity(self) -> dict[str, float]:
        """Return what rows are given by: threads, times the speed of a thread beside those of the other workers."""
        if len(self.pace) <= 1 and not self.factor:  # nobody to be compared with, which is so in most rounds
            return {worker: float(threads) for worker, threads in self.threads.items()}
        usual = statistics.median(self.pace.values()) if self.pace else 0.0
        followed = math.log(FOLLOWED_DEAR if self.dear else FOLLOWED)
        for worker, pace in self.pace.items():
            found, taken = max(SLOWEST, pace / usual), self.factor.get(worker, 1.0)
            if abs(math.log(found / taken)) > followed:
                self.factor[worker], self.assignment = found, None
        return {worker: threads * self.factor.get(worker, 1.0) for worker, threads in self.threads.items()}

    def divide(
        self, whole: list[Slice], rows: Sequence[int], fixed: int | None, most: int | None = None
    ) -> list[tuple[str, list[Slice]]]:
        """Cut a round's slices in (worker, slices) shares.

        `fixed` many shares whoever is there, or one per worker, for at most so many workers.
        """
        if fixed:
            lists = fixed_shares(whole, fixed)
            return list(zip(place_fixed(lists, self.owners, self.threads), lists, strict=True))
        capacity = self.capacity()
        chosen = {worker: capacity[worker] for worker in self._chosen(rows, most)}
        if self.assignment is None or set(self.assignment) != set(chosen):
            self.assignment = assign(rows, self.owners, chosen)
            if len(chosen) == len(self.threads):  # others, who come later, do best with what they hold already
                self.owners = owners_of(self.assignment, self.owners)
        return list(cut(whole, self.assignment).items())

    def deal(
        self, given: Sequence[tuple[str, list[Slice]]], owed: Sequence[Owed], count: int
    ) -> list[tuple[str, list[Slice]]]:
        """Cut shares in `count` pieces each, and add what is owed from earlier rounds: (worker, slices) pairs.

        The pieces of a worker stand in the order in which it trains them, what it owes first. What is too much for it,
        or owed by one that is gone, goes to those with the least to do; so does all that is owed if `given` is empty.
        Where rows are dear to move only what is owed by one that is gone does.
        """
        if count == 1 and not owed:
            return list(given)
        capacity, load = self.capacity(), dict.fromkeys(sorted(self.threads), 0)
        for worker, slices in given:
            load[worker] += samples_of(slices)
        kept: list[tuple[str, list[Slice]]] = []
        loose: list[list[Slice]] = []
        room = {worker: MOST_OWED * samples for worker, samples in load.items()}
        for one in owed:
            size = one.samples
            if one.worker in load and (self.dear or room[one.worker] >= size):
                room[one.worker] -= size
                load[one.worker] += size
                kept.append((one.worker, list(one.slices)))
            else:
                loose += pieces_of(one.slices, 1 if given else len(load))
        for piece in loose:
            worker = min(load, key=lambda name: (load[name] / capacity[name], name))
            load[worker] += samples_of(piece)
            kept.append((worker, piece))
        return kept + [(worker, piece) for worker, slices in given for piece in pieces_of(slices, count)]

    def _chosen(self, rows: Sequence[int], most: int | None) -> Iterable[str]:
        """Return at most so many workers: who trains already first, then the home, then who holds most rows."""
        if most is None or most >= len(self.threads):
            return self.threads
        held, training = rows_held(rows, self.owners), self.assignment or ()
        order = sorted(self.threads, key=lambda name: (name not in training, name != self.home, -held[name], name))
        return order[:most]
