"""At which worker a job is at home: where it trains until others are to take part, or all the time.

A job that begins on one worker could begin on any. Were it always the one that holds most of its rows, then all folds
of a cross-validation, and all models of a grid, would train on that worker while others had nothing to do.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from daskdl.coordinator.slices import rows_held


class Homes:
    """How many jobs, of those that this process drives, are at home at each worker.

    For instance ``with Homes().home({"a": 1, "b": 1}, owners=[("b",)], rows=[10]) as home``: `home` is "b", and it is
    "a" for a second job meanwhile.
    """

    def __init__(self) -> None:
        self._jobs: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def home(
        self, workers: Mapping[str, int], owners: Sequence[Sequence[str]], rows: Sequence[int]
    ) -> Iterator[str | None]:
        """Be at home at one of the `workers` (name -> threads) inside this; None where there are none.

        It is one with the fewest jobs for its threads, and of these the one that holds most `rows` of the partitions,
        whose `owners` are given.
        """
        with self._lock:
            chosen = self.quietest(workers, rows_held(rows, owners))
            if chosen is not None:
                self._jobs[chosen] += 1
        try:
            yield chosen
        finally:
            with self._lock:
                if chosen is not None:
                    self._jobs[chosen] -= 1

    def quietest(self, workers: Mapping[str, int], held: Mapping[str, int] | None = None) -> str | None:
        """Return the worker with the fewest jobs for its threads, of several the one that has `held` most rows."""
        rows = held or {}
        return min(
            workers,
            key=lambda name: (self._jobs[name] / max(1, workers[name]), -rows.get(name, 0), name),
            default=None,
        )


HOMES = Homes()
