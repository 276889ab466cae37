"""How much memory a task may use: from the limits of the workers to the size of a block."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

PROCESS = 320 * 2**20
"""What a worker process weighs before it holds any row: Python, pandas, Arrow, compiled code (measured: 265-335 MB)."""

USABLE = 0.75
"""The part of a worker's limit that may be used; Dask pauses a worker at 0.8 of it and kills it at 0.95."""

LEAST = 0.1
"""Of its limit a worker uses as much for rows whatever the process weighs."""

ENOUGH = 2**30
"""No task needs more bytes to work with."""


class Budget(NamedTuple):
    """How the memory of one worker is divided, in bytes: what a task of each thread may use, and what chunks may."""

    task: int
    chunks: int


def divided(limit: int, threads: int) -> Budget:
    """Return how a limit of so many bytes is divided on a worker of so many threads.

    What the process itself does not need is halved between tasks at work and chunks at rest; a task never needs more
    than a GiB.

    >>> divided(500_000_000, threads=1)
    Budget(task=25000000, chunks=25000000)
    """
    usable = max(int(limit * USABLE) - PROCESS, int(limit * LEAST))
    task = min(usable // 2 // max(1, threads), ENOUGH)
    return Budget(task, usable - task * threads)


def smallest(workers: Iterable[Mapping[str, Any]]) -> Budget | None:
    """Return the tightest division among workers as `Client.scheduler_info` tells of them; None without any limit."""
    budgets = [
        divided(limit, int(about["nthreads"]))
        for about in workers
        if (limit := int(about.get("memory_limit") or 0)) > 0
    ]
    return Budget(*map(min, zip(*budgets, strict=True))) if budgets else None


def block_bytes(budget: Budget | None, share: float, least: int, most: int) -> int:
    """Return the bytes of a source that one task reads: `share` of what it may use, within bounds.

    `share` is 1 / the bytes that a task holds at its peak for each byte that it reads.
    """
    return most if budget is None else min(most, max(least, int(budget.task * share)))
