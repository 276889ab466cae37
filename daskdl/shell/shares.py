"""Shares sent to the workers that train them, each a chain of tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import distributed

from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.slices import Slice
from daskdl.network.state import State
from daskdl.shell.averaging import Averaging
from daskdl.shell.beside import in_turns
from daskdl.shell.cluster import Cluster
from daskdl.shell.placed import PlacedFrame
from daskdl.shell.spans import RoundSpans
from daskdl.shell.stored_rows import StoredRows
from daskdl.worker import tasks

MANY = 1 << 24  # bytes of chunks from which on it is worth a message to each worker that a job is over


@dataclass
class Shares:
    """Sends shares of rounds: what a job is goes along once, its weights once a round."""

    cluster: Cluster
    job: tasks.Job
    train: PlacedFrame
    spans: RoundSpans
    stored: StoredRows | None = None
    _held: Any = None
    _weights: Any = None
    _begin: int = 0
    _round: int | None = None
    _sent: dict[tuple[int, str], Any] = field(default_factory=dict)  # share and worker -> its future, of this round
    _attempts: dict[tuple[int, str], int] = field(default_factory=dict)  # the same -> which attempt that is

    def send(
        self, order: messages.TrainShare, state: State, machine: Coordinator, averaging: Averaging
    ) -> distributed.Future | None:
        """Send a share that starts from `state`; return the future of what it trains. Raises LostError.

        None: the share before it could not be sent either, and its failure takes this one back, too.
        """
        self.spans.enter(order.round)
        if self._held is None:
            self._held = self.cluster.hold(self.job)
        if self._weights is None or order.round != self._weights[0]:
            self._weights = (order.round, averaging.sent(state))
            self._begin = machine.progress.position
        if order.round != self._round:
            self._round, self._sent, self._attempts = order.round, {}, {}
            if self.stored is not None:
                self.stored.begin_round()
        own, shared = averaging.start(order), self._weights[1]  # of elastic averaging only
        start, consensus = shared if own is None else own, shared if averaging.own else None
        timing = tasks.Timing(order.round, self._begin, order.pace, order.share, order.attempt)
        before: Any = start
        if order.after is not None:
            before = self._sent.get((order.after, order.worker)) or averaging.done.get(order.after)
            if before is None:
                return None
        for slices in order.tasks:
            before = self._submit(order, before, slices, timing, consensus)
        self._sent[order.share, order.worker] = before
        self._attempts[order.share, order.worker] = order.attempt
        return before

    def stop(self, order: messages.DropShare) -> None:
        """Ask a worker to end a share at its next window, should it be at it."""
        attempt = self._attempts[order.share, order.worker]
        self.cluster.tell(tasks.stop_share, self.job.key, order.round, order.share, attempt, workers=[order.worker])

    def _submit(
        self, order: messages.TrainShare, before: Any, slices: Sequence[Slice], timing: tasks.Timing, consensus: Any
    ) -> distributed.Future:
        return self.cluster.client.submit(
            in_turns,
            self.job.key,
            True,
            tasks.train_task,
            self._held,
            before,
            list(slices),
            self._inputs(slices, order.worker),
            order.threads,
            timing,
            consensus,
            key=self.spans.key("daskdl-train-share"),
            workers=[order.worker],
            allow_other_workers=False,
            pure=False,
        )

    def _inputs(self, slices: Sequence[Slice], worker: str) -> list[Any]:
        if self.stored is not None:
            return self.stored.of(slices, worker, self._held)
        return [list(self.train.parts[one.partition]) for one in slices]

    def forget(self) -> None:
        """Send everything anew the next time: the worker that held it may be gone."""
        self._held = self._weights = None

    def lose(self, worker: str) -> None:
        """Forget what a worker had that is gone, or that has lost it: its copies may have been the only ones."""
        self.forget()
        if self.stored is not None:
            self.stored.lose(worker)

    def end(self, workers: Iterable[str]) -> None:
        """Let go of everything: files of rows, and decoded rows where they are many; the next job needs the room."""
        self.forget()
        if self.stored is not None:
            self.stored.forget(self.job.key)
        elif sum(self.train.nbytes) > MANY:
            keys = [tasks.design_key(self.job, data) for data in ("train", "valid")]
            self.cluster.tell(tasks.forget_designs, keys, workers=list(workers))
