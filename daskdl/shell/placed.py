"""A frame as a job uses it: where its chunks lie, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass

import distributed

from daskdl.encoding.adaptation import Adaptation
from daskdl.worker import tasks
from daskdl.worker.alone import Reading


@dataclass(frozen=True)
class PlacedFrame:
    """A frame as the shell uses it: the chunks of each partition, where columns are, how the encoder reads them.

    `nbytes` of each partition's chunks are 0 where they are not computed yet.
    """

    parts: tuple[tuple[distributed.Future, ...], ...]
    where: dict[str, tuple[int, int]]
    adaptation: Adaptation
    sample: tasks.Sample
    name: str = ""
    rows: tuple[int, ...] = ()
    description: str = ""
    nbytes: tuple[int, ...] = ()

    def reading(self, data: str) -> Reading:
        """Return what scoring needs besides the chunks; `data` is train or valid."""
        return Reading(data, self.adaptation, self.where, self.sample, self.description)
