"""Several rounds in one task: a job that one worker trains, for now, is decided and carried out there.

Between the rounds of such a job nothing has to be averaged, so there is no reason to ask anybody. The coordinator
itself is lent to the task: it decides there what it would decide in the client, from the same events, and goes back
after a fraction of a second, when a checkpoint is to be written, when others are to train too, or when the job is over.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from daskdl import metrics
from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.observer import Observer
from daskdl.model.status_table import broken
from daskdl.scoring import partitions
from daskdl.scoring.partitions import Scorer
from daskdl.worker import tasks
from daskdl.worker.standing import Standing
from daskdl.worker.threads import Gear
from daskdl.worker.trainer import Delta
from daskdl.worker.turns import ALONE, Turn

LENT = 0.2  # seconds after which no further round begins in the same task
QUICK = 2e8  # rows times weights of a scoring that is done by the way (some tenths of a second at most)

Chunks = Sequence[Sequence[Any]]


class ShareError(Exception):
    """Training itself failed; the one argument is the error."""


@dataclass(frozen=True)
class Reading:
    """How the chunks of a frame are read for scoring; `data` is train or valid."""

    data: str
    adaptation: Any
    where: tasks.Where
    sample: tasks.Sample
    description: str = ""


@dataclass(frozen=True)
class Duties:
    """What stays the same for a whole job; the weights of `scorer` are not used."""

    job: tasks.Job
    scorer: Scorer
    train: Reading
    valid: Reading | None = None


@dataclass(frozen=True)
class Loan:
    """A coordinator, what it has asked for and nobody has done, and who counts what it does.

    `now` is the client's time (seconds since 1970).
    """

    machine: Coordinator
    orders: tuple[messages.Instruction, ...]
    now: float
    observer: Observer


@dataclass(frozen=True)
class Returned:
    """A coordinator that comes back: `orders` are left to be carried out, `events` to be handled; `log` was said.

    `deltas` are shares of the open round that are trained and not averaged, by their numbers.
    """

    machine: Coordinator
    orders: tuple[messages.Instruction, ...]
    events: tuple[messages.Event, ...]
    standing: Standing
    deltas: dict[int, Delta]
    log: tuple[messages.Log, ...]
    observer: Observer


def train_alone(
    duties: Duties, loan: Loan, standing: Standing, train: Chunks, valid: Chunks | None = None, turn: Turn = ALONE
) -> Returned:
    """Carry a job on for a while. Arguments are not changed. Raises ShareError where training fails."""
    alone = Alone(duties, loan, standing, train, valid)
    alone.turn = turn
    return alone.run()


class Alone:
    """A job inside one task."""

    def __init__(self, duties: Duties, loan: Loan, standing: Standing, train: Chunks, valid: Chunks | None) -> None:
        self.duties, self.train, self.valid = duties, train, valid
        self.machine, self.standing = loan.machine.copy(), replace(standing)
        self.observer = loan.observer.copy(loan.machine, self.machine)
        self.orders, self.events = deque(loan.orders), deque()
        self.log: list[messages.Log] = []
        self.deltas: dict[int, Delta] = {}
        self.gear, self.turn = Gear(), ALONE
        self.fresh = True  # nothing is trained or scored yet that could be lost
        self.began, self.clock = time.monotonic(), loan.now
        self.limit = self.now + self.machine.watch.left_at(self.now)
        self.first = self.machine.round.number if self.machine.round else None

    @property
    def now(self) -> float:
        """The client's time."""
        return self.clock + time.monotonic() - self.began

    @property
    def recalled(self) -> bool:
        """True when the client wants the coordinator back."""
        return tasks.is_stopped(self.duties.job.key, tasks.EVERY)

    def run(self) -> Returned:
        """Handle events and carry out instructions until one of them is not for this place."""
        while True:
            while self.orders:
                if not self._is_mine(self.orders[0]):
                    return self._returned()
                order = self.orders.popleft()
                CARRIERS[type(order)](self, order)
            if self.recalled:
                return self._returned()
            self._handle(self.events.popleft())

    def _handle(self, event: messages.Event) -> None:
        orders = self.machine.handle(event, self.now)
        self.observer.see(event, orders, self.machine, self.machine.watch.now)
        self.orders.extend(orders)

    def _returned(self) -> Returned:
        return Returned(
            machine=self.machine,
            orders=tuple(self.orders),
            events=tuple(self.events),
            standing=self.standing,
            deltas=self.deltas,
            log=tuple(self.log),
            observer=self.observer,
        )

    def _is_mine(self, order: messages.Instruction) -> bool:
        """Tell whether an order is carried out in this task: a scoring that may take long has one of its own."""
        if isinstance(order, messages.Score):
            return self.fresh or self._rows * self.standing.state.weights.size <= QUICK
        begins = isinstance(order, messages.TrainShare) and not self.deltas and order.round != self.first
        if begins and (time.monotonic() - self.began > LENT or self._takes_several):
            return False
        return type(order) in CARRIERS

    @property
    def _takes_several(self) -> bool:
        """Whether the next round is shared; one that another worker should train alone is trained here as well."""
        return len({one.worker for one in self.orders if isinstance(one, messages.TrainShare)}) > 1

    @property
    def _rows(self) -> int:
        return sum(chunks[0].rows for chunks in (*self.train, *(self.valid or ())))

    # ---- carrying out ------------------------------------------------------------------------------------------
    def _stopped(self) -> bool:
        return self.recalled or self.now >= self.limit

    def _train(self, order: messages.TrainShare) -> None:
        self.fresh = False
        timing = tasks.Timing(order.round, self.machine.progress.position, order.pace)
        before: Any = self.standing.state if order.after is None else self.deltas[order.after]
        earlier = (0, 0.0, 0.0) if order.after is None else before[1:]
        try:
            for slices in order.tasks:
                chunks = [self.train[one.partition] for one in slices]
                before = tasks.train_slices(
                    self.duties.job,
                    before,
                    slices,
                    chunks,
                    threads=order.threads,
                    timing=timing,
                    stopped=self._stopped,
                    gear=self.gear,
                    turn=self.turn,
                )
        except Exception as cause:
            raise ShareError(cause) from cause
        if self.now >= self.limit:
            self.events.append(messages.Tick())  # the share may be cut short: the coordinator must know why
        self.deltas[order.share] = before
        samples, seconds, waited = (after - first for after, first in zip(before[1:], earlier, strict=True))
        done = messages.ShareTrained(order.round, order.share, order.worker, samples, seconds, waited=waited)
        self.events.append(done)

    def _combine(self, order: messages.CombineRound) -> None:
        self.standing.moved(tasks.averaged([self.deltas[share] for share, _ in order.shares]).state)
        self.deltas.clear()
        found = broken(self.duties.job.plan.layout, self.standing.state)
        self.events.append(messages.RoundCombined(order.round, found))

    def _score(self, order: messages.Score) -> None:
        began, self.fresh = time.monotonic(), False
        scorer = replace(self.duties.scorer, weights=self.standing.state.weights)
        self.standing.training, _ = self._measured(scorer, self.duties.train, self.train)
        if self.duties.valid is not None and self.valid is not None:
            found = self._measured(scorer, self.duties.valid, self.valid)
            self.standing.validation, self.standing.validated = found
        validation = None if self.standing.validation is None else self.standing.validation.values()
        seconds = time.monotonic() - began
        self.events.append(messages.Scored(order.round, self.standing.training.values(), validation, seconds))

    def _measured(self, scorer: Scorer, table: Reading, chunks: Chunks) -> tuple[metrics.ModelMetrics, metrics.State]:
        job = self.duties.job
        states = [
            tasks.score_task(
                tasks.design_key(job, table.data),
                scorer,
                table.adaptation,
                parts,
                where=table.where,
                sample=table.sample,
                partition=number,
                cache=job.cache,
            )
            for number, parts in enumerate(chunks)
        ]
        state, header = partitions.merged(states), metrics.Header(table.data, table.description)
        return metrics.finish(scorer.predictor.category, state, scorer.options, header), state


CARRIERS: Mapping[type, Callable[[Alone, Any], None]] = {
    messages.TrainShare: Alone._train,
    messages.CombineRound: Alone._combine,
    messages.Score: Alone._score,
    messages.KeepBest: lambda self, order: self.standing.keep_best(),
    messages.RestoreBest: lambda self, order: self.standing.restore_best(),
    messages.RollBack: lambda self, order: self.standing.roll_back(),
    messages.StopShares: lambda self, order: None,  # shares are trained one after the other: none is running
    messages.Log: lambda self, order: self.log.append(order),
}
