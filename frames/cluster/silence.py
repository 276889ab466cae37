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
LATELY = 30.0  # seconds for which a silence that ended says what silences there are
PATIENT = 2.5  # times the longest of these: a longer one is unusual


class Heartbeats:
    """Since when workers have been silent, by the clock of whoever looks often.

    For instance ``beats = Heartbeats()``, then ``beats.look(identity(client)["workers"])`` once a second, at least.
    """

    def __init__(self) -> None:
        self._heard: dict[str, tuple[Any, float]] = {}  # its last heartbeat, and since when that
        self._looked = 0.0
        self._ended: list[tuple[float, float]] = []  # silences after which a worker was heard again: when, and seconds

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
                if not away and now > since:
                    self._ended.append((now, now - since))
                since = now
            self._heard[address] = about["last_seen"], since
        self._ended = [(when, seconds) for when, seconds in self._ended if now - when <= LATELY]
        return {address: now - since for address, (_, since) in self._heard.items()}

    def unusual(self) -> float:
        """Return how many seconds of silence are more than those that workers came back from of late.

        On a machine that has too much to do, heartbeats are late though nobody hangs: who is given up there costs the
        others still more. In the manner of accrual failure detectors (Hayashibara et al., 2004).
        """
        return PATIENT * max((seconds for _, seconds in self._ended), default=0.0)


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
