"""What all jobs of a scheduler did together since it started, added up from their reports; pure, never falling."""

from __future__ import annotations

from dataclasses import dataclass, field

from daskdl.coordinator.report import ENDED, PARTS_OF_TIME, Report


@dataclass
class Totals:
    """Sums over all jobs: `samples` trained, shares `lost` and `rerun`, `rounds`, `seconds` by part, `ended` by phase.

    A job that goes on from a checkpoint counts from there.
    """

    samples: int = 0
    lost: int = 0
    rerun: int = 0
    rounds: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS_OF_TIME, 0.0))
    ended: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENDED, 0))

    def add(self, before: Report | None, report: Report) -> None:
        """Add what a job did between two of its reports; `before` is None for the first one."""
        old, new = _of_workers(before), _of_workers(report)
        self.samples, self.lost, self.rerun = (
            total + max(0, now - then)
            for total, then, now in zip((self.samples, self.lost, self.rerun), old, new, strict=True)
        )
        if before is not None:  # of a job that goes on, the rounds before its first report are not of this run
            self.rounds += max(0, report["rounds"] - before["rounds"])
        for part in PARTS_OF_TIME:
            then = 0.0 if before is None else before["times"][part]
            self.seconds[part] += max(0.0, report["times"][part] - then)
        if report["phase"] in ENDED and (before is None or before["phase"] not in ENDED):
            self.ended[report["phase"]] += 1


def _of_workers(report: Report | None) -> tuple[int, int, int]:
    workers = [] if report is None else list(report["workers"].values())
    return tuple(sum(one[what] for one in workers) for what in ("samples", "lost", "rerun"))  # type: ignore[return-value]
