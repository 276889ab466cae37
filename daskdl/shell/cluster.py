"""The shell around the coordinator: carries its instructions out with Dask and tells it what happened.

Everything that decides is in `coordinator`; everything that computes is in `work`. Here are futures, clocks and the
events of the cluster. The state of the last finished round is held here, so a lost worker costs at most its share of
one round.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import queue
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import distributed
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from daskdl import metrics
from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.slices import Slice
from daskdl.coordinator.stopping import instability
from daskdl.encoding.adaptation import Adaptation
from daskdl.model.status_table import layer_statistics
from daskdl.network.state import State
from daskdl.scoring.partitions import Scorer
from daskdl.worker import tasks
from daskdl.worker.trainer import Delta
from frames.cluster.tasks import resident
from frames.exceptions import H2OJobError

TICK = 0.25  # seconds between two looks at the clock and at the workers
FAN_IN = 8  # shares that one task averages (measured: sums per worker first are 4x faster than one flat sum of 8)
ATTEMPTS = 8  # to reach a worker while others die
CACHE_SHARE = 0.2  # of a worker's memory limit, for decoded partitions


_LOST = (distributed.CancelledError, FutureCancelledError, KilledWorker)

Client = Any  # a distributed.Client that is not asynchronous: its methods answer at once, which its types cannot say


class LostError(RuntimeError):
    """A result that a worker held is gone with it."""


@dataclass(frozen=True)
class Table:
    """A frame as the shell uses it: the chunks of each partition, where columns are, how the encoder reads them."""

    parts: tuple[tuple[distributed.Future, ...], ...]
    where: dict[str, tuple[int, int]]
    adaptation: Adaptation
    sample: tasks.Sample
    description: str = ""


def workers_of(client: Client) -> dict[str, int]:
    """Return address -> threads of the live workers."""
    found = client.scheduler_info(n_workers=-1)["workers"]
    return {address: int(about["nthreads"]) for address, about in found.items() if about.get("status") != "closed"}


def memory_for_cache(client: Client) -> int:
    """Return how many bytes of decoded partitions each worker may keep."""
    found = client.scheduler_info(n_workers=-1)["workers"].values()
    limits = [int(about.get("memory_limit") or 0) for about in found]
    known = [limit for limit in limits if limit > 0]
    return int(min(known) * CACHE_SHARE) if known else 1 << 30


def owners_of(client: Client, table: Table) -> tuple[tuple[str, ...], ...]:
    """Return for each partition the workers that hold all of its chunks."""
    futures = [chunk for chunks in table.parts for chunk in chunks]
    holders = client.who_has(futures) if futures else {}
    result = []
    for chunks in table.parts:
        sets = [set(holders.get(chunk.key, ())) for chunk in chunks]
        result.append(tuple(sorted(set.intersection(*sets))) if sets else ())
    return tuple(result)


@dataclass
class Shell:
    """One training job on a cluster.

    `run` blocks until the coordinator finishes and leaves the results in `state`, `training` and `validation`.
    `watch` is called with (done, target, round) after each round; `single` keeps training on one worker.
    """

    client: Client
    coordinator: Coordinator
    job: tasks.Job
    state: State
    scorer: Scorer
    train: Table
    valid: Table | None = None
    elastic: bool = False
    single: bool = False
    watch: Callable[[Shell], None] | None = None
    training: metrics.ModelMetrics | None = None
    validation: metrics.ModelMetrics | None = None
    finished: messages.Finish | None = None
    events: list[str] = field(default_factory=list)
    best: State | None = None
    last: State | None = None  # where training left off, once the best is restored
    _queue: queue.SimpleQueue = field(default_factory=queue.SimpleQueue)
    _held: Any = None
    _weights: Any = None
    _consensus: Any = None
    _own: dict[str, Any] = field(default_factory=dict)
    _running: dict[tuple[int, int], distributed.Future] = field(default_factory=dict)
    _done: dict[int, distributed.Future] = field(default_factory=dict)
    _workers: dict[str, int] = field(default_factory=dict)
    _begin: int = 0
    _looked: float = 0.0

    def stop(self, reason: str = "Training was stopped on request.") -> None:
        """Ask the job to end soon with a scored model; may be called from any thread."""
        self._queue.put(messages.StopRequested(reason))

    def run(self) -> messages.Finish:
        """Train until the coordinator says Finish. Ctrl-C ends the round and keeps the model; a second one gives up."""
        self._workers = self._live()
        self._held = self._sent(self.job)
        interrupted = False
        try:
            self._handle(messages.Started(dict(self._workers), owners_of(self.client, self.train)))
            while self.finished is None:
                try:
                    self._step()
                except KeyboardInterrupt:
                    if interrupted:
                        raise
                    interrupted = True
                    self.stop("Training was interrupted from the keyboard.")
        finally:
            self._release()
        return self.finished

    def _step(self) -> None:
        """Handle the next event, or look at the clock and the workers when there was none for a while."""
        try:
            event: Any = self._queue.get(timeout=TICK)
        except queue.Empty:
            event = None
        if callable(event):
            event = event()
        if event is not None:
            self._handle(event)
        if event is None or time.monotonic() - self._looked > TICK:
            self._looked = time.monotonic()
            self._look_at_workers()
            self._handle(messages.Tick())

    # ---- the cluster -------------------------------------------------------------------------------------------
    def _live(self) -> dict[str, int]:
        live = workers_of(self.client)
        return dict(sorted(live.items())[:1]) if self.single else live

    def _look_at_workers(self) -> None:
        live = workers_of(self.client)
        if self.single and any(worker in live for worker in self._workers):
            live = {worker: threads for worker, threads in live.items() if worker in self._workers}
        lost = [worker for worker in self._workers if worker not in live]
        joined = {worker: threads for worker, threads in live.items() if worker not in self._workers}
        if self.single:
            joined = dict(sorted(joined.items())[:1])
        self._workers = {**{w: t for w, t in self._workers.items() if w in live}, **joined}
        for worker in lost:
            self._own.pop(worker, None)
            self._weights = None  # its copies may have been the only ones
            self._held = self._sent(self.job) if self._workers else None
            self._handle(messages.WorkerLost(worker))
        for worker, threads in joined.items():
            if self._held is None:
                self._held = self._sent(self.job)
            self._handle(messages.WorkerJoined(worker, threads))

    def _handle(self, event: messages.Event | None) -> None:
        if event is None:
            return
        for instruction in self.coordinator.handle(event, time.time()):
            _CARRIERS[type(instruction)](self, instruction)

    def _sent(self, value: Any) -> distributed.Future:
        """Return a future of `value`; tried again where the worker that should take it has just died."""
        for attempt in range(ATTEMPTS):
            try:
                return self.client.scatter([value], hash=False)[0]  # in a list: scatter would take a tuple apart
            except OSError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(TICK)
        raise AssertionError("unreachable")

    def _waited(self, future: distributed.Future) -> Any:
        """Return a result; raise LostError when a worker left, because a task pinned to it would never run again."""
        # Future.result(timeout=...) fails now and then where a result comes just when the time is up: the cancellation
        # of its wait then meets another await. So one wait goes on in the client's loop, and is only looked at here.
        loop: Any = self.client.loop
        pending = asyncio.run_coroutine_threadsafe(self._gathered(future), loop.asyncio_loop)
        while True:
            try:
                return pending.result(timeout=TICK)
            except TimeoutError:
                if pending.done():
                    raise  # not our patience, but the cluster's
                if not set(self._workers) <= set(workers_of(self.client)):
                    pending.cancel()
                    raise LostError from None
            except (*_LOST, concurrent.futures.CancelledError) as cause:
                raise LostError(str(cause)) from cause

    async def _gathered(self, future: distributed.Future) -> Any:
        waiting: Any = self.client.gather(future, asynchronous=True)
        return await waiting

    # ---- carrying out ------------------------------------------------------------------------------------------
    def _train(self, order: messages.TrainShare) -> None:
        """Send a share as a chain of tasks pinned to its worker."""
        if self._weights is None or order.round != self._weights[0]:
            self._weights = (order.round, self._sent(self.state))
            self._begin = self.coordinator.progress.position
        start = self._own.get(order.worker, self._weights[1]) if self.elastic else self._weights[1]
        consensus = self._weights[1] if self.elastic and self._own else None
        size = self.coordinator.round.size if self.coordinator.round else order.samples
        timing = tasks.Timing(order.round, self._begin, size / max(1, order.samples))
        before: Any = start
        for slices in order.tasks:
            before = self._submit(order, before, slices, timing, consensus)
        self._running[order.round, order.share] = before
        before.add_done_callback(lambda future, o=order: self._queue.put(lambda: self._share_over(o, future)))

    def _submit(
        self, order: messages.TrainShare, before: Any, slices: Sequence[Slice], timing: tasks.Timing, consensus: Any
    ) -> distributed.Future:
        return self.client.submit(
            tasks.train_task,
            self._held,
            before,
            list(slices),
            [list(self.train.parts[one.partition]) for one in slices],
            order.threads,
            timing,
            consensus,
            key=f"train-share-{uuid.uuid4().hex}",
            workers=[order.worker],
            allow_other_workers=False,
            pure=False,
        )

    def _share_over(self, order: messages.TrainShare, future: distributed.Future) -> messages.Event | None:
        """Return the event that a finished share's future stands for; None for one that nobody waits for any more."""
        if self._running.get((order.round, order.share)) is not future:
            return None
        if future.status == "finished":
            try:
                samples, seconds = self._waited(self.client.submit(_outcome, future, pure=False))
            except LostError as cause:
                return messages.ShareFailed(order.round, order.share, order.worker, str(cause))
            del self._running[order.round, order.share]
            self._done[order.share] = future
            return messages.ShareTrained(order.round, order.share, order.worker, samples, seconds)
        if future.status == "error":
            cause: Any = future.exception()
            raise H2OJobError(f"Training failed on worker {order.worker}: {cause}") from cause
        self._weights = None
        self._held = self._sent(self.job)
        return messages.ShareFailed(order.round, order.share, order.worker, f"its task was {future.status}")

    def _drop(self, order: messages.DropShare) -> None:
        future = self._running.pop((order.round, order.share), None)
        if future is not None:
            future.cancel()

    def _stop_shares(self, order: messages.StopShares) -> None:
        with contextlib.suppress(OSError):  # a worker that has just died has nothing to stop
            self.client.run(tasks.stop_round, self.job.key, order.round, workers=list(self._workers))

    def _combine(self, order: messages.CombineRound) -> None:
        """Average the shares by a tree of tasks and take the result here."""
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
            old = None if order.first else self._sent(self.state)
            result = self.client.submit(tasks.combine_with_consensus, level, old, order.elastic_rate, pure=False)
        try:
            delta: Delta = self._waited(result)
        except LostError:
            return  # the look at the workers finds who left; the coordinator then asks for the lost shares again
        trouble = instability(layer_statistics(self.job.plan.layout, delta.state))
        if trouble is None:
            self.state = delta.state
        self._done.clear()
        self._queue.put(messages.RoundCombined(order.round, trouble))
        if self.watch is not None:
            self.watch(self)

    def _remember_own(self, share: int) -> None:
        future = self._done[share]
        for worker in self.client.who_has([future]).get(future.key, ()):
            self._own[worker] = self.client.submit(_state, future, workers=[worker], pure=False)

    def _score(self, order: messages.Score) -> None:
        began = time.monotonic()
        scorer = replace(self.scorer, weights=self.state.weights)
        try:
            self.training = self._measured(scorer, self.train, "train")
            if self.valid is not None:
                self.validation = self._measured(scorer, self.valid, "valid")
        except LostError:
            return  # nobody is left to score; the coordinator asks again when somebody joins
        values = None if self.validation is None else self.validation.values()
        seconds = time.monotonic() - began
        self._queue.put(messages.Scored(order.round, self.training.values(), values, seconds))

    def _measured(self, scorer: Scorer, table: Table, data: str) -> metrics.ModelMetrics:
        for attempt in range(ATTEMPTS):
            held = self._sent(scorer)
            adaptation, where = resident(table.adaptation), resident(table.where)
            key = f"{self.job.key}-{data}"
            scores = [
                self.client.submit(
                    tasks.score_task, key, held, adaptation, list(chunks), where, table.sample, number,
                    self.job.cache, key=f"score-{data}-{uuid.uuid4().hex}", pure=False,
                )
                for number, chunks in enumerate(table.parts)
            ]  # fmt: skip
            try:
                state = metrics.merged(self.client.gather(scores))
            except _LOST as cause:
                if attempt == ATTEMPTS - 1 or not workers_of(self.client):
                    raise LostError(str(cause)) from cause
                continue
            header = metrics.Header(data, table.description)
            return metrics.finish(scorer.predictor.category, state, scorer.options, header)
        raise AssertionError("unreachable")

    def _keep_best(self, order: messages.KeepBest) -> None:
        self.best = self.state

    def _restore_best(self, order: messages.RestoreBest) -> None:
        assert self.best is not None  # the coordinator asked to keep it before
        self.last, self.state = self.state, self.best

    def _log(self, order: messages.Log) -> None:
        self.events.append(order.text)

    def _finish(self, order: messages.Finish) -> None:
        self.finished = order

    def _nothing(self, order: Any) -> None:
        """Waiting is what the loop does anyway; a round that is rolled back was never taken over."""

    def _release(self) -> None:
        for future in self._running.values():
            future.cancel()
        self._running.clear()
        self._own.clear()
        self._weights = self._held = None


_CARRIERS: Mapping[type, Callable[[Shell, Any], None]] = {
    messages.TrainShare: Shell._train,
    messages.StopShares: Shell._stop_shares,
    messages.DropShare: Shell._drop,
    messages.CombineRound: Shell._combine,
    messages.Score: Shell._score,
    messages.KeepBest: Shell._keep_best,
    messages.RestoreBest: Shell._restore_best,
    messages.RollBack: Shell._nothing,
    messages.Save: Shell._nothing,
    messages.WaitForWorkers: Shell._nothing,
    messages.Log: Shell._log,
    messages.Finish: Shell._finish,
}


def _state(delta: Delta) -> State:
    """Return the state alone: a Delta at the beginning of a share would count as a part of that share."""
    return delta.state


def _outcome(delta: Delta) -> tuple[int, float]:
    return delta.samples, delta.seconds
