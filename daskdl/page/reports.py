"""The plugin of a scheduler that hears the reports of jobs, and what the scheduler knows of its workers."""

from __future__ import annotations

import time
from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

from daskdl.coordinator.report import TOPIC
from daskdl.page import prometheus
from daskdl.page.board import Board
from daskdl.page.columns import WorkerFacts

NAME = "daskdl"  # of the plugin, of the page's path, and of its entry in the navigation
CHUNK = "frames.chunks.chunk.Chunk"  # as Dask names the type of what a task returned
COUNTED = 5.0  # seconds for which a count of chunks holds: it looks at all that a worker has


class Reports(SchedulerPlugin):
    """Keeps the board of a scheduler: what was published before it came, and what comes."""

    name = NAME

    def __init__(self, scheduler: Any):
        self._scheduler = scheduler
        self.board = Board()
        self._chunks: dict[str, int] = {}
        self._counted = -COUNTED
        for heard, message in scheduler.get_events(TOPIC):
            self.board.take(message, heard)
        prometheus.show(self.board)

    def log_event(self, topic: str, msg: Any) -> None:
        """Take in what is published under our topic."""
        if topic == TOPIC:
            self.board.take(msg, time.time())

    def workers(self) -> list[WorkerFacts]:
        """Return what the scheduler knows of its workers."""
        now = time.time()
        if time.monotonic() - self._counted > COUNTED:
            self._counted = time.monotonic()
            self._chunks = {name: _chunks(one) for name, one in self._scheduler.workers.items()}
        return [
            WorkerFacts(
                address=one.address,
                threads=one.nthreads,
                cpu=float(one.metrics.get("cpu", 0.0)),
                memory=int(one.metrics.get("memory", 0)),
                limit=int(one.memory_limit or 0),
                spilled=int(one.memory.spilled),
                chunks=self._chunks.get(one.address, 0),
                silent=max(0.0, now - one.last_seen),
            )
            for one in self._scheduler.workers.values()
        ]


def _chunks(worker: Any) -> int:
    return sum(task.type == CHUNK for task in worker.has_what)


def reports_of(scheduler: Any) -> Reports:
    """Return the plugin of a scheduler; it is added where there is none yet."""
    found = scheduler.plugins.get(NAME)
    if not isinstance(found, Reports):
        found = Reports(scheduler)
        scheduler.add_plugin(found, name=NAME)
    return found


async def dask_setup(scheduler: Any) -> None:
    """Begin to listen for reports; Dask calls this when a scheduler runs that has this module as a preload."""
    reports_of(scheduler)
