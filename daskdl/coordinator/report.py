"""What a running job tells whoever watches it: plain values under fixed names, published under one Dask topic.

This module imports nothing heavy: the scheduler that shows reports needs neither kernels nor metrics.
"""

from __future__ import annotations

from typing import TypedDict

TOPIC = "daskdl"
INTERVAL = 1.0  # seconds between two reports of a job ...
LATER = 2.0  # ... and once it has gone on for YOUNG seconds
YOUNG = 60.0
ENDED = ("finished", "failed")  # phases of a job that is over
PARTS_OF_TIME = ("training", "averaging", "scoring", "waiting")


class ScoredRow(TypedDict):
    """One scoring: `number` in the history, metrics by their column in the scoring history, unscored ones left out."""

    number: int
    epochs: float
    seconds: float
    samples: int
    training: dict[str, float]
    validation: dict[str, float]


class WorkerReport(TypedDict):
    """What one worker did for a job.

    `samples` that it trained in `seconds`; `partitions` of the training frame that it holds; `lost` shares that went
    with it or failed on it; `rerun` shares that it got after another worker had them.
    """

    threads: int
    partitions: int
    samples: int
    seconds: float
    lost: int
    rerun: int


class LayerReport(TypedDict):
    """One layer after the last round: `number` from 1, `units`, `kind`, means and root mean squares."""

    number: int
    units: int
    kind: str
    mean_weight: float
    weight_rms: float
    mean_bias: float
    bias_rms: float


class Report(TypedDict):
    """The state of a job at `time` (seconds since 1970).

    `job` is its key, `model` the name of its model; `number` counts the reports of a job; `phase` is that of the
    coordinator, waiting, or failed; `done` of `target` samples count; `epochs` are passes over the training rows;
    `speed` is samples per second of the last round (None before one); `seconds` since the job began, over all its
    runs; `left` seconds at most (None: not known yet); `times` are seconds by `PARTS_OF_TIME`; `rows` are the scorings
    since the last report; `goal` is the column of the stopping metric; `said` is the newest sentence, "" for none.
    """

    job: str
    model: str
    number: int
    time: float
    phase: str
    done: int
    target: int
    samples: int
    rounds: int
    epochs: float
    speed: float | None
    seconds: float
    left: float | None
    times: dict[str, float]
    goal: str
    rows: list[ScoredRow]
    workers: dict[str, WorkerReport]
    layers: list[LayerReport]
    said: str
