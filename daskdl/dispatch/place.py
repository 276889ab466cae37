"""Where jobs run: in this process, or beside a scheduler that is another process. (D)"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import pickle
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import metadata
from typing import Any

from daskdl.dispatch import scheduler
from daskdl.dispatch.job import CREATED, Job, Record, named_extras
from daskdl.dispatch.parcel import Parcel, pack, unpack
from daskdl.dispatch.table import JobTable, new_key
from daskdl.dispatch.work import Progress, Work
from daskdl.model.model import Model
from daskdl.shell.cluster import Cluster
from daskdl.shell.halt import STOPPED, Stoppable
from daskdl.shell.interrupts import orderly
from daskdl.shell.shell import INTERRUPTED
from frames.cluster import registry
from frames.cluster.connection import Client, asked
from frames.exceptions import H2OJobError, tell
from frames.frame import H2OFrame

Started = Callable[[Stoppable], None]
News = tuple[Record, list[dict[str, Any]]]


class Place(ABC):
    """Runs jobs. What it keeps beyond the registry of this process is nothing, unless a subclass says otherwise."""

    @abstractmethod
    def run(self, work: Work, progress: Progress | None, started: Started | None = None) -> Model:
        """Do a job and return its model; Ctrl-C ends it with the model of the last finished round.

        `started` is given what stops the job, once whoever runs it has all that it needs.
        """

    @abstractmethod
    def look(self, key: str, seen: int, before: Record | None) -> News:
        """Return how a job is, and its history rows after the first `seen`, as soon as something is new."""

    @abstractmethod
    def stop(self, key: str, reason: str) -> None:
        """Ask a job to end soon."""

    @abstractmethod
    def take(self, key: str) -> Model:
        """Return the model of a job that is over; raises its error, or H2OJobError where it was removed meanwhile."""

    @abstractmethod
    def records(self) -> list[Record]:
        """Return all jobs that are known here, the oldest first."""

    def model(self, model_id: str) -> Model | None:
        """Return a model that a job made, None where it is not kept."""
        return None

    def frame(self, frame_id: str) -> H2OFrame | None:
        """Return a frame that a job reads while its client is gone, None where it is not kept."""
        return None

    def names(self) -> tuple[list[str], list[str]]:
        """Return the ids of models and of frames that are kept."""
        return [], []

    def remove(self, name: str) -> None:
        """Let go of a model or of a frame, where it is kept."""
        return


class Here(Place):
    """Jobs in threads of this process: they end with it, and the registry keeps what they make.

    For instance ``HERE.run(TrainWork(...), None)`` is a model.
    """

    def __init__(self) -> None:
        self._table = JobTable()

    def run(self, work: Work, progress: Progress | None, started: Started | None = None) -> Model:
        """Do a job in this thread."""
        job = Job(new_key(), work.key, work.description, "client")
        self._table.add(job)
        if started is not None:
            started(job.halt)
        try:
            return job.do(work, progress)
        finally:
            job.result = None  # whoever called has it

    def look(self, key: str, seen: int, before: Record | None) -> News:
        """Return how a job is, and new history rows."""
        job = self._table.get(key)
        if job.record() == before and not job.rows(seen):
            job.wait(scheduler.PATIENCE)
        return job.record(), job.rows(seen)

    def stop(self, key: str, reason: str) -> None:
        """Ask a job to end soon."""
        self._table.get(key).halt.stop(reason)

    def take(self, key: str) -> Model:
        """Return the model of a job; raises its error, or H2OJobError where it was removed meanwhile."""
        job = self._table.get(key)
        found: Any = registry.get(job.model_id)
        return found if job.error is None and hasattr(found, "resolved") else job.model()

    def records(self) -> list[Record]:
        """Return the jobs of this process."""
        return self._table.records()


class _Handle:
    """Stops one job of a place."""

    def __init__(self, place: Place, key: str) -> None:
        self._place, self._key = place, key

    def stop(self, reason: str = STOPPED) -> None:
        """Ask the job to end soon."""
        self._place.stop(self._key, reason)


class Beside(Place):
    """Jobs beside the scheduler of a client: they go on without it.

    For instance ``Beside(client).records()`` lists the jobs of a cluster.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, work: Work) -> str:
        """Begin a job; returns once the scheduler holds all that it needs."""
        key = new_key()
        self._ask("begin", (key, work.key, work.description), self._client.id, pack(work, self._client))
        record: Record | None = None
        while record is None or record.status == CREATED:
            record, _ = self.look(key, 0, record)
        return key

    def run(self, work: Work, progress: Progress | None, started: Started | None = None) -> Model:
        """Do a job there and follow it from here."""
        key = self.begin(work)
        if started is not None:
            started(_Handle(self, key))
        try:
            with orderly(lambda: self.stop(key, INTERRUPTED)):
                follow(self, key, progress)
        except BaseException as error:  # of a progress that gives the job up, or a second Ctrl-C
            self._abandon(key, error)
            raise
        return self.take(key)

    def _abandon(self, key: str, error: BaseException) -> None:
        """Stop a job that nobody waits for any more; where its scheduler is gone, so is the job."""
        with contextlib.suppress(H2OJobError):  # the scheduler is gone, and the job with it
            self.stop(key, f"Whoever waited for it gave it up ({type(error).__name__}).")

    def look(self, key: str, seen: int, before: Record | None) -> News:
        """Return how a job is, and new history rows; one that nobody knows any more went with its scheduler."""
        known = (-1.0, "") if before is None else (before.progress, before.status)
        return self._ask("look", key, seen, *known)

    def stop(self, key: str, reason: str) -> None:
        """Ask a job to end soon."""
        self._ask("stop", key, reason)

    def take(self, key: str) -> Model:
        """Fetch the model of a job."""
        return self._opened(self._ask("take", key))

    def records(self) -> list[Record]:
        """Return the jobs beside the scheduler, whoever began them."""
        return self._ask("records")

    def model(self, model_id: str) -> Model | None:
        """Fetch a model that a job made."""
        found = self._ask("model", model_id)
        return None if found is None else self._opened(found)

    def frame(self, frame_id: str) -> H2OFrame | None:
        """Fetch a frame that a job reads and whose client is gone."""
        found = self._ask("frame", frame_id)
        return None if found is None else unpack(found, self._client)

    def names(self) -> tuple[list[str], list[str]]:
        """Return the ids of the models and of the frames that the scheduler keeps."""
        return self._ask("names")

    def remove(self, name: str) -> None:
        """Let go of a model or of a frame."""
        self._ask("remove", name)

    def _opened(self, parcel: Parcel) -> Model:
        model = unpack(parcel, self._client)
        for name, thing in named_extras(model).items():
            registry.register(name, thing)
        return model

    def _ask(self, verb: str, *args: Any) -> Any:
        good, answer = pickle.loads(asked(self._client, scheduler.HANDLER, verb=verb, args=pickle.dumps(args)))
        if not good:
            raise answer
        return answer


def follow(place: Place, key: str, progress: Progress | None) -> Record:
    """Report the progress of a job until it is over, and return its last record."""
    seen, record = 0, None
    while record is None or not record.is_over:
        record, rows = place.look(key, seen, record)
        seen += len(rows)
        if progress is not None:
            wishes = [progress(record.progress, row) for row in rows or [None]]
            if any(wishes) and not record.is_over:
                place.stop(key, STOPPED)
    return record


HERE = Here()
_places: weakref.WeakKeyDictionary[Client, Place] = weakref.WeakKeyDictionary()


def place_for(frame: H2OFrame) -> Place:
    """Return where a job on a frame runs: with the cluster that its rows are on."""
    return place_of(Cluster.of(frame).client)


def place_of(client: Client) -> Place:
    """Return where jobs of a client's cluster run; says once where that is this process though it could be better."""
    if client not in _places:
        _places[client] = _chosen(client)
    return _places[client]


def _chosen(client: Client) -> Place:
    own = metadata.version("daskdl")
    try:
        # the import takes seconds: not in the thread in which the scheduler works
        client.run_on_scheduler(asyncio.to_thread, importlib.import_module, scheduler.__name__)
        here, version = client.run_on_scheduler(scheduler.install, scheduler.PROCESS, own)
    except Exception as cause:  # whatever keeps another process from importing what we send: told below
        tell(_driven_from_here(client, f"it cannot import daskdl ({type(cause).__name__}: {cause})"))
        return HERE
    if here:
        return HERE
    if version != own:
        tell(_driven_from_here(client, f"it has daskdl {version}, and this process {own}"))
        return HERE
    return Beside(client)


def _driven_from_here(client: Client, why: str) -> str:
    return (
        f"The scheduler at {client.scheduler.address} should drive trainings, so that they go on without this process; "
        f"{why}. They are driven from here and end with this process. Install the same daskdl for the scheduler."
    )
