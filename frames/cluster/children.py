"""Worker processes that this process has started: Ctrl-C in their terminal is for the parent alone. (D)

A terminal tells every process of its foreground, and a worker of a LocalCluster then leaves for good: the training that
was to end in good order would be the last one of the session.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import distributed


class Uninterrupted(distributed.WorkerPlugin):
    """Lets a worker ignore Ctrl-C where it is a child of the process with the number `parent`."""

    name = "daskdl-uninterrupted"

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def setup(self, worker: Any) -> None:
        """Ignore interrupts from now on (runs in the worker)."""
        if os.getppid() == self._parent and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def shield(client: distributed.Client) -> None:
    """Keep Ctrl-C from the workers of a client's LocalCluster, those that it will start included."""
    if getattr(client.cluster, "processes", False):
        client.register_plugin(Uninterrupted(os.getpid()))
