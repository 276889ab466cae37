"""Training jobs as Prometheus metrics, on the page `/metrics` that Dask's scheduler serves where prometheus_client is.

The registry of prometheus_client is one for the process, and so is the collector here; it knows the boards of all
schedulers of the process. Nothing is imported and nothing counted that the board does not hold anyway.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from daskdl.coordinator.report import ENDED, PARTS_OF_TIME
from daskdl.page.board import Board, Job

COUNTED = {
    "samples": ("daskdl_samples_trained", "Samples that workers trained, over all jobs."),
    "rounds": ("daskdl_rounds", "Rounds of training that were averaged, over all jobs."),
    "lost": ("daskdl_shares_lost", "Shares of rounds that were lost with a worker or failed on it."),
    "rerun": ("daskdl_shares_rerun", "Shares of rounds that a second worker was given."),
}


class Jobs:
    """The collector: what prometheus_client asks for metrics."""

    def __init__(self) -> None:
        self._boards: weakref.WeakSet[Board] = weakref.WeakSet()
        self._registered = False

    def add(self, board: Board) -> None:
        """Show the jobs of one more scheduler."""
        self._boards.add(board)
        if not self._registered:
            import_module("prometheus_client").REGISTRY.register(self)
            self._registered = True

    def collect(self) -> Iterator[Any]:
        """Yield the metrics as they are now."""
        counter, gauge = _families()
        totals = [board.totals for board in self._boards]
        for what, (name, text) in COUNTED.items():
            yield counter(name, text, value=sum(getattr(one, what) for one in totals))
        spent = counter("daskdl_job_seconds", "Seconds of jobs, by what they did in them.", labels=["part"])
        for part in PARTS_OF_TIME:
            spent.add_metric([part], sum(one.seconds[part] for one in totals))
        yield spent
        ended = counter("daskdl_jobs_ended", "Jobs that are over, by how they ended.", labels=["phase"])
        for phase in ENDED:
            ended.add_metric([phase], sum(one.ended[phase] for one in totals))
        yield ended
        running = self._running()
        yield gauge("daskdl_jobs_running", "Jobs that run and report.", value=len(running))
        yield from _of_each(running)

    def _running(self) -> list[Job]:
        now = time.time()
        jobs = [job for board in self._boards for job in board.jobs.values()]
        return [job for job in jobs if not job.over and not job.silence(now)]


def _of_each(running: list[Job]) -> Iterator[Any]:
    """Yield what is known of each running job."""
    _, gauge = _families()
    labels = ["job", "model"]
    done = gauge("daskdl_job_done_ratio", "Part of a running job's samples that is trained.", labels=labels)
    speed = gauge("daskdl_job_samples_per_second", "Samples per second of a running job's last round.", labels=labels)
    for job in running:
        report = job.report
        names = [report["job"], report["model"]]
        done.add_metric(names, min(1.0, report["done"] / max(1, report["target"])))
        if report["speed"] is not None:
            speed.add_metric(names, report["speed"])
    yield done
    yield speed


def _families() -> tuple[Any, Any]:
    """Return the classes of a counter and of a gauge: the package is optional, so it is looked up when it is asked."""
    core = import_module("prometheus_client.core")
    return core.CounterMetricFamily, core.GaugeMetricFamily


JOBS = Jobs()


def show(board: Board) -> None:
    """Show the jobs of a scheduler on its page `/metrics`; nothing happens where Dask serves no such page."""
    if "prometheus_client" in sys.modules:  # Dask imports it for that page, where it is installed
        JOBS.add(board)
