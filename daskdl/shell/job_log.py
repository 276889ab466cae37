"""What a job writes to the logger `daskdl`: a line when it begins, one when it ends, and one for each mishap.

Every record has fields besides its sentence, for logs that are searched by them: `event` (begin, end, broke-off, or the
kind of a mishap such as worker-lost), `job`, `model`, and numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Self

from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.shell.cluster import LOG

MISHAPS = frozenset(("worker-lost", "share-failed", "save-failed"))
QUIET = frozenset(("resized",))  # part of the model's record, no news for whoever runs a cluster


class JobLog:
    """Writes the lines of one job; it is entered while the job runs, and so tells of one that breaks off."""

    def __init__(self, job: str, model: str) -> None:
        self._known = {"job": job, "model": model}

    def _write(self, level: int, event: str, text: str, fields: Mapping[str, Any] | None = None) -> None:
        LOG.log(level, text, extra={"event": event, **self._known, **(fields or {})})

    def begin(self, coordinator: Coordinator, workers: Mapping[str, int]) -> None:
        """Say what is to be trained, and on how many workers."""
        plan, progress = coordinator.plan, coordinator.progress
        rows, threads = sum(plan.rows), sum(workers.values())
        text = (
            f"Job {self._known['job']} begins: {plan.target - progress.done} samples of {rows} rows in "
            f"{len(plan.rows)} partitions, on {len(workers)} workers with {threads} threads."
        )
        fields = {"rows": rows, "partitions": len(plan.rows), "workers": len(workers), "threads": threads}
        self._write(logging.INFO, "begin", text, {**fields, "samples": plan.target - progress.done})

    def note(self, log: messages.Log) -> None:
        """Say what has happened to a worker, a share or a checkpoint."""
        level = logging.WARNING if log.kind in MISHAPS else logging.DEBUG if log.kind in QUIET else logging.INFO
        self._write(level, log.kind, log.text, {"worker": log.worker} if log.worker else None)

    def end(self, finish: messages.Finish, coordinator: Coordinator, times: Mapping[str, float]) -> None:
        """Say how the job ended, and where its time went: `times` are seconds by `PARTS_OF_TIME`."""
        progress = coordinator.progress
        parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in times.items())
        text = (
            f"Job {self._known['job']} ended ({finish.reason}) after {progress.elapsed:.1f} seconds, {progress.round} "
            f"rounds and {progress.samples} samples: {parts}."
        )
        fields = {"reason": finish.reason, "seconds": progress.elapsed, "rounds": progress.round}
        spent = {f"seconds_{part}": seconds for part, seconds in times.items()}
        self._write(logging.INFO, "end", text, {**fields, "samples": progress.samples, **spent})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        if error is not None:
            said = str(error) or type(error).__name__
            self._write(logging.ERROR, "broke-off", f"Job {self._known['job']} broke off: {said}")
