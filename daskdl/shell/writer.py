"""Checkpoints written beside training, in a thread: one at a time, and an error is an event."""

from __future__ import annotations

import threading
from collections.abc import Callable

LAST_WRITE = 60.0  # seconds that the end of training waits for a write that is under way


class Writer:
    """The one thread that writes.

    Example: `Writer().begin(write, done)` calls `write()`, then `done(None)`, or `done(error)` where it failed.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def begin(self, write: Callable[[], None], done: Callable[[Exception | None], None]) -> None:
        """Write in the background."""

        def run() -> None:
            try:
                write()
            except Exception as error:  # whatever a disk or a store does, training goes on
                done(error)
            else:
                done(None)

        self._thread = threading.Thread(target=run, name="daskdl-checkpoint", daemon=True)
        self._thread.start()

    def finish(self) -> bool:
        """Wait for a write that is under way, but not for ever; False when it does not end."""
        if self._thread is None:
            return True
        self._thread.join(LAST_WRITE)
        return not self._thread.is_alive()
