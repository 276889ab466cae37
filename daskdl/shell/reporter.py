"""Reports of a running job sent to the scheduler, once a second, for the page on the Dask dashboard."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Sequence
from typing import Self

from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.observer import Observer, layer_reports
from daskdl.coordinator.report import INTERVAL, TOPIC
from daskdl.coordinator.stopping import LayerStatistics
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
        self._observer = Observer(job, model)
        self._sent = -INTERVAL
        self._pending: concurrent.futures.Future | None = None
        self._complained = False

    def seen(
        self, event: messages.Event, instructions: Sequence[messages.Instruction]
    ) -> Sequence[messages.Instruction]:
        """Count an event and the instructions for it, which are returned; send a report if the last is a second old."""
        now = self._coordinator.watch.now
        self._observer.see(event, instructions, self._coordinator, now)
        over = any(isinstance(one, messages.Finish) for one in instructions)
        if over or time.monotonic() - self._sent >= INTERVAL:
            self._send(now, last=over)
        return instructions

    def network(self, statistics: Sequence[LayerStatistics]) -> None:
        """Note the weights of the layers after a round."""
        plan = self._plan
        last = plan.activation.name if plan.autoencoder else plan.distribution.output
        kinds = [*[plan.activation.name] * (plan.layout.depth - 1), last]
        self._observer.layers = layer_reports(plan.layout.units[1:].tolist(), kinds, statistics)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        """Send the last report of a job that broke off."""
        if error is not None:
            self._observer.broken = str(error) or type(error).__name__
            self._send(time.time(), last=True)

    def _send(self, now: float, last: bool) -> None:
        if self._pending is not None and not self._pending.done():
            if not last:
                return  # the scheduler is slow: what is new goes with the next report
            concurrent.futures.wait([self._pending], LAST_WORD)
        self._sent = time.monotonic()
        report = self._observer.report(self._coordinator, now)
        self._pending = self._cluster.publish(TOPIC, report)
        self._pending.add_done_callback(self._arrived)
        if last:
            concurrent.futures.wait([self._pending], LAST_WORD)

    def _arrived(self, done: concurrent.futures.Future) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None and not self._complained:
            self._complained = True
            self._cluster.say(f"The dashboard could not be told of this job: {error}")
