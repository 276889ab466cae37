"""What each fold trains on, prepared for many folds at once: of a small table messages cost more than rows do."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

from daskdl.parameters import Resolved
from daskdl.shell.cluster import Cluster
from daskdl.shell.spans import job_span, preparation_span
from daskdl.training.cross_validation.folds import Folds, with_weights
from daskdl.training.look import Overview, looks
from frames.cluster.sending import tasks_named
from frames.frame import H2OFrame

CELLS = 1 << 22  # rows times folds that are prepared at once: their weights wait on the workers, packed


class Dealt(NamedTuple):
    """A fold: the frame without its rows, the frame of its rows alone, and a look at the first (`look.look`)."""

    training: H2OFrame
    held_out: H2OFrame
    view: Overview


@dataclass
class Dealer:
    """Prepares the folds of a frame, as many at once as `CELLS` allows; to be asked from several threads.

    `weights` has one column, or is None; `resolved` are the choices of a fold model.

    For instance ``Dealer(cluster, frame, folds, None, choices, "net").take(0).training``.
    """

    cluster: Cluster
    frame: H2OFrame
    folds: Folds
    weights: H2OFrame | None
    resolved: Resolved
    key: str
    _ready: dict[int, Dealt] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, number: int) -> Dealt:
        """Return fold `number`, which is not kept here any longer: its weights go when its model is done."""
        with self._lock:
            if number not in self._ready:
                self._deal(number)
            return self._ready.pop(number)

    def _deal(self, first: int) -> None:
        """Prepare fold `first` and some that come after it."""
        count = max(1, CELLS // max(1, self.frame.nrow))
        numbers = range(first, min(self.folds.count, first + count))
        with job_span(self.key), preparation_span(), tasks_named("daskdl-prepare"):
            pairs = with_weights(self.frame, self.folds, numbers, self.weights)
            views = looks([training for training, _ in pairs], self.resolved)
            # for all folds at once: each job asks for its own
            self.cluster.weigh([part for training, _ in pairs for part in training.placement().parts])
        self._ready |= {n: Dealt(*pair, view) for n, pair, view in zip(numbers, pairs, views, strict=True)}
