"""The coordinator of a job that one worker trains for now, lent to a task there: rounds need no messages between them.

What happens meanwhile is put off until the coordinator is back, a fraction of a second or one round later. Where it
does not come back (its worker is gone, or takes too long to stop) the one that stayed here goes on from where it stood:
lost is what that task trained.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import distributed
import numpy as np

from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.encoding.encoder import Encoder
from daskdl.scoring.partitions import Scorer
from daskdl.shell.averaging import TRAVELS
from daskdl.shell.beside import in_turns
from daskdl.shell.cluster import LOST, Cluster, LostError
from daskdl.shell.placed import PlacedFrame
from daskdl.shell.spans import RoundSpans
from daskdl.worker import tasks
from daskdl.worker.alone import LENT, QUICK, Duties, Loan, Returned, ShareError, train_alone
from daskdl.worker.standing import Standing
from frames.exceptions import H2OJobError

FEW = 1000  # levels and columns of an encoder that may travel, too
SMALL = 16_000_000  # bytes of weights that may travel to each task and back, and of chunks to one of several workers
LATE = 3.0  # seconds after which one of several workers that has the coordinator is suspected


def duties_of(job: tasks.Job, scorer: Scorer, train: PlacedFrame, valid: PlacedFrame | None) -> Duties:
    """Return what a job is wherever it is decided; the scorer's weights stay behind, its loan has newer ones."""
    reading = None if valid is None else valid.reading("valid")
    return Duties(job, replace(scorer, weights=np.zeros(0)), train.reading("train"), reading)


@dataclass
class Lender:
    """Lends a coordinator, and keeps what is put off.

    `worker` has it now (None: nobody); `orders` are those that were lent with it; `put_off` are (event, when) pairs.
    `back` is called, in another thread, when the task is over.
    """

    cluster: Cluster
    duties: Duties
    train: PlacedFrame
    valid: PlacedFrame | None
    back: Callable[[distributed.Future], None]
    spans: RoundSpans
    worker: str | None = None
    orders: tuple[messages.Instruction, ...] = ()
    put_off: list[tuple[messages.Event, float]] = field(default_factory=list)
    ended: float | None = None  # since when it should come back: somebody wants to stop, or the time limit is over
    _future: distributed.Future | None = None
    _since: float = 0.0  # when it was lent
    _held: Any = None

    def borrower(self, loan: Loan, standing: Standing, workers: Mapping[str, int]) -> str | None:
        """Return the worker that does everything for now, and can: with all chunks and all weights in its memory.

        None where several work, or might have to, because one that hangs would hold up much.
        """
        machine = loan.machine
        if set(machine.crew.threads) != set(workers) or standing.nbytes > SMALL:
            return None
        if machine.plan.elastic_rate is not None:
            return None
        shares = [order for order in loan.orders if isinstance(order, messages.TrainShare)]
        if machine.round is not None and machine.phase == "training" and len(shares) != len(machine.round.shares):
            return None  # some were given out before
        size = sum(self.train.nbytes) + (0 if self.valid is None else sum(self.valid.nbytes))
        limit = self.cluster.task_bytes
        if limit is not None and size > limit:
            return None
        if len(workers) == 1:
            return next(iter(workers))
        chosen = {order.worker for order in shares}
        work = sum(order.samples for order in shares) * standing.state.weights.size
        return chosen.pop() if len(chosen) == 1 and size <= SMALL and work <= QUICK else None

    def lend(self, loan: Loan, standing: Standing, worker: str) -> None:
        """Send the coordinator to a worker. Raises LostError where that takes nothing."""
        if self._held is None:
            self._held = self.duties if _is_slight(self.duties.job.encoder) else self.cluster.resident(self.duties)
        sent = standing if standing.nbytes <= TRAVELS else self.cluster.hold(standing)
        self.spans.enter(loan.machine.progress.round + 1, on=True)
        future: Any = self.cluster.client.submit(
            in_turns,
            self.duties.job.key,
            _is_long(loan),
            train_alone,
            self._held,
            loan,
            sent,
            [list(chunks) for chunks in self.train.parts],
            None if self.valid is None else [list(chunks) for chunks in self.valid.parts],
            key=self.spans.key("daskdl-train-rounds"),
            workers=[worker],
            allow_other_workers=False,
            pure=False,
        )
        self.worker, self.orders, self.ended, self._since = worker, loan.orders, None, time.monotonic()
        self._future = future
        future.add_done_callback(self.back)

    def is_about(self, future: distributed.Future) -> bool:
        """Whether this is the task that has the coordinator now."""
        return self._future is future

    def returned(self, future: distributed.Future) -> Returned:
        """Return the coordinator that comes back from its task.

        Raises LostError where it is gone with its worker, H2OJobError where training failed.
        """
        cause: Any = future.exception() if future.status == "error" else None
        if isinstance(cause, ShareError):
            cause = cause.args[0]
            raise H2OJobError(f"Training failed on worker {self.worker}: {cause}") from cause
        if cause is not None and not isinstance(cause, LOST):
            raise cause
        if future.status != "finished":
            raise LostError(f"its task was {future.status}")
        return self.cluster.wait(future)

    def handle(self, event: messages.Event, machine: Coordinator) -> bool:
        """Put an event off; False when the coordinator has been waited for long enough.

        A round that should end has a grace period; a scoring takes its time, as it does without a loan.
        """
        now = time.time()
        if not isinstance(event, messages.Tick):
            self.put_off.append((event, now))
            if isinstance(event, messages.StopRequested):
                self._recall(now)
            return True
        if len(machine.crew.threads) > 1 and time.monotonic() - self._since > LATE:
            self.cluster.suspects.add(str(self.worker))
        if self.ended is None and machine.watch.left_at(now) <= 0:
            self.put_off.append((event, now))
            self._recall(now)
        scoring = isinstance(self.orders[0], messages.Score)
        return scoring or self.ended is None or now - self.ended < machine.plan.grace

    def _recall(self, now: float) -> None:
        self.ended = now if self.ended is None else self.ended
        self.cluster.tell(tasks.stop_round, self.duties.job.key, tasks.EVERY, workers=[str(self.worker)])

    def end(self) -> tuple[list[tuple[messages.Event, float]], tuple[messages.Instruction, ...]]:
        """Wait for the coordinator no longer; return the events that were put off, and the orders it was lent with."""
        if self._future is not None and not self._future.done():
            self._future.cancel()
        self.cluster.suspects.discard(str(self.worker))
        events, self.put_off, orders = self.put_off, [], self.orders
        self.worker, self.orders, self.ended, self._future = None, (), None, None
        return events, orders

    def forget(self) -> None:
        """Send everything anew the next time: what a worker held may be gone with it."""
        self._held = None


def _is_long(loan: Loan) -> bool:
    """Tell whether a round takes longer than a loan of short ones lasts."""
    samples = sum(order.samples for order in loan.orders if isinstance(order, messages.TrainShare))
    return samples > LENT * (loan.machine.progress.speed or math.inf)


def _is_slight(encoder: Encoder) -> bool:
    """Tell whether an encoder weighs little, without weighing it: that takes longer than to send it."""
    return len(encoder.columns) + sum(map(len, encoder.domains.values())) <= FEW
