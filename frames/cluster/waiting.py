"""Waits on a cluster: they last while somebody works, and end with a sentence when nobody does. (D)

Work may take hours, so no clock limits it. What is watched is whether a worker is there that works: where none is for
as long as `patience` allows, or what is waited for went with its workers, the wait ends as an error. A worker that says
nothing keeps its place until Dask removes it (`distributed.scheduler.worker-ttl`).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from distributed import CancelledError
from distributed.scheduler import KilledWorker

from frames.exceptions import H2OJobError

LOOK = 1.0  # seconds between two looks at the workers
SOON = 0.1  # seconds between two looks for the first of them
ANSWER = 5.0  # seconds that the scheduler has to say who is there
PATIENCE = 60.0  # seconds without a worker that works, unless `patience` says otherwise

Client = Any  # a distributed.Client that is not asynchronous: its methods answer at once, which its types cannot say

_patience: ContextVar[float] = ContextVar("patience", default=PATIENCE)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Let waits of this thread inside the block go on for so many seconds without a worker that works.

    Example: ``with patience(5.0): frame.mean()``.
    """
    before = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(before)


def limit() -> float:
    """Return how many seconds waits of this thread go on without a worker that works."""
    return _patience.get()


def begun(client: Client, function: Callable[..., Any], *arguments: Any, **options: Any) -> concurrent.futures.Future:
    """Call a method of a client in its event loop; return what will be its result.

    A wait of Dask that is given a time limit fails now and then where a result comes just when the time is up: the
    cancellation of its wait then meets another await. So the wait goes on there, and is only looked at from here.
    """

    async def call() -> Any:
        return await function(*arguments, **options)

    return asyncio.run_coroutine_threadsafe(call(), client.loop.asyncio_loop)


def result_of(client: Client, what: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return the result of a client's method; `what` begins the sentence that says what was waited for.

    Raises H2OJobError where nobody works on it, or its workers took what it reads with them.

    Example: ``result_of(client, "The count", client.gather, client.submit(len, "abc"))`` is 3.
    """
    pending = begun(client, function, *arguments, asynchronous=True, **options)
    watch = Watch(client, what)
    try:
        while True:
            try:
                return pending.result(timeout=LOOK)
            except TimeoutError:
                if pending.done():
                    raise watch.nobody() from None  # Dask's own limit: no worker took it
                watch.look()
    except (CancelledError, KilledWorker) as cause:
        raise lost(what, cause) from cause
    finally:
        pending.cancel()


def identity(client: Client) -> dict[str, Any]:
    """Return what the scheduler of a client says of itself and, under "workers", of all workers by address.

    `Client.scheduler_info` keeps its answer in a field that a periodic call for no workers at all overwrites: now and
    then that comes between the answer and the look at it, and a job would believe that all its workers are gone.
    """
    return client.sync(client.scheduler.identity, n_workers=-1)


def require_workers(client: Client, what: str) -> None:
    """Wait for a worker that works before `what` is begun; raises H2OJobError where none comes.

    Example: ``require_workers(client, "Training")``.
    """
    watch = Watch(client, what)
    while "running" not in _states(client).values():
        watch.look()
        time.sleep(SOON)


class Watch:
    """Looks now and then, while something is waited for, whether anybody works.

    Example: ``watch = Watch(client, "The table")``, then ``watch.look()`` as often as wanted.
    """

    def __init__(self, client: Client, what: str) -> None:
        self._client, self._what = client, what
        self._looked = self._worked = time.monotonic()
        self._seen: dict[str, str] = {}

    def look(self) -> None:
        """Raise H2OJobError where nobody has worked for too long, or the client is closed."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        if self._client.status in ("closing", "closed"):
            raise H2OJobError(
                f"{self._what} needs the cluster that it is on; the connection to {_address(self._client)} was closed "
                "meanwhile. Connect again (h2o.init), and import the frames anew."
            )
        self._seen = _states(self._client)
        if "running" in self._seen.values():
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked >= limit():
            raise self.nobody()

    def nobody(self) -> H2OJobError:
        """Return the error that says that nobody works."""
        states = sorted(set(self._seen.values()))
        if states:
            remedy = "A paused worker is out of memory: give it more, or start others"
            there = f"{len(self._seen)} worker(s) were there, all of them {' or '.join(states)}"
        else:
            remedy = "Start some"
            there = "none was there"
        return H2OJobError(
            f"{self._what} needs a worker that works; for {limit():g} seconds {there}. {remedy} "
            f"(dask worker {_address(self._client)}), and repeat it."
        )


def lost(what: str, cause: BaseException) -> H2OJobError:
    """Return the error that says that what was waited for is gone with its workers."""
    if isinstance(cause, KilledWorker):
        return H2OJobError(f"{what} must leave its workers alive; one after the other died of it. {cause}")
    return H2OJobError(
        f"{what} reads rows that went with the workers that held them and have no source to be read from again "
        f"({cause or 'cancelled'}). Import the frame again from its files."
    )


def _states(client: Client) -> dict[str, str]:
    """Return address -> state of the workers; empty where the scheduler does not answer."""
    asked = begun(client, client.scheduler.identity, n_workers=-1)
    try:
        found = asked.result(timeout=ANSWER)["workers"]
    except (OSError, TimeoutError, CancelledError):  # nobody gives work to workers: the same to whoever waits
        asked.cancel()
        return {}
    return {address: str(about.get("status")) for address, about in found.items()}


def _address(client: Client) -> str:
    return client.scheduler.address if client.scheduler is not None else "its scheduler"
