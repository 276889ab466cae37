"""The shell around the coordinator: carries its instructions out with Dask and tells it what happened.

Everything that decides is in `coordinator`; everything that computes is in `work`. Here are futures, clocks and the
events of the cluster. The state of the last finished round is held here, so a lost worker costs at most its share of
one round.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import distributed

from daskdl import metrics
from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.slices import Slice
from daskdl.coordinator.stopping import instability
from daskdl.model.status_table import layer_statistics
from daskdl.network.state import State
from daskdl.scoring.partitions import Scorer
from daskdl.shell.cluster import ATTEMPTS, LOG, LOST, TICK, Cluster, LostError, require_chunks
from daskdl.shell.interrupts import orderly
from daskdl.shell.reporter import Reporter
from daskdl.shell.scoring import FrameScoring, PlacedFrame
from daskdl.shell.stored_rows import StoredRows
from daskdl.shell.writer import Writer
from daskdl.worker import tasks
from daskdl.worker.trainer import Delta
from frames.exceptions import H2OJobError

FAN_IN = 8  # shares that one task averages (measured: sums per worker first are 4x faster than one flat sum of 8)
INTERRUPTED = "Training was interrupted from the keyboard."


@dataclass
class Shell:
    """One training job on a cluster.

    `run` blocks until the coordinator finishes and leaves the results in `state`, `training` and `validation`.
    `watch` is called with (done, target, round) after each round; `single` keeps training on one worker; `save` is
    given the shell when a checkpoint is due and returns what writes it, in a thread beside training. With `stored`
    workers train from their disks, what they read there in place of chunks.
    """

    cluster: Cluster
    coordinator: Coordinator
    job: tasks.Job
    state: State
    scorer: Scorer
    train: PlacedFrame
    valid: PlacedFrame | None = None
    elastic: bool = False
    single: bool = False
    watch: Callable[[Shell], None] | None = None
    save: Callable[[Shell], Callable[[], None]] | None = None
    model: str = ""  # its name, as a person who watches the job should read it
    stored: StoredRows | None = None
    training: metrics.ModelMetrics | None = None
    validation: metrics.ModelMetrics | None = None
    finished: messages.Finish | None = None
    best: State | None = None
    last: State | None = None  # where training left off, once the best is restored
    _queue: queue.SimpleQueue = field(default_factory=queue.SimpleQueue)
    _held: Any = None
    _weights: Any = None
    _own: dict[str, Any] = field(default_factory=dict)
    _running: dict[tuple[int, int, str], distributed.Future] = field(default_factory=dict)
    _done: dict[int, distributed.Future] = field(default_factory=dict)
    _workers: dict[str, int] = field(default_factory=dict)
    _begin: int = 0
    _looked: float = 0.0
    _before: State | None = None  # the last average but one
    _undone: messages.CombineRound | messages.Score | None = None  # what failed with a worker, to be tried again
    _tries: int = 0
    _writer: Writer = field(default_factory=Writer)
    _scoring: FrameScoring = field(init=False)

    def __post_init__(self) -> None:
        self._scoring = FrameScoring(self.cluster, self.job)
        self._reporter = Reporter(self.cluster, self.coordinator, self.job.plan, self.job.key, self.model)

    @property
    def client(self) -> Any:
        """The client of the cluster."""
        return self.cluster.client

    @property
    def workers(self) -> dict[str, int]:
        """Address -> threads of the workers that train."""
        return self._workers

    @property
    def events(self) -> list[str]:
        """What happened on the way, in sentences."""
        return self.cluster.events

    def stop(self, reason: str = "Training was stopped on request.") -> None:
        """Ask the job to end soon with a scored model; may be called from any thread."""
        self._queue.put(messages.StopRequested(reason))

    def run(self) -> messages.Finish:
        """Train until the coordinator says Finish. Ctrl-C ends the round and keeps the model; a second one gives up."""
        try:
            with orderly(lambda: self.stop(INTERRUPTED)), self._reporter:
                self._workers = self._live()
                self._handle(messages.Started(dict(self._workers), self.cluster.owners(self.train.parts)))
                while self.finished is None:
                    self._step()
                if not self._writer.finish():
                    self.cluster.say("The last checkpoint was still being written when training ended.")
        finally:
            self._release()
        return self.finished

    def _step(self) -> None:
        """Handle the next event, or look at the clock and the workers when there was none for a while."""
        try:
            event: Any = self._queue.get(timeout=TICK)
        except queue.Empty:  # nothing has happened: time to look at the clock and the workers
            event = None
        if callable(event):
            event = event()
        if event is not None:
            self._handle(event)
        if event is None or time.monotonic() - self._looked > TICK:
            self._looked = time.monotonic()
            self._look_at_workers()
            self._try_again()
            self._handle(messages.Tick())

    def _try_again(self) -> None:
        """Carry out what failed because a worker left, unless the coordinator has asked for something else since."""
        order, self._undone = self._undone, None
        phase = "combining" if isinstance(order, messages.CombineRound) else "scoring"
        if order is None or not self._workers or self.coordinator.phase != phase:
            return
        self._tries += 1
        if self._tries > ATTEMPTS:
            raise H2OJobError(f"Training must end what it begins; {phase} failed {ATTEMPTS} times with lost workers.")
        _CARRIERS[type(order)](self, order)

    # ---- the cluster -------------------------------------------------------------------------------------------
    def _live(self) -> dict[str, int]:
        live = self.cluster.workers()
        return dict(sorted(live.items())[:1]) if self.single else live

    def _look_at_workers(self) -> None:
        live = self.cluster.workers()
        if self.single and any(worker in live for worker in self._workers):
            live = {worker: threads for worker, threads in live.items() if worker in self._workers}
        lost = [worker for worker in self._workers if worker not in live]
        joined = {worker: threads for worker, threads in live.items() if worker not in self._workers}
        if self.single:
            joined = dict(sorted(joined.items())[:1])
        self._workers = {**{w: t for w, t in self._workers.items() if w in live}, **joined}
        for worker in lost:
            self._own.pop(worker, None)
            self._abandon(worker)
            if self.stored is not None:
                self.stored.lose(worker)
            self._weights = self._held = None  # its copies may have been the only ones
            self._require_chunks()
            self._handle(messages.WorkerLost(worker))
        for worker, threads in joined.items():
            self._handle(messages.WorkerJoined(worker, threads))

    def _abandon(self, worker: str) -> None:
        """Give up the shares of a worker that may go on one day: they go to others, and no round waits for both."""
        for name in [one for one in self._running if one[2] == worker and worker in self.cluster.stuck]:
            self._running.pop(name).cancel()

    def _require_chunks(self) -> None:
        for table in (self.train, self.valid):
            if table is not None:
                require_chunks(table.name, table.rows, table.parts)

    def _handle(self, event: messages.Event | None) -> None:
        if event is None:
            return
        for instruction in self._reporter.seen(event, self.coordinator.handle(event, time.time())):
            _CARRIERS[type(instruction)](self, instruction)

    # ---- carrying out ------------------------------------------------------------------------------------------
    def _train(self, order: messages.TrainShare) -> None:
        """Send a share as a chain of tasks pinned to its worker; a worker that is overtaken by this is suspected."""
        others = [key for key in self._running if key[:2] == (order.round, order.share) and key[2] != order.worker]
        self.cluster.suspects.update(worker for _, _, worker in others)
        try:
            self._send(order)
        except LostError as cause:
            self._queue.put(messages.ShareFailed(order.round, order.share, order.worker, str(cause)))

    def _send(self, order: messages.TrainShare) -> None:
        if self._held is None:
            self._held = self.cluster.hold(self.job)
        if self._weights is None or order.round != self._weights[0]:
            self._weights = (order.round, self.cluster.hold(self.state))
            self._begin = self.coordinator.progress.position
        start = self._own.get(order.worker, self._weights[1]) if self.elastic else self._weights[1]
        consensus = self._weights[1] if self.elastic and self._own else None
        size = self.coordinator.round.size if self.coordinator.round else order.samples
        timing = tasks.Timing(order.round, self._begin, size / max(1, order.samples))
        before: Any = start
        for slices in order.tasks:
            before = self._submit(order, before, slices, timing, consensus)
        self._running[order.round, order.share, order.worker] = before
        before.add_done_callback(lambda future, o=order: self._queue.put(lambda: self._share_over(o, future)))

    def _submit(
        self, order: messages.TrainShare, before: Any, slices: Sequence[Slice], timing: tasks.Timing, consensus: Any
    ) -> distributed.Future:
        return self.client.submit(
            tasks.train_task,
            self._held,
            before,
            list(slices),
            [self._inputs(one, order.worker) for one in slices],
            order.threads,
            timing,
            consensus,
            key=f"train-share-{uuid.uuid4().hex}",
            workers=[order.worker],
            allow_other_workers=False,
            pure=False,
        )

    def _inputs(self, one: Slice, worker: str) -> list[distributed.Future]:
        if self.stored is not None:
            return self.stored.of(one, worker, self._held)
        return list(self.train.parts[one.partition])

    def _share_over(self, order: messages.TrainShare, future: distributed.Future) -> messages.Event | None:
        """Return the event that a finished share's future stands for; None for one that nobody waits for any more."""
        name = (order.round, order.share, order.worker)
        if self._running.get(name) is not future:
            return None
        self.cluster.suspects.discard(order.worker)
        cause: Any = future.exception() if future.status == "error" else None
        if cause is not None and not isinstance(cause, LOST):
            raise H2OJobError(f"Training failed on worker {order.worker}: {cause}") from cause
        del self._running[name]
        if future.status == "finished":
            try:
                samples, seconds = self.cluster.wait(self.client.submit(_outcome, future, pure=False))
            except LostError as lost:
                return messages.ShareFailed(order.round, order.share, order.worker, str(lost))
            self._done[order.share] = future
            return messages.ShareTrained(order.round, order.share, order.worker, samples, seconds)
        self._weights = self._held = None
        self._require_chunks()
        return messages.ShareFailed(order.round, order.share, order.worker, f"its task was {future.status}")

    def _drop(self, order: messages.DropShare) -> None:
        future = self._running.pop((order.round, order.share, order.worker), None)
        if future is not None:
            future.cancel()

    def _stop_shares(self, order: messages.StopShares) -> None:
        self.cluster.tell(tasks.stop_round, self.job.key, order.round, workers=self._workers)

    def _combine(self, order: messages.CombineRound) -> None:
        """Average the shares by a tree of tasks and take the result here."""
        try:
            delta = self._averaged(order)
        except LostError as cause:
            self.cluster.say(f"The average of round {order.round} was lost: {cause}")
            self._undone = order
            return
        self._tries = 0
        self._before, self.state = self.state, delta.state
        self._done.clear()
        layers = layer_statistics(self.job.plan.layout, delta.state)
        self._reporter.network(layers)
        self._queue.put(messages.RoundCombined(order.round, instability(layers)))
        if self.watch is not None:
            self.watch(self)

    def _averaged(self, order: messages.CombineRound) -> Delta:
        level = [self._done[share] for share, _ in order.shares]
        if order.elastic_rate is not None:
            for share, _ in order.shares:
                self._remember_own(share)
        while len(level) > FAN_IN:
            groups = [level[k : k + FAN_IN] for k in range(0, len(level), FAN_IN)]
            level = [self.client.submit(tasks.combine, group, pure=False) for group in groups]
        if order.elastic_rate is None:
            result = level[0] if len(level) == 1 else self.client.submit(tasks.combine, level, pure=False)
        else:
            old = None if order.first else self.cluster.hold(self.state)
            result = self.client.submit(tasks.combine_with_consensus, level, old, order.elastic_rate, pure=False)
        return self.cluster.wait(result)

    def _remember_own(self, share: int) -> None:
        future = self._done[share]
        for worker in self.client.who_has([future]).get(future.key, ()):
            self._own[worker] = self.client.submit(_state, future, workers=[worker], pure=False)

    def _score(self, order: messages.Score) -> None:
        began = time.monotonic()
        scorer = replace(self.scorer, weights=self.state.weights)
        try:
            self.training = self._scoring.measured(scorer, self.train, "train")
            if self.valid is not None:
                self.validation = self._scoring.measured(scorer, self.valid, "valid")
        except LostError as cause:
            self._require_chunks()
            self.cluster.say(f"The scoring after round {order.round} was lost: {cause}")
            self._undone = order  # where nobody is left, the coordinator asks again when somebody joins
            return
        self._tries = 0
        values = None if self.validation is None else self.validation.values()
        seconds = time.monotonic() - began
        self._queue.put(messages.Scored(order.round, self.training.values(), values, seconds))

    def _keep_best(self, order: messages.KeepBest) -> None:
        self.best = self.state

    def _restore_best(self, order: messages.RestoreBest) -> None:
        assert self.best is not None  # the coordinator asked to keep it before
        self.last, self.state = self.state, self.best

    def _roll_back(self, order: messages.RollBack) -> None:
        assert self._before is not None  # the broken average took the place of this one
        self.state = self._before

    def _save(self, order: messages.Save) -> None:
        assert self.save is not None  # the plan asks for checkpoints only where they can be written
        number = order.round

        def done(error: Exception | None) -> None:
            self._queue.put(messages.Saved(number) if error is None else messages.SaveFailed(number, str(error)))

        self._writer.begin(self.save(self), done)

    def _wait_for_workers(self, order: messages.WaitForWorkers) -> None:
        """Say that nobody is there; the loop looks for workers, and the clock, anyway."""
        self._weights = self._held = None
        self.cluster.say(f"No worker is there; training waits {order.timeout:g} seconds for one.")

    def _log(self, order: messages.Log) -> None:
        self.events.append(order.text)
        LOG.info(order.text)

    def _finish(self, order: messages.Finish) -> None:
        self.finished = order

    def _release(self) -> None:
        for future in self._running.values():
            future.cancel()
        self._running.clear()
        self._own.clear()
        self._scoring.forget()
        if self.stored is not None:
            self.stored.forget(self.job.key)
        self._weights = self._held = None


_CARRIERS: Mapping[type, Callable[[Shell, Any], None]] = {
    messages.TrainShare: Shell._train,
    messages.StopShares: Shell._stop_shares,
    messages.DropShare: Shell._drop,
    messages.CombineRound: Shell._combine,
    messages.Score: Shell._score,
    messages.KeepBest: Shell._keep_best,
    messages.RestoreBest: Shell._restore_best,
    messages.RollBack: Shell._roll_back,
    messages.Save: Shell._save,
    messages.WaitForWorkers: Shell._wait_for_workers,
    messages.Log: Shell._log,
    messages.Finish: Shell._finish,
}


def _state(delta: Delta) -> State:
    """Return the state alone: a Delta at the beginning of a share would count as a part of that share."""
    return delta.state


def _outcome(delta: Delta) -> tuple[int, float]:
    return delta.samples, delta.seconds
