"""The jobs of one process, by key: those under way, and the last of those that are over."""

from __future__ import annotations

import threading
import uuid

from daskdl.dispatch.job import Job, Record
from frames.exceptions import H2OResponseError

REMEMBERED = 1000  # jobs that are over and still listed


def new_key() -> str:
    """Return a key that no other job has."""
    return f"job_{uuid.uuid4().hex[:12]}"


class JobTable:
    """Jobs in the order in which they began. `kept_bytes` bounds the models of finished jobs; the oldest go first.

    For instance ``table = JobTable()``, ``table.add(job)``, ``table.records()``.
    """

    def __init__(self, kept_bytes: int = 0) -> None:
        self._jobs: dict[str, Job] = {}
        self._sizes: dict[str, int] = {}
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        """List a job; forget the oldest that are over where there are too many."""
        with self._lock:
            self._jobs[job.key] = job
            over = [key for key, one in self._jobs.items() if one.record().is_over]
            for key in over[: max(0, len(over) - REMEMBERED)]:
                self._drop(key)

    def get(self, key: str) -> Job:
        """Return a job; H2OResponseError where there is none of that key."""
        job = self._jobs.get(key)
        if job is None:
            raise H2OResponseError(f"A job must be one that is listed; there is no job '{key}'. h2o.jobs() lists them.")
        return job

    def of_model(self, model_id: str) -> Job | None:
        """Return the last job that made, or makes, a model; None if no listed one does."""
        with self._lock:
            return next((one for one in reversed(self._jobs.values()) if one.model_id == model_id), None)

    def jobs(self) -> list[Job]:
        """Return all listed jobs, the oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def records(self) -> list[Record]:
        """Return what is known of every job, the oldest first."""
        return [one.record() for one in self.jobs()]

    def weigh(self, key: str, size: int) -> None:
        """Note how many bytes the model of a job takes; models are let go, the oldest first, until all fit."""
        with self._lock:
            self._sizes[key] = size
            for old in list(self._sizes):
                if sum(self._sizes.values()) <= self._kept_bytes or old == key:
                    break
                self._sizes.pop(old)
                self._jobs[old].result, self._jobs[old].held = None, {}

    def remove(self, name: str) -> None:
        """Let go of a model, or of a frame, of jobs; the jobs stay listed."""
        with self._lock:
            for job in self._jobs.values():
                if job.model_id == name:
                    job.result = None
                    self._sizes.pop(job.key, None)
                job.held = {key: frame for key, frame in job.held.items() if key != name or not job.record().is_over}

    def _drop(self, key: str) -> None:
        self._jobs.pop(key, None)
        self._sizes.pop(key, None)
