"""The jobs that a page shows: the last report of each, its scorings, and when it was heard of; bounded, and pure.

Whoever can reach the scheduler can publish under our topic, so a report is read value by value: what does not fit is
refused, texts are cut, and nothing of it is ever taken for HTML.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daskdl.coordinator.report import ENDED, PARTS_OF_TIME, LayerReport, Report, ScoredRow, WorkerReport
from daskdl.page.totals import Totals

MOST_JOBS = 50  # the oldest job that is over makes room, else the one that was silent longest
MOST_ROWS = 200  # scorings of a job; then every second one is forgotten
MOST_ENTRIES = 2000  # workers, layers or metrics in one report
MOST_TEXT = 300  # characters
SILENT = 30.0  # seconds without a report after which a running job is said to be silent


@dataclass
class Job:
    """One job: its last `report`, its `rows` by their numbers, when it was `heard` of (seconds since 1970).

    `place` counts the jobs of the board, so that a job keeps its colour; `metrics` are the names in its rows,
    `changes` counts additions to them.
    """

    report: Report
    heard: float
    place: int
    rows: dict[int, ScoredRow] = field(default_factory=dict)
    metrics: set[str] = field(default_factory=set)
    changes: int = 0

    @property
    def over(self) -> bool:
        """True when the job has ended."""
        return self.report["phase"] in ENDED

    def silence(self, now: float) -> float:
        """Return for how many seconds a running job has been silent; 0 where that is no reason to wonder."""
        silent = now - self.heard
        return 0.0 if self.over or silent < SILENT else silent

    def add(self, rows: list[ScoredRow]) -> None:
        """Add scorings; of too many every second one goes, but never the newest."""
        self.rows.update((row["number"], row) for row in rows)
        self.metrics.update(name for row in rows for source in (row["training"], row["validation"]) for name in source)
        self.changes += len(rows)
        if len(self.rows) > MOST_ROWS:
            numbers = sorted(self.rows)
            self.rows = {number: self.rows[number] for number in [*numbers[:-1:2], numbers[-1]]}


class Board:
    """Jobs by their keys, in the order in which they were first heard of."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.totals = Totals()
        self._places = 0

    def take(self, message: Any, now: float) -> bool:
        """Take in a message of the topic; False for one that is no report.

        Reports may arrive in another order than they were sent: of an older one only the scorings are new.
        """
        try:
            report = _report(message)
        except (KeyError, TypeError, ValueError, OverflowError):  # anybody may write here: the answer says so
            return False
        job = self.jobs.get(report["job"])
        if job is None:
            self.totals.add(None, report)
            self._make_room()
            job = self.jobs[report["job"]] = Job(report, now, self._places)
            self._places += 1
        elif report["number"] > job.report["number"]:
            self.totals.add(job.report, report)
            job.report, job.heard = report, now
        job.add(report["rows"])
        return True

    def _make_room(self) -> None:
        while len(self.jobs) >= MOST_JOBS:
            over = [key for key, job in self.jobs.items() if job.over]
            del self.jobs[over[0] if over else min(self.jobs, key=lambda key: self.jobs[key].heard)]

    @property
    def metrics(self) -> list[str]:
        """The metrics of all scorings: those that trainings stop by first, then the others by name."""
        found = set().union(*(job.metrics for job in self.jobs.values()))
        goals = dict.fromkeys(goal for job in self.jobs.values() if (goal := job.report["goal"]) in found)
        return [*goals, *sorted(found - set(goals))]


def _report(message: Any) -> Report:
    """Read a message; KeyError, TypeError or ValueError for one that is no report."""
    if not isinstance(message, Mapping):
        raise TypeError(f"A report must be a mapping; got {type(message).__name__}.")
    return Report(
        job=_text(message["job"]),
        model=_text(message["model"]),
        number=_count(message["number"]),
        time=_number(message["time"]),
        phase=_text(message["phase"]),
        done=_count(message["done"]),
        target=_count(message["target"]),
        samples=_count(message["samples"]),
        rounds=_count(message["rounds"]),
        epochs=_number(message["epochs"]),
        speed=_perhaps(message["speed"]),
        seconds=_number(message["seconds"]),
        left=_perhaps(message["left"]),
        times={part: _number(message["times"][part]) for part in PARTS_OF_TIME},
        goal=_text(message["goal"]),
        rows=[_row(row) for row in _few(message["rows"])],
        workers=_by_name(message["workers"], _worker),
        layers=[_layer(layer) for layer in _few(message["layers"])],
        said=_text(message["said"]),
    )


def _row(row: Mapping[str, Any]) -> ScoredRow:
    return ScoredRow(
        number=_count(row["number"]),
        epochs=_number(row["epochs"]),
        seconds=_number(row["seconds"]),
        samples=_count(row["samples"]),
        training=_by_name(row["training"], _number),
        validation=_by_name(row["validation"], _number),
    )


def _worker(worker: Mapping[str, Any]) -> WorkerReport:
    return WorkerReport(
        threads=_count(worker["threads"]),
        partitions=_count(worker["partitions"]),
        samples=_count(worker["samples"]),
        seconds=_number(worker["seconds"]),
        lost=_count(worker["lost"]),
        rerun=_count(worker["rerun"]),
    )


def _layer(layer: Mapping[str, Any]) -> LayerReport:
    return LayerReport(
        number=_count(layer["number"]),
        units=_count(layer["units"]),
        kind=_text(layer["kind"]),
        mean_weight=float(layer["mean_weight"]),  # not finite where a network has broken down
        weight_rms=float(layer["weight_rms"]),
        mean_bias=float(layer["mean_bias"]),
        bias_rms=float(layer["bias_rms"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"A text must be a str; got {type(value).__name__}.")
    return value if len(value) <= MOST_TEXT else value[: MOST_TEXT - 3] + "..."


def _number(value: Any) -> float:
    number = float(value)
    if isinstance(value, str) or not math.isfinite(number):
        raise ValueError(f"A number must be finite; got {value!r}.")
    return number


def _perhaps(value: Any) -> float | None:
    return None if value is None else _number(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"A count must be a whole number of at least 0; got {value!r}.")
    return int(value)


def _few(values: Any) -> Any:
    if len(values) > MOST_ENTRIES:
        raise ValueError(f"A report must have at most {MOST_ENTRIES} entries of a kind; got {len(values)}.")
    return values


def _by_name(values: Mapping[str, Any], read: Callable[[Any], Any]) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise TypeError(f"Entries with names must be a mapping; got {type(values).__name__}.")
    return {_text(name): read(value) for name, value in _few(values).items()}
