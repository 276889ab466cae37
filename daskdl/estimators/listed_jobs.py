"""Jobs as h2o.jobs() lists them, wherever they run and whoever began them: how far, how they ended, their models."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from daskdl.estimators.progress import ModelProgress
from daskdl.metrics.table import H2OTwoDimTable
from frames.cluster import progress_bars, registry

if TYPE_CHECKING:
    from daskdl.dispatch.job import Record
    from daskdl.dispatch.place import Place

HEAD = ("job", "model", "status", "progress", "time", "message")


class ListedJob:
    """One training. Reading an attribute asks how the job is now.

    For instance ``job = h2o.jobs()[-1]``, then ``job.progress``, ``job.cancel()``.
    """

    def __init__(self, place: Place, key: str, opened: Callable[[Any], Any], record: Record | None = None) -> None:
        self._place, self._key, self._opened, self._last = place, key, opened, record

    def _record(self) -> Record:
        if self._last is None or not self._last.is_over:
            self._last, _ = self._place.look(self._key, 0, None)
        return self._last

    @property
    def key(self) -> str:
        """The key of the job."""
        return self._key

    @property
    def model_id(self) -> str:
        """The id of the model that it makes."""
        return self._record().model_id

    @property
    def description(self) -> str:
        """What the job does."""
        return self._record().description

    @property
    def status(self) -> str:
        """CREATED, RUNNING, DONE, CANCELLED (with a model, where a round was finished) or FAILED."""
        return self._record().status

    @property
    def progress(self) -> float:
        """The share of the work that is done, 0 to 1."""
        return self._record().progress

    @property
    def message(self) -> str:
        """Why the job failed or was ended early; empty otherwise."""
        return self._record().message

    @property
    def start_time(self) -> int:
        """When it began: milliseconds since 1970."""
        return self._record().start_time

    @property
    def end_time(self) -> int:
        """When it ended: milliseconds since 1970, 0 as long as it goes on."""
        return self._record().end_time

    @property
    def outlives_client(self) -> bool:
        """Whether the job goes on when this process ends."""
        return self._record().where == "scheduler"

    # h2o-py's names
    job_key = key
    dest_key = model_id

    def is_running(self) -> bool:
        """Tell whether the job is not over yet."""
        return not self._record().is_over

    def cancel(self) -> None:
        """Ask the job to end soon, with the model of the last finished round; join() waits for it."""
        self._place.stop(self._key, "The job was cancelled.")

    def join(self) -> Any:
        """Wait until the job is over and return the estimator of its model.

        An error of the training is raised here. Ctrl-C ends the training with the model of the last finished round.
        """
        from daskdl.dispatch.place import follow
        from daskdl.shell.interrupts import orderly
        from daskdl.shell.shell import INTERRUPTED

        with (
            ModelProgress(shown=progress_bars.shown()) as progress,
            orderly(lambda: self._place.stop(self._key, INTERRUPTED)),
        ):
            self._last = follow(self._place, self._key, progress)
        model = self._place.take(self._key)
        registry.register(model.key, model)
        return self._opened(model)

    poll = join

    def _cells(self) -> list[Any]:
        record = self._record()
        end = record.end_time or time.time() * 1000
        seconds = f"{(end - record.start_time) / 1000:.1f} s"
        return [record.key, record.model_id, record.status, f"{record.progress:.0%}", seconds, record.message]

    def __repr__(self) -> str:
        key, model_id, status, progress, seconds, message = self._cells()
        return f"ListedJob({key}: {model_id}, {status}, {progress} after {seconds}{': ' + message if message else ''})"

    def _repr_html_(self) -> str:
        return Jobs([self])._repr_html_()


class Jobs(list[ListedJob]):
    """A list of jobs, the oldest first, that shows as a table."""

    def of_model(self, model_id: str) -> ListedJob | None:
        """Return the last job of a model; None if there is none."""
        return next((job for job in reversed(self) if job.model_id == model_id), None)

    def table(self) -> H2OTwoDimTable:
        """Return the jobs as a table: job, model, status, progress, time, message."""
        return H2OTwoDimTable("Jobs", "", HEAD, ["string"] * len(HEAD), [job._cells() for job in self])

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()
