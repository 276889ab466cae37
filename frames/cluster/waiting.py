"""Waits on a cluster: they last while somebody works, and end with a sentence when nobody does. (D)

Work may take hours, so no clock limits it. What is watched is whether a worker is there that works: where none is for
as long as `patience` allows, or what is waited for went with its workers, the wait ends as an error. A worker that says
nothing for `SILENT` seconds is given up, and others do its work; Dask by itself would wait for it for five minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from distributed import CancelledError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker

from frames.cluster.connection import Client, address_of, begun, followed, gone, is_cut
from frames.cluster.silence import Heartbeats, give_up, least
from frames.exceptions import H2OJobError, tell

LOOK = 1.0  # seconds between two looks at the workers
SOON = 0.1  # seconds between two looks for the first of them
ANSWER = 5.0  # seconds that the scheduler has to say who is there
PATIENCE = 60.0  # seconds without a worker that works, unless `patience` says otherwise
SILENT = 30.0  # seconds without a heartbeat after which a worker is given up while something is waited for

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


def result_of(client: Client, what: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return the result of a client's method; `what` begins the sentence that says what was waited for.

    Raises H2OJobError where nobody works on it, or its workers took what it reads with them.

    Example: ``result_of(client, "The count", client.gather, client.submit(len, "abc"))`` is 3.
    """
    pending = begun(client, function, *arguments, asynchronous=True, **options)
    watch = Watch(client, what)
    try:
        return followed(pending, LOOK, watch.look)
    except TimeoutError:
        raise watch.nobody() from None  # Dask's own limit: no worker took it
    except (CancelledError, KilledWorker) as cause:
        raise lost(client, what, cause) from cause
    except OSError as cause:
        closed = is_cut(client) or isinstance(cause, CommClosedError)  # the latter may come before the client knows
        if closed and not isinstance(cause, H2OJobError):
            raise gone(client, what) from cause
        raise  # of the work itself, such as a file that is missing
    finally:
        pending.cancel()


def require_workers(client: Client, what: str) -> None:
    """Wait for a worker that works before `what` is begun; raises H2OJobError where none comes.

    Example: ``require_workers(client, "Training")``.
    """
    watch = Watch(client, what)
    while "running" not in _states(_workers(client)).values():
        watch.look()
        time.sleep(SOON)


class Watch:
    """Looks now and then, while something is waited for, whether anybody works; who is silent is given up.

    Example: ``watch = Watch(client, "The table")``, then ``watch.look()`` as often as wanted.
    """

    def __init__(self, client: Client, what: str) -> None:
        self._client, self._what = client, what
        self._looked = self._worked = time.monotonic()
        self._seen: dict[str, str] = {}
        self._beats = Heartbeats()

    def look(self) -> None:
        """Raise H2OJobError where nobody has worked for too long, or the client is closed."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        if is_cut(self._client):
            raise gone(self._client, self._what)
        found = _workers(self._client)
        self._seen = _states(found)
        for address, seconds in self._beats.look(found).items():
            if seconds > max(SILENT, least(len(found))):
                self._give_up(address, seconds)
        if "running" in self._seen.values():
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked >= limit():
            raise self.nobody()

    def _give_up(self, address: str, seconds: float) -> None:
        self._seen.pop(address, None)
        give_up(self._client, address)
        tell(
            f"{self._what} waited for worker {address}, which gave no sign of life for {seconds:.0f} seconds and is "
            "given up: others do its work. Where it comes back it is a new worker."
        )

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
            f"(dask worker {address_of(self._client)}), and repeat it."
        )


def lost(client: Client, what: str, cause: BaseException) -> H2OJobError:
    """Return the error that says that what was waited for is gone with its workers, or with the scheduler."""
    if isinstance(cause, KilledWorker):
        return H2OJobError(f"{what} must leave its workers alive; one after the other died of it. {cause}")
    if is_cut(client) or "scheduler-connection-lost" in str(cause):
        return gone(client, what)
    return H2OJobError(
        f"{what} reads rows that went with the workers that held them and have no source to be read from again "
        f"({cause or 'cancelled'}). Import the frame again from its files."
    )


def _workers(client: Client) -> dict[str, dict[str, Any]]:
    """Return what the scheduler says of each worker; empty where it does not answer."""
    asked = begun(client, client.scheduler.identity, n_workers=-1)
    try:
        return asked.result(timeout=ANSWER)["workers"]
    except (OSError, TimeoutError, CancelledError):  # nobody gives work to workers: the same to whoever waits
        asked.cancel()
        return {}


def _states(workers: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {address: str(about.get("status")) for address, about in workers.items()}
