"""The board of a scheduler: a plugin that hears the reports of jobs, and what the scheduler knows of its workers."""

from __future__ import annotations

import time
from typing import Any

from bokeh.document import Document
from distributed.diagnostics.plugin import SchedulerPlugin

from daskdl.coordinator.report import TOPIC
from daskdl.page.board import Board
from daskdl.page.columns import WorkerFacts
from daskdl.page.document import Page

NAME = "daskdl"  # of the plugin, of the page's path, and of its entry in the navigation
MILLISECONDS = 1000  # between two updates of an open page
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


def document(scheduler: Any, extra: dict[str, Any], doc: Document) -> None:
    """Fill the document of a browser that opens the page; `extra` is what Dask's templates need."""
    from distributed.dashboard.components.scheduler import BOKEH_THEME, env

    reports = reports_of(scheduler)
    page = Page(reports.board, reports.workers)
    doc.add_root(page.root)
    doc.add_periodic_callback(page.update, MILLISECONDS)
    doc.title = "daskdl: training jobs"
    doc.template = env.get_template("simple.html")
    doc.template_variables.update(extra)
    doc.theme = BOKEH_THEME


def enter_navigation(scheduler: Any) -> None:
    """Put the page into the navigation of all pages of a scheduler."""
    from distributed.dashboard.scheduler import template_variables

    pages = template_variables(scheduler)["pages"]  # one list for each scheduler: what is put in, all its pages show
    if NAME not in pages:
        pages.insert(1, NAME)
