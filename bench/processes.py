"""A Dask scheduler and its workers, each a process that may be killed; for what looks at faults."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

PLACE = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
START = 60.0  # seconds that a scheduler has to be there


class Processes:
    """A scheduler and so many workers without nannies, of one thread each, all on loopback; killed in the end.

    `scheduler` and `worker` are further options of `dask scheduler` and `dask worker`.

    Example: ``with Processes(folder, workers=2) as there: Client(there.address)``.
    """

    def __init__(
        self,
        folder: Path,
        workers: int = 2,
        scheduler: Sequence[str] = ("--no-dashboard",),
        worker: Sequence[str] = (),
    ) -> None:
        self._file, self._options = folder / "scheduler.json", worker
        self._all: list[subprocess.Popen] = []
        self.scheduler = self._started("scheduler", *PLACE, *scheduler)
        self.workers = [self.worker() for _ in range(workers)]

    def _started(self, kind: str, *options: str) -> subprocess.Popen:
        file = () if options[-1].startswith("t") else ("--scheduler-file", str(self._file))  # tcp:// or tls://
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *file, *options]
        one = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._all.append(one)
        return one

    def worker(self, *options: str) -> subprocess.Popen:
        """Start one more worker that is not in the list; the last option may be another way to the scheduler."""
        usual = ("--no-nanny", "--nthreads", "1", "--memory-limit", "1GB", "--no-dashboard")
        usual += ("--dashboard-address", "127.0.0.1:0")  # of its page of health, else on every address
        near = () if "--listen-address" in options else ("--host", "127.0.0.1")
        return self._started("worker", *usual, *near, *self._options, *options)

    @property
    def address(self) -> str:
        """The address of the scheduler, once it is there."""
        return self.about["address"]

    @property
    def about(self) -> dict:
        """What the scheduler says of itself in its file, once it is there."""
        end = time.monotonic() + START
        while self.scheduler.poll() is None and time.monotonic() <= end:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):  # it may be half written
                return json.loads(self._file.read_text())
            time.sleep(0.05)
        raise RuntimeError(f"The scheduler must start within {START:g} seconds; it did not.")

    def kill(self, *ones: subprocess.Popen) -> None:
        """Kill processes, and take those that are workers out of the list."""
        for one in ones:
            one.kill()
        for one in ones:
            one.wait()
        self.workers = [one for one in self.workers if one not in ones]

    def close(self) -> None:
        """Kill everything that was ever started here."""
        self.kill(*self._all)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
