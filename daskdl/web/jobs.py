"""Work that a page has begun: in threads of this process, with its progress, its end, and the wish to cancel it."""

from __future__ import annotations

import itertools
import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from frames.cluster import progress_bars

LOG = logging.getLogger("daskdl.web")
KEPT = 200  # jobs that are over and still listed
RUNNING, DONE, CANCELLED, FAILED = "running", "done", "cancelled", "failed"
_listening = threading.Lock()


class Cancelled(Exception):
    """Raised inside a job's work where it learns that nobody wants it any more."""


@dataclass
class Job:
    """One piece of work: what it is, how far it is, what came of it.

    `share` is in 0..1; `rows` are those of the scoring history so far; `result` is the address of the page that shows
    what was made; `stop` ends a training with the model so far, `measure` tells how far the work is
    and `on_cancel` gives it up, where the work offers that and does not report itself. Times are seconds since
    1970.
    """

    number: int
    title: str
    state: str = RUNNING
    share: float = 0.0
    note: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    error: str = ""
    result: str = ""
    began: float = field(default_factory=time.time)
    ended: float | None = None
    stop: Callable[[], None] | None = None
    measure: Callable[[], float] | None = None
    on_cancel: Callable[[], None] | None = None
    _wanted: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def report(self, done: float, row: dict[str, Any] | None = None) -> None:
        """Take note of progress, as `train` tells it; raises Cancelled where the job is not wanted any more."""
        self.share = max(self.share, min(1.0, float(done)))
        if row is not None:
            self.rows.append(row)
        if self._wanted.is_set():
            raise Cancelled

    @property
    def done(self) -> float:
        """How much is done, in 0..1."""
        return self.share if self.measure is None else max(self.share, min(1.0, self.measure()))

    def cancel(self) -> None:
        """Ask for an early end without a result; the work stops where it next reports."""
        if self.state == RUNNING:
            self.note = "Cancelling: it ends with the round, or the part of the file, that is under way."
            self._wanted.set()
            if self.on_cancel is not None:
                self.on_cancel()

    def end_early(self) -> None:
        """Ask for an early end with the model so far; without effect where the work cannot give one yet."""
        if self.state == RUNNING and self.stop is not None:
            self.note = "Stopping: the model so far is scored and kept."
            self.stop()

    @property
    def cancelling(self) -> bool:
        """Whether an end without a result was asked for."""
        return self._wanted.is_set()

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return (self.ended or time.time()) - self.began

    def wait(self, seconds: float) -> bool:
        """Wait for the end, but not longer than so many seconds; tell whether it is over."""
        return self._over.wait(seconds)

    def run(self, work: Callable[[Job], str]) -> None:
        """Do the work and keep what came of it."""
        try:
            with progress_bars.hidden():
                self.result = work(self)
            self.share, self.state = 1.0, DONE
        except Cancelled:  # as it was asked to
            self.state = CANCELLED
        except Exception as error:
            LOG.info("A job failed: %s", self.title, exc_info=error)
            self.error, self.state = str(error) or type(error).__name__, FAILED
        except BaseException as error:  # an interrupt or the end of the process: told, and passed on
            self.error, self.state = type(error).__name__, FAILED
            raise
        finally:
            self.note, self.ended = "", time.time()
            self.stop = self.measure = self.on_cancel = None
            self._over.set()


class Jobs:
    """All jobs of a server, newest first. Another home for jobs offers the same four methods."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(self, title: str, work: Callable[[Job], str]) -> Job:
        """Begin work in a thread; it is given the job, and returns the address of its result."""
        with self._lock:
            job = Job(next(self._numbers), title)
            self._jobs[job.number] = job
            self._forget_old()
        threading.Thread(target=job.run, args=(work,), name=f"daskdl-flow-{job.number}", daemon=True).start()
        return job

    def get(self, number: int) -> Job | None:
        """Return a job, None where there is none of this number."""
        return self._jobs.get(number)

    def all(self) -> list[Job]:
        """Return the jobs, newest first."""
        return [job for _, job in sorted(self._jobs.items(), reverse=True)]

    def cancel_all(self) -> None:
        """Ask every running job to end: the server closes."""
        for job in self.all():
            job.cancel()

    def _forget_old(self) -> None:
        over = [number for number, job in self._jobs.items() if job.state != RUNNING]
        for number in over[: max(0, len(over) - KEPT)]:
            del self._jobs[number]


@contextmanager
def heard(job: Job) -> Iterator[None]:
    """Keep what this thread warns of inside the block as sentences of a job.

    Python's warnings are of the process: one job at a time listens, and what other threads warn of goes its usual way.
    """
    own = threading.get_ident()
    with _listening, warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Any, category: Any, *rest: Any, **more: Any) -> None:
            if threading.get_ident() == own:
                job.told.append(str(message))
            else:
                usual(message, category, *rest, **more)

        warnings.simplefilter("always")
        warnings.showwarning = show
        yield
