"""Reports of a running job sent to the scheduler, every second or two, for the page on the Dask dashboard."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Sequence
from typing import Self

from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.observer import Observer, layer_reports
from daskdl.coordinator.report import INTERVAL, LATER, TOPIC, YOUNG, LayerReport
from daskdl.model.status_table import layer_statistics
from daskdl.network.state import State
from daskdl.shell.cluster import Cluster
from daskdl.worker.kernel_plan import Plan

LAST_WORD = 1.0  # seconds that the end of a job waits for its last report to arrive


class Reporter:
    """What a shell tells of its job: it calls `seen` for every event, `network` after every round.

    It is entered while the job runs, and so learns where it breaks off. Nothing waits for a report but the end of a
    job, and a report that cannot be sent is an event of the job, no error.
    """

    def __init__(self, cluster: Cluster, coordinator: Coordinator, plan: Plan, job: str, model: str):
        self._cluster = cluster
        self._coordinator = coordinator
        self._plan = plan
        self.observer = Observer(job, model)
        self._state: State | None = None  # the network, where it is newer than what the observer shows of it
        self._sent = -LATER
        self._began = time.monotonic()
        self._pending: concurrent.futures.Future | None = None
        self._complained = False
        self._ended = False  # whether the last report is on its way

    def seen(
        self, event: messages.Event, instructions: Sequence[messages.Instruction]
    ) -> Sequence[messages.Instruction]:
        """Count an event and the instructions for it, which are returned; send a report if the last is a second old.

        That a job starts is told a quarter of a second later: a short one is over by then, and is told of once.
        """
        now = self._coordinator.watch.now
        self.observer.see(event, instructions, self._coordinator, now)
        over = any(isinstance(one, messages.Finish) for one in instructions)
        if over or (self._due and not isinstance(event, messages.Started)):
            self._send(now, last=over)
        return instructions

    def look(self, now: float) -> None:
        """Let time pass while the coordinator is lent, and nothing is known of what it does."""
        if self._due:
            self._send(now, last=False)

    def network(self, state: State) -> None:
        """Note the weights after a round; they are looked at when a report is sent."""
        self._state = state

    def back(self, observer: Observer, coordinator: Coordinator, state: State) -> None:
        """Go on with a coordinator that was lent, and with who counted what it did; `state` is its network."""
        self.observer, self._coordinator, self._state = observer.going_on(self.observer), coordinator, state

    @property
    def _due(self) -> bool:
        now = time.monotonic()
        return now - self._sent >= (INTERVAL if now - self._began < YOUNG else LATER)

    def _layers(self, state: State) -> list[LayerReport]:
        plan = self._plan
        last = plan.activation.name if plan.autoencoder else plan.distribution.output
        kinds = [*[plan.activation.name] * (plan.layout.depth - 1), last]
        return layer_reports(plan.layout.units[1:].tolist(), kinds, layer_statistics(plan.layout, state))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        """Send the last report, unless that was done: of a job that broke off, or ended while it was lent."""
        if error is not None:
            self.observer.broken = str(error) or type(error).__name__
        if error is not None or not self._ended:
            self._send(time.time(), last=True)

    def _send(self, now: float, last: bool) -> None:
        if self._pending is not None and not self._pending.done():
            if not last:
                return  # the scheduler is slow: what is new goes with the next report
            concurrent.futures.wait([self._pending], LAST_WORD)
        self._sent, self._ended = time.monotonic(), last
        if self._state is not None:
            self.observer.layers, self._state = self._layers(self._state), None
        report = self.observer.report(self._coordinator, now)
        self._pending = self._cluster.publish(TOPIC, report)
        self._pending.add_done_callback(self._arrived)
        if last:
            concurrent.futures.wait([self._pending], LAST_WORD)

    def _arrived(self, done: concurrent.futures.Future) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None and not self._complained:
            self._complained = True
            self._cluster.say(f"The dashboard could not be told of this job: {error}")
