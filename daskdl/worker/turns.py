"""Jobs that train on one worker take turns of a fraction of a second, however long their rounds are.

As many shares train at once as the worker has threads, as if there were one job. Where there are more, the next turn is
that of the job that has had the least time. A share asks between windows of rows whether its turn is over, so what a
job has of a worker depends neither on its rounds nor on its network, and a share knows how long it waited for others.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

TURN = 0.1  # seconds after which a share lets others train, at its next window
CREDIT = 0.5  # seconds that a job may catch up of those in which it had nothing to train here
REMEMBERED = 10.0  # seconds for which a job counts that trained here: it averages, scores, or waits for other workers


class Turn:
    """The right of a share to train now. `waited` are the seconds that it had to wait for it so far."""

    def __init__(self, turns: Turns, job: str) -> None:
        self.turns, self.job = turns, job
        self.since = self.waited = self.told = 0.0
        self.born = next(turns.births)  # of shares of one job the one that began first trains first

    def pass_on(self) -> None:
        """Let other jobs train, and wait until it is this one's turn again, where its turn is over."""
        turns = self.turns
        if turns.clock() - self.since >= TURN and any(one.job != self.job for one in list(turns.waiting)):
            turns.give_back(self)
            turns.take(self)

    def waits(self) -> float:
        """Return the seconds waited since this was asked last."""
        waited, self.told = self.waited - self.told, self.waited
        return waited


@dataclass
class Turns:
    """Who trains now on a worker of so many `threads`, who waits, and how many seconds each job has `used`."""

    threads: int
    clock: Callable[[], float] = time.monotonic
    waiting: list[Turn] = field(default_factory=list)
    used: dict[str, float] = field(default_factory=dict)
    births: Iterator[int] = field(default_factory=itertools.count)
    _inside: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, float] = field(default_factory=dict)
    _least: float = 0.0  # seconds used by the job whose turn began last: a new one begins there
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def turn(self, job: str, leave: Callable[[], None]) -> Iterator[Turn]:
        """Train for a job inside this; `leave` is called first where other jobs train here, too."""
        turn = Turn(self, job)
        if self._enter(job):
            leave()
        try:
            self.take(turn)
            try:
                yield turn
            finally:
                self.give_back(turn)
        finally:
            with self._changed:
                self._inside[job] -= 1
                self._seen[job] = self.clock()

    def _enter(self, job: str) -> bool:
        """Note that a job trains here; True where another one does, or did a moment ago."""
        with self._changed:
            now = self.clock()
            for name, seen in list(self._seen.items()):
                if not self._inside[name] and now - seen > REMEMBERED:
                    del self._seen[name], self._inside[name], self.used[name]
            self.used[job] = max(self.used.get(job, 0.0), self._least - CREDIT)
            self._inside[job] += 1
            return len(self.used) > 1

    def take(self, turn: Turn) -> None:
        """Wait until a share may train."""
        with self._changed:
            began = self.clock()
            self.waiting.append(turn)
            while self.threads < 1 or min(self.waiting, key=lambda one: (self.used[one.job], one.born)) is not turn:
                self._changed.wait()
            self.waiting.remove(turn)
            self.threads -= 1
            self._least = max(self._least, self.used[turn.job])
            turn.since = self.clock()
            turn.waited += turn.since - began
            self._changed.notify_all()

    def give_back(self, turn: Turn) -> None:
        """Let the next one train."""
        with self._changed:
            self.used[turn.job] += self.clock() - turn.since
            self.threads += 1
            self._changed.notify_all()


ALONE = Turn(Turns(threads=1 << 30), "")  # of a share that nobody may ask to wait
