"""The cluster in use: the one place that knows the current client. (D)"""

import asyncio
import atexit
import logging
import os
import threading
import warnings
import weakref
from collections.abc import Sequence
from typing import Any

import dask
import distributed
from distributed.client import _global_clients
from distributed.worker import thread_state
from distributed.worker_memory import parse_memory_limit

from frames.cluster import memory, registry
from frames.cluster.children import shield
from frames.cluster.pages import Worker, serve_later
from frames.exceptions import H2OResponseError, H2OTypeError, H2OValueError
from frames.text import zones

_LOG = logging.getLogger("daskdl")
_lock = threading.RLock()
_current: distributed.Client | None = None
_embedded: tuple[distributed.Client, distributed.LocalCluster] | None = None
_used = False  # whether this process ever had a client
_left: list[Any] = []  # in a forked child: what came along without its threads

_MOST_CHUNKS = 0.5  # of the limit: chunks above it go to disk, counted by their own bytes
_CONFIG = {
    # These two look at the whole process, which is the user's too: a notebook with large tables of its own would make
    # the worker pause for ever.
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    # A computer that slept for minutes has a worker that was silent for minutes, and is as well as ever.
    "distributed.scheduler.worker-ttl": None,
    # It drops replicas that a broadcast has just made.
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.admin.tick.limit": "30s",
    # Ten looks a second at what tasks are doing are enough for Dask's page of them: a hundred, which is Dask's default,
    # take 3 % of a core for as long as the process lives (measured), and from small jobs the interpreter.
    "distributed.worker.profile.interval": "100ms",
}


def client() -> distributed.Client:
    """Return the client in use: inside a task that of the worker, else the one given by `set_client`, else that of the
    embedded cluster, which is started on first use.

    Raises H2OResponseError where the one that was given is closed, and in a child that was forked after the first use.
    """
    refuse_a_fork()
    if getattr(thread_state, "execution_state", None) is not None:
        return distributed.get_client()
    with _lock:
        if _current is None or is_embedded():
            return start()
        if _current.status in ("closing", "closed"):
            raise H2OResponseError(
                "The client in use must be open; it was closed, and with it went what this process had on its cluster. "
                "Connect again: h2o.init(address=...) or h2o.init(client=...). Without either, h2o.init() starts a "
                "cluster inside this process."
            )
        return _current


def set_client(new: distributed.Client | None) -> None:
    """Use this client from now on; None forgets the one in use (an embedded cluster then starts at the next need).

    Raises H2OTypeError for anything else, H2OValueError for a client that is closed or asynchronous, and
    H2OResponseError in a child that was forked after the first use.
    """
    global _current
    refuse_a_fork()
    if new is not None and not isinstance(new, distributed.Client):
        raise H2OTypeError(f"A client must be a distributed.Client; got {type(new).__name__}.")
    if new is not None and new.status in ("closed", "closing"):
        raise H2OValueError(f"A client must be open; got {new}. Connect a new one.")
    if new is not None and new.asynchronous:
        raise H2OValueError(
            "A client must not be asynchronous: frames wait for their numbers. Give Client(address), also inside an "
            "event loop: it has a thread of its own, and start() trains without holding yours up."
        )
    if new is not None and new is not _current:
        shield(new)
    with _lock:
        _current = new
        if new is not None:
            _adopt()


def refuse_a_fork() -> None:
    """Raise H2OResponseError in a child that was forked after the first use of a client.

    Whatever waits for a thread that stayed in the parent would wait for ever, so nothing is begun.
    """
    if _left:
        raise H2OResponseError(
            "A process must use the cluster from its own threads; this one was forked from a process that used it, and "
            'threads are not forked. Start such processes with multiprocessing.get_context("spawn") (joblib: its '
            "default), or fork before h2o.init() and the first frame."
        )


def _forked() -> None:
    """Forget the client in every forked child, and keep exit handlers from waiting for the parent's threads."""
    global _lock, _current, _embedded
    _lock = threading.RLock()  # a thread of the parent may have held it
    if _used:
        _left.extend([_current, _embedded, *distributed.SpecCluster._instances])
        _current = _embedded = None
        distributed.SpecCluster._instances.clear()
        _global_clients.clear()  # dask's default: `ddf.compute()` would ask it
        for final in list(weakref.finalize._registry):  # type: ignore[attr-defined]  no public way to list them
            found = final.peek()
            if found is not None and str(getattr(found[1], "__module__", "")).startswith(("distributed", "zict")):
                final.atexit = False  # else a child that exits removes the folder of spilled chunks


os.register_at_fork(after_in_child=_forked)


def _adopt() -> None:
    global _used
    _used = True


def start(
    nthreads: int = -1,
    memory_limit: str | int | None = None,
    dashboard: str | None = None,
    preload: Sequence[str] = (),
    pages: Sequence[str] = (),
) -> distributed.Client:
    """Start the embedded cluster (one worker inside this process) and return its client; if it runs, return that.

    nthreads      threads of the worker; -1 takes one per core this process may use
    memory_limit  bytes, or text such as "4GB"; None takes what Dask finds. Chunks above half of it go to disk; above
                  less where it is small, so that process, chunks and work together stay below it.
    dashboard     address of Dask's pages, such as "127.0.0.1:8787" or ":0"; None serves none
    preload       modules for the scheduler, beside those of Dask's configuration, as for `dask scheduler --preload`
    pages         modules of the same kind that add pages: they wait, as all pages do, until somebody opens one
    """
    global _embedded, _current
    refuse_a_fork()
    if not isinstance(nthreads, int) or isinstance(nthreads, bool) or (nthreads < 1 and nthreads != -1):
        raise H2OValueError(f"nthreads must be -1 (all cores) or at least 1; got {nthreads!r}.")
    with _lock:
        if _embedded is None:
            threads = _cores() if nthreads == -1 else nthreads
            asked: Any = "auto" if memory_limit is None else memory_limit
            limit = parse_memory_limit(asked, 1, 1, logger=_LOG) or 0  # one worker, which may use all
            target = min(_MOST_CHUNKS, memory.divided(limit, threads).chunks / limit) if limit else False
            with warnings.catch_warnings(), dask.config.set({**_CONFIG, "distributed.worker.memory.target": target}):
                warnings.filterwarnings("ignore", message="Port .* is already in use")
                cluster = distributed.LocalCluster(
                    n_workers=1,
                    threads_per_worker=threads,
                    processes=False,
                    memory_limit=limit,
                    # Without an address Dask would try port 8787 all the same, and complain when that is taken.
                    dashboard_address=dashboard or "127.0.0.1:0",
                    # The worker serves its health page too: on every address, unless told.
                    worker_dashboard_address="127.0.0.1:0",
                    worker_class=Worker,
                    scheduler_kwargs={"dashboard": False, **_preloads(preload)},
                )
                if dashboard is not None:
                    serve_later(cluster.scheduler, "scheduler", pages)
                    serve_later(cluster.workers[0], "worker")
                _embedded = distributed.Client(cluster), cluster
        _current = _embedded[0]
        _adopt()
        return _current


def _preloads(more: Sequence[str]) -> dict[str, Any]:
    """Return the scheduler's arguments for more preloads than Dask's configuration names."""
    named = dask.config.get("distributed.scheduler.preload") or []
    named = [named] if isinstance(named, str) else list(named)
    new = [one for one in more if one not in named]
    if not new:
        return {}
    given = dask.config.get("distributed.scheduler.preload-argv") or []
    if not given or isinstance(given[0], str):
        given = [given] * len(named)  # one list of arguments is for all of them
    return {"preload": [*named, *new], "preload_argv": [*given, *([] for _ in new)]}


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_running() -> bool:
    """Whether a client is in use now, without starting one."""
    return _current is not None and _current.status == "running"


def is_embedded() -> bool:
    """Whether the client in use is that of the cluster inside this process, which shares its disks."""
    return _embedded is not None and _current is _embedded[0]


def stop() -> None:
    """Forget all names, the time zone and the client; close the embedded cluster. A cluster of the user's stays up."""
    global _embedded, _current
    with _lock:
        registry.clear()
        zones.use(zones.UTC)
        embedded, _embedded, _current = _embedded, None, None
        if embedded is not None:
            embedded[0].loop.asyncio_loop.set_exception_handler(_over)  # type: ignore[attr-defined]
            embedded[0].close(timeout=10)
            embedded[1].close(timeout=10)


def _over(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what nobody catches in a loop that closes, but for waits that end as it stops.

    Dask's streams wait a few milliseconds at a time, and expect the TimeoutError; in the last moment nobody is left to.
    """
    if not isinstance(context.get("exception"), TimeoutError):
        loop.default_exception_handler(context)


def _stop_at_exit() -> None:
    """Stop. From Python 3.12 on no thread can be started any more: not for work that is still on its way, which the
    worker would complain about, and not to close a loop's pool, for which asyncio wants one.
    """
    for name in ("distributed.worker", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        stop()
    except RuntimeError as error:
        if "interpreter shutdown" not in str(error):
            raise


# Thread pools refuse work as soon as the main thread is through, before `atexit` begins: a cluster that is closed only
# then complains about every task still on its way. `threading` has a hook that comes first, but no public name for it.
getattr(threading, "_register_atexit", atexit.register)(_stop_at_exit)
