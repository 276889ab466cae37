"""Jobs beside the scheduler: a plugin of it that owns the jobs, their threads, and a client of its own. (D)

A job here does not end with the client that began it. The coordinator's threads do little: what is long is done by the
workers. Clients talk to the plugin by one handler of the scheduler, `daskdl_jobs`, in bytes.
"""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
import time
import uuid
from collections.abc import Callable
from importlib import metadata
from typing import Any

import cloudpickle
from distributed import Client, Scheduler, SchedulerPlugin
from distributed.security import Security

from daskdl.dispatch.job import FAILED, Job, named_extras
from daskdl.dispatch.parcel import Parcel, pack, unpack
from daskdl.dispatch.table import JobTable
from daskdl.dispatch.work import Work
from frames.cluster import registry, session

NAME = "daskdl-jobs"
HANDLER = "daskdl_jobs"
PROCESS = uuid.uuid4().hex  # tells whether two pieces of code run in the same process
KEPT = 2**30  # bytes of models of finished jobs
PATIENCE = 0.5  # seconds that a question for news is kept waiting where there are none
LOOK = 0.02  # seconds between looks for them


def install(process: str, version: str, dask_scheduler: Scheduler) -> tuple[bool, str]:
    """Make a scheduler ready for the jobs of clients in other processes that have the same version of daskdl.

    Returns whether it is in the process of the client that asks, and its version.
    """
    own = metadata.version("daskdl")
    if process != PROCESS and version == own and NAME not in dask_scheduler.plugins:
        dask_scheduler.add_plugin(Jobs(dask_scheduler), name=NAME)
    return process == PROCESS, own


def as_client(security: Security) -> Security:
    """Return what a client in a scheduler's process shows of itself over TLS: the scheduler's certificate, where it has
    no other.

    `dask scheduler --tls-cert` names that of the scheduler only.
    """
    if security.tls_client_cert or not security.tls_scheduler_cert:
        return security
    same = copy.copy(security)
    same.tls_client_cert, same.tls_client_key = security.tls_scheduler_cert, security.tls_scheduler_key
    return same


class Jobs(SchedulerPlugin):
    """The jobs of a scheduler.

    For instance ``client.run_on_scheduler(install)``, then `daskdl.dispatch.beside.Beside(client)` talks to it.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._table = JobTable(KEPT)
        self._client: Client | None = None
        self._lock = threading.Lock()
        scheduler.handlers[HANDLER] = self.handle

    async def handle(self, verb: str, args: bytes) -> bytes:
        """Answer one question; the answer is (True, value) or (False, error), in bytes."""
        try:
            answer = True, await _VERBS[verb](self, *pickle.loads(args))
        except Exception as error:  # handed to the client, which raises it
            answer = False, error
        return cloudpickle.dumps(answer)

    def statuses(self) -> list[str]:
        """Return the status of every job that is listed."""
        return [record.status for record in self._table.records()]

    async def close(self) -> None:
        """Let the jobs go: their scheduler ends."""
        for job in self._table.jobs():
            job.halt.stop("The scheduler was closed.")
        client, self._client = self._client, None
        if client is not None:
            await asyncio.get_running_loop().run_in_executor(None, client.close, 5)

    # ---- verbs -------------------------------------------------------------------------------------------------
    async def _begin(self, job: tuple[str, str, str], owner: str, parcel: Parcel) -> None:
        key, model_id, description = job
        new = Job(key, model_id, description, "scheduler", owner)
        self._table.add(new)
        threading.Thread(target=self._run, args=(new, parcel), name=f"daskdl-{key}", daemon=True).start()

    async def _look(self, key: str, seen: int, progress: float, status: str) -> Any:
        """Return (record, new history rows), after a moment where nothing has changed."""
        job, until = self._table.get(key), time.monotonic() + PATIENCE
        while True:
            record, rows = job.record(), job.rows(seen)
            if rows or (record.progress, record.status) != (progress, status) or time.monotonic() > until:
                return record, rows
            await asyncio.sleep(LOOK)

    async def _stop(self, key: str, reason: str) -> None:
        # in a thread: a shell that is told takes a lock
        await asyncio.to_thread(self._table.get(key).halt.stop, reason)

    async def _records(self) -> Any:
        return self._table.records()

    async def _take(self, key: str) -> Parcel:
        return await self._parcel(self._table.get(key).model)

    async def _model(self, model_id: str) -> Parcel | None:
        job = self._table.of_model(model_id)
        return None if job is None or job.result is None else await self._parcel(job.model)

    async def _frame(self, frame_id: str) -> Parcel | None:
        for job in reversed(self._table.jobs()):
            if (found := job.held.get(frame_id)) is not None:
                return await self._parcel(lambda one=found: one)
        return None

    async def _names(self) -> tuple[list[str], list[str]]:
        """Return the ids of the models and of the frames that are kept."""
        jobs = self._table.jobs()
        return [one.model_id for one in jobs if one.result is not None], [name for one in jobs for name in one.held]

    async def _remove(self, name: str) -> None:
        self._table.remove(name)

    async def _parcel(self, made: Callable[[], Any]) -> Parcel:
        return await asyncio.to_thread(lambda: pack(made(), self._own_client()))

    # ---- threads -----------------------------------------------------------------------------------------------
    def _own_client(self) -> Client:
        """Return the client of all jobs; it is made at the first need, never in the scheduler's own thread."""
        with self._lock:
            if self._client is None or self._client.status == "closed":
                security = as_client(self._scheduler.security)
                self._client = Client(
                    self._scheduler.address, security=security, set_as_default=False, name="daskdl-jobs"
                )
                session.set_client(self._client)  # for what reads no rows, and so does not know where they are
            return self._client

    def _run(self, job: Job, parcel: Parcel) -> None:
        try:
            client = self._own_client()
            work: Work = unpack(parcel, client)
            job.held = work.frames
            with client.as_current():
                model = job.do(work)
            for name in named_extras(model):  # whoever fetches the model registers them where they are used
                registry.remove(name)
            self._table.weigh(job.key, sum(one.nbytes for one in (model.state, model.last) if one is not None))
        except Exception as error:  # noted in the job, for whoever asks
            if not job.record().is_over:
                job.fail(error)
        if job.record().status == FAILED or job.owner in self._scheduler.clients:
            job.held = {}  # whoever began it has the frames; where that client is gone, the next one may ask for them


_VERBS: dict[str, Callable[..., Any]] = {
    "begin": Jobs._begin,
    "look": Jobs._look,
    "stop": Jobs._stop,
    "records": Jobs._records,
    "take": Jobs._take,
    "model": Jobs._model,
    "frame": Jobs._frame,
    "names": Jobs._names,
    "remove": Jobs._remove,
}
