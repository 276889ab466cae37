"""Tasks that train where other jobs train, too: in turns, and on no thread of Dask's.

A worker of Dask runs as many tasks at once as it has threads, each to its end. A share that waited for another job's to
end would be given as much of the worker as its rounds are long. So where there are several jobs their shares leave
Dask's threads to each other while they train, and take turns among themselves (`worker.turns`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import distributed

from daskdl.worker.turns import Turns

_turns: dict[str, Turns] = {}  # by the address of a worker: an embedded cluster has several in one process
_lock = threading.Lock()


def in_turns(job: str, long: bool, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that trains for a job with its turn as the last argument; it runs as a task on a worker.

    Where it is not `long` other tasks may wait for its thread: to leave it costs a message and a new thread.
    """
    worker = distributed.get_worker()
    with _lock:
        turns = _turns.setdefault(worker.address, Turns(worker.state.nthreads))
    with turns.turn(job, distributed.secede if long else _stay) as turn:
        return function(*arguments, turn)


def _stay() -> None:
    """Keep the thread of Dask."""
