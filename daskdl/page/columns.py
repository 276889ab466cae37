"""What the parts of the page hold, as columns of plain values, made of the board and of what is known of workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from daskdl.coordinator.report import PARTS_OF_TIME, ScoredRow
from daskdl.page.board import Board, Job

AXES = ("epochs", "seconds", "samples")
OVERLAID = 10  # jobs in the curves and bars where none is chosen: the newest
LONGEST_NAME = 28  # characters of a model's name beside curves and bars
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")
PHASES = {"new": "beginning", "between": "training", "combining": "averaging"}  # the others are called as they are

DASHES = {"training": "solid", "validation": "dashed"}

Columns = dict[str, list[Any]]
Drawn = dict[int, tuple[Any, list[tuple[np.ndarray, np.ndarray]]]]  # place of a job -> what was drawn, and its points


class WorkerFacts(NamedTuple):
    """What the scheduler knows of a worker; memory in bytes (`limit` 0: none), `silent` seconds without a heartbeat."""

    address: str
    threads: int
    cpu: float
    memory: int
    limit: int
    spilled: int
    chunks: int
    silent: float


def chosen_jobs(board: Board, keys: Sequence[str]) -> list[Job]:
    """Return the jobs of these keys; the newest where none of them is there."""
    return [board.jobs[key] for key in keys if key in board.jobs] or list(board.jobs.values())[-OVERLAID:]


def names_of(jobs: Iterable[Job]) -> list[str]:
    """Return short names of jobs that are all different."""
    seen: dict[str, int] = {}
    result = []
    for job in jobs:
        name = job.report["model"]
        name = name if len(name) <= LONGEST_NAME else f"{name[:10]}...{name[-15:]}"
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def jobs_columns(board: Board, now: float) -> Columns:
    """Return the table of jobs, the newest first."""
    return _columns(
        ("job", "model", "state", "progress", "rounds", "epochs", "speed", "elapsed", "left", *PARTS_OF_TIME, "said"),
        [_job_cells(key, job, now) for key, job in reversed(board.jobs.items())],
    )


def _job_cells(key: str, job: Job, now: float) -> list[Any]:
    report = job.report
    silent = job.silence(now)
    state = f"no news for {clock(silent)}" if silent else PHASES.get(report["phase"], report["phase"])
    left = "-" if report["left"] is None or silent else clock(report["left"])
    return [
        key,
        report["model"],
        state,
        round(100 * min(1.0, report["done"] / max(1, report["target"])), 1),
        report["rounds"],
        round(report["epochs"], 3),
        report["speed"],
        clock(report["seconds"]),
        "" if job.over else left,
        *_parts_of_time(job),
        report["said"],
    ]


def _parts_of_time(job: Job) -> list[float]:
    times = job.report["times"]
    total = sum(times.values())
    return [round(100 * times[part] / total, 1) if total > 0 else 0.0 for part in PARTS_OF_TIME]


def time_columns(jobs: Sequence[Job]) -> Columns:
    """Return the share of time, in percent, that each job spent in each of its parts."""
    rows = [[name, *_parts_of_time(job)] for name, job in zip(names_of(jobs), jobs, strict=True)]
    return _columns(("name", *PARTS_OF_TIME), rows)


def curve_columns(jobs: Sequence[Job], metric: str, axis: str, drawn: Drawn | None = None) -> Columns:
    """Return one line per job and source of rows: its points over an axis, training solid and validation dashed.

    `drawn` keeps the points of jobs that were not scored since; it is changed.
    """
    drawn = {} if drawn is None else drawn
    lines = []
    for name, job in zip(names_of(jobs), jobs, strict=True):
        fresh = (job.changes, metric, axis)
        if drawn.get(job.place, (None,))[0] != fresh:
            rows = [job.rows[number] for number in sorted(job.rows)]
            drawn[job.place] = (fresh, [_points(rows, source, metric, axis) for source in DASHES])
        for (source, dash), (x, y) in zip(DASHES.items(), drawn[job.place][1], strict=True):
            if len(x):
                lines.append([x, y, f"{name}, {source}", colour_of(job), dash])
    return _columns(("xs", "ys", "label", "colour", "dash"), lines)


def _points(rows: Sequence[ScoredRow], source: str, metric: str, axis: str) -> tuple[np.ndarray, np.ndarray]:
    plain: Any = rows
    found = [row for row in plain if metric in row[source]]
    x = np.fromiter((row[axis] for row in found), np.float64, len(found))
    return x, np.fromiter((row[source][metric] for row in found), np.float64, len(found))


def worker_columns(workers: Sequence[WorkerFacts], jobs: Sequence[Job]) -> Columns:
    """Return the table of workers: what the scheduler knows, and what they did for the jobs; gone ones last."""
    facts = {one.address: one for one in workers}
    names = dict.fromkeys([*facts, *(name for job in jobs for name in job.report["workers"])])
    return _columns(
        (
            *("worker", "state", "threads", "cpu", "memory", "limit", "spilled", "chunks"),
            *("partitions", "samples", "speed", "lost", "rerun"),
        ),
        [[*_known(name, facts.get(name)), *_done(name, jobs)] for name in names],
    )


def _known(name: str, facts: WorkerFacts | None) -> list[Any]:
    if facts is None:
        return [name, "gone", *[None] * 6]
    state = "running" if facts.silent < 3 else f"no heartbeat for {clock(facts.silent)}"
    sizes = [round(size / 2**20) for size in (facts.memory, facts.limit, facts.spilled)]
    limit = sizes[1] if facts.limit else None
    return [name, state, facts.threads, round(facts.cpu), sizes[0], limit, sizes[2], facts.chunks]


def _done(name: str, jobs: Sequence[Job]) -> list[Any]:
    reports = [found for job in jobs if (found := job.report["workers"].get(name)) is not None]
    samples, seconds = sum(one["samples"] for one in reports), sum(one["seconds"] for one in reports)
    partitions, lost, rerun = (sum(one[what] for one in reports) for what in ("partitions", "lost", "rerun"))
    return [partitions, samples, round(samples / seconds) if seconds > 0 else None, lost, rerun]


def legend(jobs: Sequence[Job]) -> list[tuple[str, str]]:
    """Return the name and the colour of each job."""
    return [(name, colour_of(job)) for name, job in zip(names_of(jobs), jobs, strict=True)]


def colour_of(job: Job) -> str:
    """Return the colour that a job keeps as long as the board knows it."""
    return COLOURS[job.place % len(COLOURS)]


def layer_columns(jobs: Sequence[Job]) -> Columns:
    """Return the table of layers, of one job after the other."""
    rows = [
        [
            *(name, layer["number"], layer["kind"], layer["units"]),
            *(layer["mean_weight"], layer["weight_rms"], layer["mean_bias"], layer["bias_rms"]),
        ]
        for name, job in zip(names_of(jobs), jobs, strict=True)
        for layer in job.report["layers"]
    ]
    header = ("model", "layer", "type", "units", "mean_weight", "weight_rms", "mean_bias", "bias_rms")
    return _columns(header, rows)


def clock(seconds: float) -> str:
    """Write a duration as a clock does.

    Example: `clock(3723) == "1:02:03"`, `clock(7.4) == "0:07"`
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Columns:
    return {name: [row[position] for row in rows] for position, name in enumerate(names)}
