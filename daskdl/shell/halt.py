"""A request to end that may come from any thread, before, while or after the work that it ends is set up."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol

STOPPED = "Training was stopped on request."


class Stoppable(Protocol):
    """What can be asked to end soon, from any thread: a shell, or another halt."""

    def stop(self, reason: str = STOPPED) -> None:
        """Ask it to end; the reason is a sentence."""


class Halt:
    """Stops whatever it covers once it is asked to: those that it covers already, and those that come later.

    For instance ``halt = Halt()``, ``halt.covers(shell)`` in the thread that trains, ``halt.stop()`` in another one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._covered: list[weakref.ref[Stoppable]] = []  # a job that is listed keeps no network in memory
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why it was asked to end; None as long as it was not."""
        return self._reason

    def covers(self, work: Stoppable) -> None:
        """Stop this too; at once where the request is there already."""
        with self._lock:
            self._covered = [one for one in self._covered if one() is not None] + [weakref.ref(work)]
            reason = self._reason
        if reason is not None:
            work.stop(reason)

    def stop(self, reason: str = STOPPED) -> None:
        """Ask everything covered to end; the first reason stands."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason, covered = reason, list(self._covered)
        for work in filter(None, (one() for one in covered)):
            work.stop(reason)
