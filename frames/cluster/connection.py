"""Calls to the scheduler of a client: answered soon, or ended with a sentence where the scheduler is gone. (D)

A client whose scheduler died tries to reach it again for half a minute, and so does whatever asks it meanwhile. But its
futures are lost with the connection, so nothing can come of waiting.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any

from frames.exceptions import H2OJobError

LOOK = 0.25  # seconds between two looks at the connection

Client = Any  # a distributed.Client that is not asynchronous: its methods answer at once, which its types cannot say


def begun(client: Client, function: Callable[..., Any], *arguments: Any, **options: Any) -> concurrent.futures.Future:
    """Call a method of a client in its event loop; return what will be its result.

    A wait of Dask that is given a time limit fails now and then where a result comes just when the time is up: the
    cancellation of its wait then meets another await. So the wait goes on there, and is only looked at from here.
    """

    async def call() -> Any:
        return await function(*arguments, **options)

    return asyncio.run_coroutine_threadsafe(call(), client.loop.asyncio_loop)


def followed(pending: concurrent.futures.Future, seconds: float, look: Callable[[], None]) -> Any:
    """Return what is waited for; every so many seconds `look` is called, which may end the wait with an error.

    Raises what the awaited call raises, and TimeoutError only if that is what it raised: patience here has no end.

    For instance ``followed(begun(client, client.scheduler.identity), 0.25, look)``.
    """
    while True:
        try:
            return pending.result(timeout=seconds)
        except TimeoutError:
            if pending.done():  # not our patience, but that of the call
                raise
        look()


def asked(client: Client, operation: str, **arguments: Any) -> Any:
    """Return the answer of the scheduler to a call that it answers at once; H2OJobError where it is gone.

    For instance ``asked(client, "identity", n_workers=0)``.
    """

    def look() -> None:
        if is_cut(client):
            raise gone(client)

    look()
    pending = begun(client, getattr(client.scheduler, operation), **arguments)
    try:
        return followed(pending, LOOK, look)
    except H2OJobError:
        raise
    except OSError as cause:
        raise gone(client) from cause
    finally:
        pending.cancel()


def is_cut(client: Client) -> bool:
    """Return whether the connection of a client was lost or closed; what it held is lost even where it comes back."""
    return client.status in ("connecting", "closing", "closed") or client.scheduler is None


def gone(client: Client, what: str = "The work") -> H2OJobError:
    """Return the error for a scheduler that does not answer; `what` begins its sentence."""
    return H2OJobError(
        f"{what} needs the scheduler at {address_of(client)}; the connection to it was closed. What this process had "
        "there is lost to it, and jobs beside a scheduler end with it. Connect again (h2o.init) and import the frames "
        "anew; a training with export_checkpoints_dir goes on from its last checkpoint with h2o.resume(folder)."
    )


def identity(client: Client) -> dict[str, Any]:
    """Return what the scheduler of a client says of itself and, under "workers", of all workers by address.

    `Client.scheduler_info` keeps its answer in a field that a periodic call for no workers at all overwrites: now and
    then that comes between the answer and the look at it, and a job would believe that all its workers are gone.
    Raises H2OJobError where the scheduler is gone.
    """
    return asked(client, "identity", n_workers=-1)


def address_of(client: Client) -> str:
    """Return the address of a client's scheduler."""
    found = getattr(client.scheduler, "address", None)
    return str(found or "an address that is not known any more")
