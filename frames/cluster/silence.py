"""Workers that say nothing: known by their missing heartbeats, and given up so that others do their work. (D)

A worker that hangs (stopped, swapped out, cut off) keeps its connections open, and Dask waits for it for minutes: the
scheduler, whoever gathers a result, and the workers that fetch what it holds. Where it comes back it is a new worker.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from distributed.scheduler import heartbeat_interval

from frames.cluster.connection import Client, asked

LOOK_AWAY = 2.0  # seconds between looks that say nothing about heartbeats in between
BEATS = 4  # heartbeats that may be missing at least, however large the cluster


class Heartbeats:
    """Since when workers have been silent, by the clock of whoever looks often.

    For instance ``beats = Heartbeats()``, then ``beats.look(identity(client)["workers"])`` once a second, at least.
    """

    def __init__(self) -> None:
        self._heard: dict[str, tuple[Any, float]] = {}  # its last heartbeat, and since when that
        self._looked = 0.0

    def look(self, workers: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
        """Return address -> seconds without a sign of life, of what the scheduler says of each worker.

        Who has not looked for a while knows nothing about the time in between: everybody is heard of anew.
        """
        now = time.monotonic()
        away, self._looked = now - self._looked > LOOK_AWAY, now
        before, self._heard = self._heard, {}
        for address, about in workers.items():
            seen, since = before.get(address, (None, now))
            if away or seen != about["last_seen"]:
                since = now
            self._heard[address] = about["last_seen"], since
        return {address: now - since for address, (_, since) in self._heard.items()}


def least(workers: int) -> float:
    """Return the seconds of silence that mean nothing: heartbeats are rarer where there are many workers.

    Example: ``least(8)`` is 2.0, ``least(1000)`` is 24.0.
    """
    return BEATS * heartbeat_interval(workers)


def give_up(client: Client, address: str) -> None:
    """Tell the scheduler that a worker is gone: what it held is made anew elsewhere, and nobody waits for it.

    Raises H2OJobError where the scheduler is gone.
    """
    asked(client, "unregister", address=address, stimulus_id=f"daskdl-silent-{uuid.uuid4().hex}")
