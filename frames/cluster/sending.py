"""Tasks and values sent to the workers, and results brought back: on the cluster where the data lie. (D)"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from itertools import islice
from typing import Any

from dask.sizeof import sizeof
from dask.utils import key_split
from distributed import CancelledError, Future, as_completed

from frames.cluster import memory, session
from frames.cluster.connection import Client, identity
from frames.cluster.waiting import Watch, limit, lost, result_of
from frames.exceptions import H2OJobError

_TRAVELS = 64 * 2**10  # bytes of an argument that may be part of every task that needs it
_GRAPH = 8 * 2**20  # bytes up to which a value may be a task of its own, which Dask runs again when its worker dies
_work: ContextVar[str | None] = ContextVar("work", default=None)


@contextmanager
def tasks_named(work: str) -> Iterator[None]:
    """Begin the keys of tasks that this thread sends inside the block with a name; of nested names the first counts.

    Dask shows tasks by their keys, up to the first word that is not all letters: ``with tasks_named("frames-mean"):``
    shows them as `frames-mean-reduce` and the like.
    """
    if _work.get() is not None:
        yield
        return
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)


def client_of(*values: Any) -> Client:
    """Return the client of the first future among some values, also inside lists: work is done where its data lie.

    Only what reads no future goes to the cluster in use. Raises H2OJobError where the client of the data is closed.
    """
    near = _future_among(values)
    if near is None:
        return session.client()
    session.refuse_a_fork()
    client: Client = near.client
    if client.status in ("closing", "closed"):
        raise H2OJobError(
            "A frame must lie on a cluster that is connected; the connection to the one with its rows was closed. "
            "Connect again (h2o.init), and import the frame anew."
        )
    return client


def _future_among(values: Any) -> Future | None:
    """Return the first future; of the lists among the values only the beginning is searched: others may be long."""
    for value in reversed(values):  # the chunks come last
        if isinstance(value, Future):
            return value
    for value in values:
        if isinstance(value, list | tuple) and value and (found := _future_among(value[:1])) is not None:
            return found
    return None


def threads_of(client: Client) -> tuple[int, int]:
    """Return (workers, threads of all workers together) of a client's cluster, each at least 1."""
    workers = identity(client)["workers"].values()
    return max(1, len(workers)), max(1, sum(worker["nthreads"] for worker in workers))


def budget_of(client: Client) -> memory.Budget | None:
    """Return how the memory of a cluster's workers is divided; None where they have no limit."""
    return memory.smallest(identity(client)["workers"].values())


def submit(function: Callable, *arguments: Any) -> Future:
    """Send one task under a key of its own; futures among the arguments (also inside lists) become dependencies."""
    return client_of(*arguments).submit(function, *arguments, key=key_of(function), pure=False)


def submit_all(function: Callable, items: Sequence[Any], *shared: Any, priority: int = 0) -> list[Future]:
    """Send `function(item, *shared)` for every item in one message, under keys that nothing else has.

    Tasks of higher `priority` run first: what takes a result apart runs before the next result is made.

    What they share is positional and sent apart when large: a large keyword of `Client.map` would be stored under the
    bare keyword, so that the next call with the same keyword meets the earlier value.
    """
    if not items:
        return []
    client = client_of(*items[:1], *shared)
    everywhere = [resident(value, client, everywhere=True) for value in shared]
    repeated = [[value] * len(items) for value in everywhere]
    keys = [key_of(function) for _ in items]
    return client.map(function, items, *repeated, key=keys, pure=False, priority=priority)


def key_of(function: Callable) -> str:
    """Return a key that no other task has: what the work is called, what this task does, and a random end."""
    work, task = _plain(_work.get() or "frames"), _plain(getattr(function, "__name__", "task")).removesuffix("-task")
    return f"{work if work.endswith(f'-{task}') else f'{work}-{task}'}-{uuid.uuid4().hex}"


def _plain(name: str) -> str:
    """Return a name in letters and hyphens: Dask reads the name of a task up to its first other word.

    It takes eight letters that begin with one of a to f for the beginning of a hash; it does not where that is large.
    """
    words = re.sub("[^A-Za-z]+", "-", name).strip("-") or "task"
    return re.sub(r"\b[a-f]([a-zA-Z]{7})\b", lambda found: found[0].capitalize(), words)


def resident(value: Any, client: Client | None = None, everywhere: bool = False) -> Any:
    """Return a value as it should be given to many tasks: a small one as it is, a larger one as a future, sent once.

    `client` is that of the data it meets (None: of the cluster in use). With `everywhere` a large one goes to all
    workers at once: tasks without other inputs run where their inputs are, and would all crowd on the worker that holds
    it. Raises H2OJobError where no worker takes it.
    """
    if isinstance(value, Future) or (size := _size(value)) <= _TRAVELS:
        return value
    chosen: Client = client_of() if client is None else client
    if size <= _GRAPH and not everywhere:
        return chosen.submit(_itself, _Sealed(value), key=key_of(_itself), pure=False)
    # in a list: scatter would take a bare tuple apart
    return _scattered(chosen, [value], broadcast=everywhere)[0]


def travels(value: Any) -> bool:
    """Tell whether a value is so small that it may be part of every task that needs it."""
    return _size(value) <= _TRAVELS


def _scattered(client: Client, values: list[Any], **options: Any) -> list[Future]:
    what = "Sending values to the workers"
    return result_of(client, what, client.scatter, values, hash=False, timeout=limit(), **options)


def _size(value: Any) -> int:
    """Bytes of a value; Dask's own estimate does not look into dataclasses."""
    if is_dataclass(value):
        return sum(_size(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, dict) and any(map(is_dataclass, islice(value.values(), 10))):
        return sizeof(list(value)) + sum(map(_size, value.values()))
    if isinstance(value, list | tuple) and any(map(is_dataclass, value[:10])):
        return sum(map(_size, value))
    return sizeof(value)


@dataclass(frozen=True)
class _Sealed:
    """A value that Dask must not search for futures: that takes long in a tuple of a million levels."""

    value: Any


def _itself(sealed: _Sealed) -> Any:
    return sealed.value


def gather(futures: Any, what: str | None = None) -> Any:
    """Wait for small results and bring them here, as long as somebody works on them.

    `what` names them in the error: H2OJobError where no worker is there, or one took what they read with it.
    """
    if isinstance(futures, list) and not futures:
        return []
    client = client_of(futures)
    return result_of(client, what or _name_of(futures), client.gather, futures)


def _name_of(futures: Any) -> str:
    near = _future_among([futures])
    return "The work" if near is None else f"The work '{key_split(near.key)}'"


def send(values: Sequence[Any]) -> list[Future]:
    """Put values that were made in this process on the workers; they have no source, and are gone with their worker."""
    return _scattered(client_of(), list(values))


def arrivals(futures: Sequence[Future], what: str, with_results: bool = False) -> Iterator[Any]:
    """Return futures as they are done, whether well or badly; pairs (future, result) with `with_results`.

    `what` names them in the error: H2OJobError where no worker is there, or one took what they read with it.
    """
    if not futures:
        return
    client = client_of(*futures[:1])
    done: Any = as_completed(list(futures), loop=client.loop, with_results=with_results)
    watch = Watch(client, what)
    while not done.is_empty():
        if not done.has_ready():
            with done.thread_condition:
                done.thread_condition.wait(timeout=0.1)
            watch.look()
            continue
        found = next(done)
        future = found[0] if with_results else found
        if future.status in ("cancelled", "lost"):
            raise lost(client, what, CancelledError())
        yield found
