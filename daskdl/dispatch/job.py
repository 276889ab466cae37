"""One job: its status, how far it is, and what came of it; written by the thread that works, read by any."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

from daskdl.dispatch.work import Work
from daskdl.model.model import Model
from daskdl.shell.halt import Halt
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame

CREATED, RUNNING, DONE, CANCELLED, FAILED = "CREATED", "RUNNING", "DONE", "CANCELLED", "FAILED"
OVER = (DONE, CANCELLED, FAILED)
CANCEL = "The job was cancelled."


class Record(NamedTuple):
    """What anybody may know of a job; times in milliseconds since 1970, 0 for what has not happened yet.

    `progress` is the share done, 0 to 1; `message` says why a job failed or ended early; `where` is "client" for a job
    that ends with the process that began it, "scheduler" for one that goes on without.
    """

    key: str
    model_id: str
    description: str
    status: str
    progress: float
    start_time: int
    end_time: int
    message: str
    where: str

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more."""
        return self.status in OVER


def named_extras(model: Model) -> dict[str, Any]:
    """Return the fold models and the frames that a model brings along, by the names under which they are found."""
    found: dict[str, Any] = {}
    for value in model.extras.values():
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, Model | H2OFrame):
                found[str(one.key)] = one
    return found


class Job:
    """A piece of work under way.

    For instance ``job = Job("job_1", work.key, work.description, "client")``, then ``job.do(work)`` in some thread.
    """

    def __init__(self, key: str, model_id: str, description: str, where: str, owner: str = "") -> None:
        self.key, self.model_id, self.owner = key, model_id, owner
        self.halt = Halt()
        self.result: Model | None = None
        self.error: Exception | None = None
        self.held: Mapping[str, H2OFrame] = {}  # frames that live as long as the job is listed
        self._description, self._where = description, where
        self._status, self._progress, self._message = CREATED, 0.0, ""
        self._rows: list[dict[str, Any]] = []
        self._times = (int(time.time() * 1000), 0)
        self._changed = threading.Condition()

    def do(self, work: Work, progress: Any = None) -> Model:
        """Do the work in this thread; what it raises is noted, and raised."""

        def report(done: float, row: dict[str, Any] | None = None) -> bool | None:
            self._note(done, row)
            return None if progress is None else progress(done, row)

        self.begin()
        try:
            model = work.run(report, self.halt)
        except BaseException as error:
            self.fail(error)
            raise
        self._end(CANCELLED if self.halt.reason is not None else DONE, model=model)
        return model

    def begin(self) -> None:
        """Say that all the work needs is there."""
        with self._changed:
            self._status = RUNNING
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """End the job with an error; one that was cancelled before it had a model counts as cancelled."""
        if not isinstance(error, Exception):  # a KeyboardInterrupt is raised to the end of its own thread only
            said = "".join(traceback.format_exception_only(error)).strip()
            self._end(CANCELLED, error=H2OJobError(f"Job {self.key} was broken off: {said}."))
            return
        self._end(CANCELLED if self.halt.reason is not None else FAILED, error=error)

    def _end(self, status: str, model: Model | None = None, error: Exception | None = None) -> None:
        with self._changed:
            self.result, self.error = model, error
            self._status, self._times = status, (self._times[0], int(time.time() * 1000))
            self._progress = 1.0 if model is not None else self._progress
            self._message = str(error) if error is not None else self.halt.reason or ""
            self._changed.notify_all()

    def _note(self, done: float, row: dict[str, Any] | None) -> None:
        with self._changed:
            self._progress = max(self._progress, min(1.0, float(done)))
            if row is not None:
                self._rows.append(row)
            self._changed.notify_all()

    def record(self) -> Record:
        """Return what is known now."""
        with self._changed:
            began, ended = self._times
            return Record(
                key=self.key,
                model_id=self.model_id,
                description=self._description,
                status=self._status,
                progress=self._progress,
                start_time=began,
                end_time=ended,
                message=self._message,
                where=self._where,
            )

    def rows(self, seen: int) -> list[dict[str, Any]]:
        """Return the rows of the scoring history after the first `seen`."""
        with self._changed:
            return self._rows[seen:]

    def wait(self, seconds: float) -> None:
        """Wait until something changes, or so many seconds."""
        with self._changed:
            if self._status not in OVER:
                self._changed.wait(seconds)

    def model(self) -> Model:
        """Return what came of the job; raises its error, or H2OJobError where the model is not kept any more."""
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise H2OJobError(
                f"The model of a job must still be kept; {self.model_id} of job {self.key} was removed, or newer ones "
                "took its place. Load it from its export_checkpoints_dir where one was given, or train again."
            )
        return self.result
