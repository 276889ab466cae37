"""The threads of one worker that train a mix of rows: windows, views, tickets. The number of threads leaves no trace.

A window of rows is gathered while the one before it trains. Inside a window no thread waits for another thread, only
for work that has to be done first (`kernels.tickets`), so more threads than cores, other jobs or a busy neighbour cost
no more than the time they take.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from daskdl.encoding.decoded import Design, empty_window
from daskdl.kernels.batches import EachBatch
from daskdl.kernels.optimizers import Clock
from daskdl.kernels.owners import EachRow
from daskdl.kernels.penalties import Penalties
from daskdl.kernels.spec import Spec
from daskdl.kernels.structs import Rows, Settings
from daskdl.kernels.tickets import FINISHED, READY, STOP, count, counters, reached, take
from daskdl.kernels.training import items_of_window, train_window
from daskdl.kernels.views import make_view, make_workspace
from daskdl.network.state import State
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.tail import Tail

f4 = np.float32
THREAD_WORK = 250_000  # weights times rows of a view that are worth a thread: some 25 microseconds


class MixLike(Protocol):
    """Samples in the order in which they train (trainer.Mix)."""

    @property
    def designs(self) -> tuple[Design, ...]: ...

    @property
    def row(self) -> np.ndarray: ...

    def window(self, low: int, high: int, rows: Rows, mean_weight: float) -> Rows: ...


class Window(NamedTuple):
    """Rows that were gathered, and what their steps need: the same for all threads, so made by one of them."""

    rows: Rows
    optimizer: Spec
    settings: Settings


class ThreadTeam:
    """Threads that move one state by the samples of a mix.

    `first` counts the samples of all workers before the mix, `pace` those of all workers per sample of it; `stopped` is
    asked before each window; `tail` is given the state at its moments. There are no more of them than have work.
    """

    def __init__(
        self,
        plan: Plan,
        state: State,
        pull: Any,
        mix: MixLike,
        first: float,
        pace: float,
        stopped: Callable[[], bool],
        tail: Tail,
        threads: int,
    ) -> None:
        samples = len(mix.row)
        self.plan, self.pull, self.mix, self.first, self.pace, self.stopped = plan, pull, mix, first, pace, stopped
        self.state, self.tail = state, tail
        self.network = plan.layout.network(state)
        columns = mix.designs[0].levels.shape[1]
        rows = plan.rows_per_view(samples)
        self.threads = max(1, min(threads, plan.layout.touched(columns) * rows // THREAD_WORK))
        self.view = make_view(self.network, columns, rows, plan.rows_per_batch(samples), self.threads)
        step = plan.rows_per_window(samples)
        self.edges = [at for low, high in itertools.pairwise(tail.cuts) for at in range(low, high, step)] + [samples]
        self.begins = np.concatenate([[0], np.cumsum([items_of_window(self.view, n) for n in np.diff(self.edges)])])
        self.buffers = [empty_window(min(step, samples), mix.designs[0]) for _ in range(min(2, len(self.edges) - 1))]
        self.windows: list[Window] = []
        self.sync = counters()
        self.failure: BaseException | None = None

    def train(self) -> int:
        """Train on the whole mix, or until stopped; return the samples trained.

        Raises what a thread raised, after all others have ended.
        """
        self._gather()
        if not self.windows:
            return 0
        others = [
            threading.Thread(target=self._guarded, args=(number,), name="daskdl-trainer")
            for number in range(1, self.threads)
        ]
        try:
            for other in others:
                other.start()
            self._work(0)
        except BaseException:
            self._end()
            raise
        finally:
            self._join(others)
        if self.failure is not None:
            raise self.failure
        done = self.edges[len(self.windows)]
        if done in self.tail.moments:
            self.tail.add(self.state)
        return done

    def _join(self, others: list[threading.Thread]) -> None:
        try:
            for other in others:
                if other.ident is not None:
                    other.join()
        except BaseException:  # Ctrl-C while waiting: nobody works on unseen
            self._end()
            self._join(others)
            raise

    def _end(self) -> None:
        count(self.sync, STOP)

    def _guarded(self, number: int) -> None:
        """Run a thread beside the caller's: where it fails all others end, and the caller learns why."""
        try:
            self._work(number)
        except BaseException as cause:
            self.failure = cause
            self._end()

    def _gather(self) -> None:
        """Gather the next window, unless training is to stop; tell those who wait for it."""
        number = len(self.windows)
        if number < len(self.edges) - 1 and not self.stopped():
            low, high = self.edges[number : number + 2]
            rows = self.mix.window(low, high, self.buffers[number % 2], self.plan.mean_weight)
            optimizer, rates = self.plan.optimizer.at(self._clock(low, -(-(high - low) // self.view.batch)))
            self.windows.append(Window(rows, optimizer, self.plan.settings._replace(rates=rates)))
        count(self.sync, READY)

    def _clock(self, low: int, steps: int) -> Clock:
        """Return when the steps from sample `low` on are; a batch that the end of a share cuts short counts as part."""
        plan = self.plan
        return Clock(
            samples=self.first + self.pace * low,
            batch=plan.batch,
            layers=plan.layout.depth,
            count=steps,
            pace=self.pace,
            target=plan.target,
            schedule=plan.schedule,
        )

    def _work(self, thread: int) -> None:
        """Do items of all windows; the thread with the first item of a window also gathers the following one."""
        plan = self.plan
        own = make_workspace(self.network, self.view, not plan.fast_mode and not plan.settings.stateless, thread)
        penalties = Penalties(f4(plan.l1), f4(plan.l2), f4(plan.max_w2))
        steps = EachRow() if self.view.batch == 1 else EachBatch()
        specs = steps, plan.activation.compiled, plan.distribution.compiled
        ticket, number = take(self.sync), 0
        while reached(self.sync, READY, number + 1) and number < len(self.windows):
            begin, end = int(self.begins[number]), int(self.begins[number + 1])
            rows, optimizer, settings = self.windows[number]
            fixed = (
                *specs, optimizer, penalties, self.pull, self.network, rows, settings, self.view, own, self.sync, begin,
            )  # fmt: skip
            if ticket == begin:
                if not self._remember(number, begin):
                    return
                ticket = train_window(*fixed, begin + 1, ticket)  # after that nobody reads the window before this one
                self._gather()
            ticket = train_window(*fixed, end, ticket)
            if ticket < 0:
                return
            number += 1

    def _remember(self, number: int, begin: int) -> bool:
        """Give the tail the state before a window, where it wants it; return False where the threads were to stop.

        The caller holds the first item of the window: until that is done no weight moves.
        """
        if self.edges[number] not in self.tail.moments:
            return True
        if not reached(self.sync, FINISHED, begin):
            return False
        self.tail.add(self.state)
        return True
