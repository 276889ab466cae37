"""The shell around the coordinator: carries its instructions out with Dask and tells it what happened.

Everything that decides is in `coordinator`; everything that computes is in `worker`. Here are futures, clocks and the
events of the cluster. The state of the last finished round is held here: a lost worker costs its share of one round.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import distributed

from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.model.status_table import broken
from daskdl.network.state import State
from daskdl.scoring.partitions import Scorer
from daskdl.shell.averaging import Averaging
from daskdl.shell.cluster import ATTEMPTS, LOST, TICK, Cluster, LostError, require_chunks
from daskdl.shell.homes import HOMES
from daskdl.shell.interrupts import orderly
from daskdl.shell.job_log import JobLog
from daskdl.shell.lending import Lender, duties_of
from daskdl.shell.placed import PlacedFrame
from daskdl.shell.reporter import Reporter
from daskdl.shell.scoring import FrameScoring
from daskdl.shell.shares import Shares
from daskdl.shell.spans import RoundSpans
from daskdl.shell.stored_rows import StoredRows
from daskdl.shell.writer import Writer
from daskdl.worker import tasks
from daskdl.worker.alone import Loan
from daskdl.worker.row_files import RowsGoneError
from daskdl.worker.standing import Standing
from frames.exceptions import H2OJobError

INTERRUPTED = "Training was interrupted from the keyboard."


@dataclass(eq=False)
class Shell:
    """One training job on a cluster.

    `run` blocks until the coordinator finishes and leaves the results in `standing`. `watch` is called with the shell
    after each round, or a few that took no time; `single` keeps training on one worker; `save` is given the shell when
    a checkpoint is due and returns what writes it, in a thread beside training. With `stored` workers train from their
    disks, what they read there in place of chunks.
    """

    cluster: Cluster
    coordinator: Coordinator
    job: tasks.Job
    standing: Standing
    scorer: Scorer
    train: PlacedFrame
    valid: PlacedFrame | None = None
    single: bool = False
    watch: Callable[[Shell], None] | None = None
    save: Callable[[Shell], Callable[[], None]] | None = None
    model: str = ""  # its name, as a person who watches the job should read it
    stored: StoredRows | None = None
    own: tuple[State, ...] = ()  # of a checkpoint: what elastic averaging goes on from
    finished: messages.Finish | None = None
    _queue: queue.SimpleQueue = field(default_factory=queue.SimpleQueue)
    _running: dict[tuple[int, int, str], distributed.Future] = field(default_factory=dict)
    _workers: dict[str, int] = field(default_factory=dict)
    _looked: float = 0.0
    _averaging: Averaging = field(init=False)
    _orders: deque[messages.Instruction] = field(default_factory=deque)
    _lender: Lender = field(init=False)
    _shares: Shares = field(init=False)
    _undone: messages.CombineRound | messages.Score | None = None  # what failed with a worker, to be tried again
    _tries: int = 0
    _writer: Writer = field(default_factory=Writer)
    _scoring: FrameScoring = field(init=False)

    def __post_init__(self) -> None:
        self._spans, self._log = RoundSpans(), JobLog(self.job.key, self.model)
        self._scoring = FrameScoring(self.cluster, self.job, self._spans, self.stored)
        self._reporter = Reporter(self.cluster, self.coordinator, self.job.plan, self.job.key, self.model)
        plan = self.coordinator.plan
        self._averaging = Averaging(
            self.cluster, self._spans, plan.elastic_rate is not None, fixed=plan.fixed_shares is not None
        )
        self._shares = Shares(self.cluster, self.job, self.train, self._spans, self.stored)
        duties = duties_of(self.job, self.scorer, self.train, self.valid)
        self._lender = Lender(self.cluster, duties, self.train, self.valid, back=self._returned, spans=self._spans)

    @property
    def workers(self) -> dict[str, int]:
        """Address -> threads of the workers that train."""
        return self._workers

    @property
    def events(self) -> list[str]:
        """What happened on the way, in sentences."""
        return self.cluster.events

    @property
    def own_states(self) -> tuple[State, ...]:
        """What elastic averaging keeps on workers, fetched for a checkpoint."""
        return self._averaging.states()

    def stop(self, reason: str = "Training was stopped on request.") -> None:
        """Ask the job to end soon with a scored model; may be called from any thread."""
        self.cluster.hurry()
        self._queue.put(messages.StopRequested(reason))

    def run(self) -> messages.Finish:
        """Train until the coordinator says Finish. Ctrl-C ends the round and keeps the model; a second one gives up."""
        try:
            with orderly(lambda: self.stop(INTERRUPTED)), self._reporter, self._spans, self._log:
                live, parts = self.cluster.workers(), self.train.parts
                owners = self.cluster.owners(parts) if len(live) > 1 else tuple([tuple(live)] * len(parts))
                with HOMES.home(live, owners, self.train.rows) as home:
                    self._begin(live, owners, home)
                    while self.finished is None:
                        self._step()
                self._log.end(self.finished, self.coordinator, self._reporter.observer.seconds(time.time()))
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
        event = event() if callable(event) else event
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
        if order is None or not self._workers or self.coordinator.phase != phase or self._lender.worker is not None:
            return
        self._tries += 1
        if self._tries > ATTEMPTS:
            raise H2OJobError(f"Training must end what it begins; {phase} failed {ATTEMPTS} times with lost workers.")
        _CARRIERS[type(order)](self, order)

    # ---- the cluster -------------------------------------------------------------------------------------------
    def _begin(self, live: dict[str, int], owners: tuple[tuple[str, ...], ...], home: str | None) -> None:
        self._workers = {home: live[home]} if self.single and home is not None else live
        self.cluster.counted_on = set(self._workers)
        self._averaging.begin(self.own, list(self._workers))
        self._log.begin(self.coordinator, self._workers)
        self._handle(messages.Started(dict(self._workers), owners, home))
        self.cluster.hurry(in_seconds=self.coordinator.watch.left_at(time.time()))

    def _look_at_workers(self) -> None:
        live = self.cluster.workers()
        if self.single and any(worker in live for worker in self._workers):
            live = {worker: threads for worker, threads in live.items() if worker in self._workers}
        lost = [worker for worker in self._workers if worker not in live]
        joined = {worker: threads for worker, threads in live.items() if worker not in self._workers}
        if self.single and (one := HOMES.quietest(joined)) is not None:
            joined = {one: joined[one]}
        self._workers = {**{w: t for w, t in self._workers.items() if w in live}, **joined}
        self.cluster.counted_on = {*self._workers, *lost}
        for worker in lost:
            self._forget(worker)
        for worker in lost:
            self.cluster.counted_on.discard(worker)
            if worker == self._lender.worker:
                self._give_up_loan()
            self._handle(messages.WorkerLost(worker))
        for worker, threads in joined.items():
            self._handle(messages.WorkerJoined(worker, threads))

    def _forget(self, worker: str) -> None:
        """Let go of what a worker had that is gone, before the coordinator hears of it and asks for more."""
        self._averaging.lose(worker)
        self._shares.lose(worker)
        stuck = worker in self.cluster.stuck  # it may go on one day: no round waits for it and for those who take over
        for name in [one for one in self._running if stuck and one[2] == worker]:
            self._running.pop(name).cancel()
        self._lender.forget()
        self._require_chunks()

    def _require_chunks(self) -> None:
        for table in filter(None, (self.train, self.valid)):
            require_chunks(table.name, table.rows, table.parts)

    def _handle(self, event: messages.Event) -> None:
        if self._lender.worker is None:
            self._carry_out(self._decided(event, time.time()))
        elif self._lender.handle(event, self.coordinator):
            self._reporter.look(time.time())
        else:
            self._give_up_loan()

    def _decided(self, event: messages.Event, now: float) -> Sequence[messages.Instruction]:
        return self._reporter.seen(event, self.coordinator.handle(event, now))

    def _carry_out(self, orders: Iterable[messages.Instruction]) -> None:
        self._orders.extend(orders)
        while self._orders:
            order = self._orders.popleft()
            _CARRIERS[type(order)](self, order)

    # ---- a coordinator that is lent to a worker ----------------------------------------------------------------
    def _lend(self, order: messages.Instruction) -> bool:
        """Lend the coordinator with this order and all that follow; False where that is not for one worker to do."""
        loan = Loan(self.coordinator, (order, *self._orders), time.time(), self._reporter.observer)
        worker = None if self.stored is not None else self._lender.borrower(loan, self.standing, self._workers)
        if worker is None:
            return False
        try:
            self._lender.lend(loan, self.standing, worker)
        except LostError:
            return False  # the usual way meets the loss, too, and knows what to do
        self._orders.clear()
        return True

    def _returned(self, future: distributed.Future) -> None:
        self._queue.put(lambda: self._come_back(future))

    def _come_back(self, future: distributed.Future) -> None:
        """Take the coordinator back from its task, and tell it what happened meanwhile."""
        if not self._lender.is_about(future):
            return None
        try:
            returned = self._lender.returned(future)
        except LostError as lost:
            return self._lose_loan(str(lost))
        rounds = self.coordinator.progress.round
        self.coordinator, self.standing, self._tries = returned.machine, returned.standing, 0
        self._averaging.renew(returned.deltas)
        self._reporter.back(returned.observer, returned.machine, returned.standing.state)
        self._said(returned.log)
        put_off, _ = self._lender.end()
        self._orders.extend(returned.orders)
        for event in returned.events:
            self._queue.put(event)
        if self.watch is not None and self.coordinator.progress.round > rounds:
            self.watch(self)
        return self._carry_out([order for event, now in put_off for order in self._decided(event, now)])

    def _lose_loan(self, cause: str) -> None:
        """Go on with the coordinator that stayed here: what was lent has failed, or is gone with its worker."""
        worker = str(self._lender.worker)
        self._lender.forget()
        self._require_chunks()
        for order in self._give_up_loan():
            if isinstance(order, messages.TrainShare):
                self._handle(messages.ShareFailed(order.round, order.share, worker, cause))
            elif isinstance(order, messages.Score):
                self.cluster.say(f"The scoring after round {order.round} was lost: {cause}")

    def _give_up_loan(self) -> tuple[messages.Instruction, ...]:
        put_off, orders = self._lender.end()
        self._undone = next((order for order in orders if isinstance(order, messages.Score)), None)
        self._carry_out([order for event, now in put_off for order in self._decided(event, now)])
        return orders

    # ---- carrying out ------------------------------------------------------------------------------------------
    def _train(self, order: messages.TrainShare) -> None:
        """Send a share as a chain of tasks pinned to its worker; a worker that is overtaken by this is suspected."""
        if self._lend(order):
            return
        others = [key for key in self._running if key[:2] == (order.round, order.share) and key[2] != order.worker]
        self.cluster.suspects.update(worker for _, _, worker in others)
        try:
            self._send(order)
        except LostError as cause:
            self._queue.put(messages.ShareFailed(order.round, order.share, order.worker, str(cause)))

    def _send(self, order: messages.TrainShare) -> None:
        last = self._shares.send(order, self.standing.state, self.coordinator, self._averaging)
        if last is None:
            return
        self._running[order.round, order.share, order.worker] = last
        last.add_done_callback(lambda future, o=order: self._queue.put(lambda: self._share_over(o, future)))

    def _share_over(self, order: messages.TrainShare, future: distributed.Future) -> messages.Event | None:
        """Return the event that a finished share's future stands for; None for one that nobody waits for any more."""
        name = (order.round, order.share, order.worker)
        if self._running.get(name) is not future:
            return None
        self.cluster.suspects.discard(order.worker)
        cause: Any = future.exception() if future.status == "error" else None
        if isinstance(cause, RowsGoneError):
            self._shares.lose(order.worker)  # all files on its disk: whoever took one may have taken others
        elif cause is not None and not isinstance(cause, LOST):
            raise H2OJobError(f"Training failed on worker {order.worker}: {cause}") from cause
        del self._running[name]
        if future.status == "finished":
            try:
                outcome = self._averaging.take(order, future, self.standing.state)
            except LostError as lost:
                return messages.ShareFailed(order.round, order.share, order.worker, str(lost))
            return messages.ShareTrained(order.round, order.share, order.worker, *outcome)
        self._shares.forget()
        self._require_chunks()
        said = str(cause or f"its task was {future.status}")
        return messages.ShareFailed(order.round, order.share, order.worker, said)

    def _drop(self, order: messages.DropShare) -> None:
        future = self._running.pop((order.round, order.share, order.worker), None)
        if future is None:
            return
        if not future.done():  # it may be at it: what nobody waits for need not be trained to its end
            self.cluster.suspects.add(order.worker)
            self._shares.stop(order)
        future.cancel()

    def _stop_shares(self, order: messages.StopShares) -> None:
        self.cluster.tell(tasks.stop_round, self.job.key, order.round, workers=self._workers)

    def _combine(self, order: messages.CombineRound) -> None:
        """Average the shares by a tree of tasks and take the result here."""
        try:
            delta = self._averaging.average(order, self.standing.state)
        except LostError as cause:
            self.cluster.say(f"The average of round {order.round} was lost: {cause}")
            self._undone = order
            return
        self._tries = 0
        self.standing.moved(delta.state)
        self._averaging.renew()
        self._reporter.network(delta.state)
        self._queue.put(messages.RoundCombined(order.round, broken(self.job.plan.layout, delta.state)))
        if self.watch is not None:
            self.watch(self)

    def _score(self, order: messages.Score) -> None:
        if self._lend(order):
            return
        began = time.monotonic()
        scorer = replace(self.scorer, weights=self.standing.state.weights)
        try:
            self.standing.training, _ = self._scoring.measured(scorer, self.train, "train")
            if self.valid is not None:
                self.standing.validation, self.standing.validated = self._scoring.measured(scorer, self.valid, "valid")
        except LostError as cause:
            self._require_chunks()
            self.cluster.say(f"The scoring after round {order.round} was lost: {cause}")
            self._undone = order  # where nobody is left, the coordinator asks again when somebody joins
            return
        self._tries = 0
        values = None if self.standing.validation is None else self.standing.validation.values()
        self._queue.put(messages.Scored(order.round, self.standing.training.values(), values, time.monotonic() - began))

    def _save(self, order: messages.Save) -> None:
        assert self.save is not None  # the plan asks for checkpoints only where they can be written
        number = order.round

        def done(error: Exception | None) -> None:
            self._queue.put(messages.Saved(number) if error is None else messages.SaveFailed(number, str(error)))

        self._writer.begin(self.save(self), done)

    def _wait_for_workers(self, order: messages.WaitForWorkers) -> None:
        """Say that nobody is there; the loop looks for workers, and the clock, anyway."""
        self._shares.forget()
        self.cluster.say(f"No worker is there; training waits {order.timeout:g} seconds for one.")

    def _said(self, logs: Iterable[messages.Log]) -> None:
        for log in logs:
            self.events.append(log.text)
            self._log.note(log)

    def _release(self) -> None:
        while self._running:
            self._running.popitem()[1].cancel()
        self._averaging.own.clear()
        self._scoring.forget()
        self._shares.end(self._workers)


_CARRIERS: Mapping[type, Callable[[Shell, Any], None]] = {
    messages.TrainShare: Shell._train,
    messages.StopShares: Shell._stop_shares,
    messages.DropShare: Shell._drop,
    messages.CombineRound: Shell._combine,
    messages.Score: Shell._score,
    messages.KeepBest: lambda shell, order: shell.standing.keep_best(),
    messages.RestoreBest: lambda shell, order: shell.standing.restore_best(),
    messages.RollBack: lambda shell, order: shell.standing.roll_back(),
    messages.Save: Shell._save,
    messages.WaitForWorkers: Shell._wait_for_workers,
    messages.Log: lambda shell, order: shell._said([order]),
    messages.Finish: lambda shell, order: setattr(shell, "finished", order),
}
