"""When a job writes a checkpoint: one at a time, so many seconds after the last one."""

from __future__ import annotations

from dataclasses import dataclass

from daskdl.coordinator.progress import Progress


@dataclass
class Saving:
    """The checkpoints of a job: one each `every` seconds (None: none); `busy` while one is written.

    Example: `Saving(60.0).due(progress, elapsed=61.0)` is True for a job that has trained a round and saved nothing.
    """

    every: float | None = None
    busy: bool = False

    def due(self, progress: Progress, elapsed: float) -> bool:
        """Return True when a checkpoint is to be written now; it then counts as being written."""
        if self.every is None or self.busy or progress.saved_round == progress.round:
            return False
        self.busy = elapsed - progress.saved_at >= self.every
        return self.busy

    def over(self, progress: Progress, elapsed: float, saved_round: int | None) -> None:
        """Note that a write has ended, with a version on disk for `saved_round` or without one (None)."""
        self.busy, progress.saved_at = False, elapsed
        progress.saved_round = progress.saved_round if saved_round is None else saved_round
