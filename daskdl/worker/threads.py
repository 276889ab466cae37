"""The threads of one worker that train a mix of rows: windows, views, tickets. The number of threads leaves no trace.

A window of rows is gathered while the one before it trains. Inside a window no thread waits for another thread, only
for work that has to be done first (`kernels.tickets`), so more threads than cores, other jobs or a busy neighbour cost
no more than the time they take.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from daskdl.encoding.decoded import Design, empty_window
from daskdl.kernels.batches import EachBatch
from daskdl.kernels.optimizers import Clock
from daskdl.kernels.owners import EachRow
from daskdl.kernels.spec import Spec
from daskdl.kernels.structs import Network, Rows, Settings
from daskdl.kernels.tickets import FINISHED, READY, STOP, count, counters, reached, take
from daskdl.kernels.training import items_of_window, train_window
from daskdl.kernels.views import Workspace, make_view, make_workspace
from daskdl.network.state import State
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.tail import Tail

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


class Gathering(NamedTuple):
    """Samples [low, high) of a mix that are gathered at once, for one window or for some short ones."""

    number: int
    low: int
    high: int


def gatherings(edges: Sequence[int], most: int) -> list[Gathering]:
    """Return which gathering each window between two edges is cut from: of at most so many samples, in their order.

    >>> [one.high for one in gatherings([0, 40, 50, 60, 160, 170], most=100)]
    [60, 60, 60, 160, 170]
    """
    found: list[Gathering] = []
    begun = 0  # the first window of the gathering
    for number in range(1, len(edges)):
        if number == len(edges) - 1 or edges[number + 1] - edges[begun] > most:
            before = found[-1].number + 1 if found else 0
            found += [Gathering(before, edges[begun], edges[number])] * (number - begun)
            begun = number
    return found


class Gear:
    """What the threads of a job work with: a view, windows of rows, a working space for each thread.

    One share leaves it to the next, for a share of few rows is trained in less time than it takes to make these anew.
    It serves one share at a time.
    """

    def __init__(self) -> None:
        self._asked: tuple[int, ...] | None = None

    def fit(self, network: Network, design: Design, rows: int, batch: int, threads: int, window: int) -> Gear:
        """Make what is not there yet for views of `rows` rows, and windows of `window` rows; return itself."""
        columns = design.levels.shape[1]
        asked = columns, design.width, rows, batch, threads, window
        if asked == self._asked:
            self.view.claims[:] = 0  # tickets begin anew with each share
            return self
        self._asked = asked
        self.view = make_view(network, columns, rows, batch, threads)
        self.windows = [empty_window(window, design) for _ in range(2)]
        self.spaces: dict[int, Workspace] = {}
        return self

    def space(self, network: Network, whole_table: bool, thread: int) -> Workspace:
        """Return the working space of a thread, who asks for it: memory is near the thread that writes it first."""
        if thread not in self.spaces:
            self.spaces[thread] = make_workspace(network, self.view, whole_table, thread)
        return self.spaces[thread]


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
        gear: Gear,
    ) -> None:
        samples = len(mix.row)
        self.plan, self.pull, self.mix, self.first, self.pace, self.stopped = plan, pull, mix, first, pace, stopped
        self.state, self.tail = state, tail
        self.network = plan.layout.network(state)
        columns = mix.designs[0].levels.shape[1]
        rows = plan.rows_per_view(samples)
        self.threads = max(1, min(threads, plan.layout.touched(columns) * rows // THREAD_WORK))
        step = plan.rows_per_window(samples)
        batch, window = plan.rows_per_batch(samples), min(step, samples)
        self.gear = gear.fit(self.network, mix.designs[0], rows, batch, threads=self.threads, window=window)
        self.view = self.gear.view
        self.steps = EachRow() if batch == 1 else EachBatch(), *plan.choices
        self.edges = [at for low, high in itertools.pairwise(tail.cuts) for at in range(low, high, step)] + [samples]
        items = (items_of_window(self.view, high - low) for low, high in itertools.pairwise(self.edges))
        self.begins = [0, *itertools.accumulate(items)]
        self.windows: list[Window] = []
        self.gatherings = gatherings(self.edges, window)
        self.gathered: tuple[Gathering, Rows] | None = None
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
            rows = self._rows(number, low, high)
            optimizer, rates = self.plan.optimizer.at(self._clock(low, -(-(high - low) // self.view.batch)))
            self.windows.append(Window(rows, optimizer, self.plan.settings._replace(rates=rates)))
        count(self.sync, READY)

    def _rows(self, number: int, low: int, high: int) -> Rows:
        """Return the samples of a window. Nobody reads the gathering before the last one when a new one is made."""
        wanted = self.gatherings[number]
        if self.gathered is None or self.gathered[0] != wanted:
            spare = self.gear.windows[wanted.number % 2]
            self.gathered = wanted, self.mix.window(wanted.low, wanted.high, spare, self.plan.mean_weight)
        rows = self.gathered[1]
        return Rows(*(array[low - wanted.low : high - wanted.low] for array in rows))

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
        own = self.gear.space(self.network, not plan.fast_mode and not plan.settings.stateless, thread)
        ticket, number = take(self.sync), 0
        while reached(self.sync, READY, number + 1) and number < len(self.windows):
            begin, end = self.begins[number : number + 2]
            rows, optimizer, settings = self.windows[number]
            fixed = (
                *self.steps, optimizer, plan.penalties, self.pull, self.network, rows, settings, self.view, own,
                self.sync, begin,
            )  # fmt: skip
            if ticket == begin:
                if not self._remember(number, begin):
                    return
                if self.threads > 1:  # after its first item nobody reads the window before this one
                    ticket = train_window(*fixed, begin + 1, ticket)
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
