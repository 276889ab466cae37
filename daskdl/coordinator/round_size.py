"""How many samples a round trains, and when a finished round is scored: formulas on numbers, no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from frames.exceptions import H2OValueError

AUTO, ALL, ONE_EPOCH = -2, -1, 0
WORK_PER_INPUT = 10_000  # flop per input unit and sample: reading and scaling the row
LATENCY = {"alone": 1e4, "several": 1e5}  # microseconds that a round costs before any byte moves
COMMUNICATION_ALONE = 1e-3  # the part of a round's time that one worker may lose between rounds
NOTICEABLE = 0.01  # seconds of communication below which rounds are not resized


@dataclass(frozen=True)
class Machine:
    """What the schedule knows of the cluster.

    `threads` are those of one worker; `gflops` is 1e9 floating point operations per second of one thread;
    `collective` is the seconds that one collective exchange of the model takes (0 when not measured).
    """

    workers: int = 1
    threads: int = 1
    gflops: float = 1.0
    collective: float = 0.0

    def __post_init__(self) -> None:
        if self.workers < 1 or self.threads < 1 or not self.gflops > 0:
            raise H2OValueError(
                f"A machine must have at least 1 worker, 1 thread and a positive speed; got {self.workers} workers, "
                f"{self.threads} threads, {self.gflops} gflops."
            )


@dataclass(frozen=True)
class Work:
    """What the schedule knows of the network and the data: weights and biases, inputs, rows, epochs.

    `flop` counts the scalar operations per weight and sample, forward and back, as the activation gives them.
    """

    size: int
    inputs: int
    flop: float
    rows: int
    epochs: float


def target_samples(epochs: float, rows: int) -> int:
    """Return the samples after which `epochs` passes over `rows` rows are done; a part of a sample counts as one.

    Example: `target_samples(0.25, 10) == 3`
    """
    return math.ceil(epochs * rows - 1e-9 * max(1.0, epochs * rows))


def samples_per_round(asked: int, work: Work, machine: Machine, replicated: bool = False, target: float = 0.05) -> int:
    """Return samples of one round over all workers, from train_samples_per_iteration.

    `asked`: -2 auto, -1 every worker sees all rows when `replicated` (else one epoch), 0 one epoch, n >= 1 that many,
    but no more than the whole run. `target` is target_ratio_comm_to_comp. At least 1.
    Example: `samples_per_round(0, Work(9, 2, 250, 150, 10), Machine()) == 150`
    """
    if asked < AUTO:
        raise H2OValueError(f"train_samples_per_iteration must be -2, -1, 0 or a positive number; got {asked}.")
    if asked == AUTO:
        return automatic_samples(work, machine, target)
    if asked == ALL and replicated:
        return max(1, work.rows * machine.workers)
    if asked in (ALL, ONE_EPOCH):
        return max(1, work.rows)
    return max(1, min(asked, target_samples(work.epochs, work.rows)))


def automatic_samples(work: Work, machine: Machine, target: float = 0.05) -> int:
    """Enough samples that communication takes no more than its part of a round's time, and about ten rounds in all."""
    alone = machine.workers == 1
    row_us = seconds_per_sample(work, machine) * 1e6
    exchanges = 1 if alone else 2 * math.floor(math.log2(machine.workers))
    communication_us = LATENCY["alone" if alone else "several"] + exchanges * machine.collective * 1e6
    part = COMMUNICATION_ALONE if alone else target
    samples = (communication_us / part - communication_us) / row_us
    samples = min(samples, 10.0 * machine.workers * work.rows)
    if samples > work.rows > 0 and (samples % work.rows) / work.rows < 0.2:
        samples -= samples % work.rows
    samples = min(samples, work.epochs * work.rows / 10)
    if alone:
        samples = min(samples, 10 * 1e6 / row_us)
    samples = min(max(samples, 1.0), 100_000.0 * machine.workers)
    return int(samples)


def seconds_per_sample(work: Work, machine: Machine) -> float:
    """Estimated seconds that one worker needs for one sample with all its threads."""
    flop = work.flop * work.size + WORK_PER_INPUT * work.inputs
    return flop / (machine.gflops * 1e9) / machine.threads


def resized(samples: int, communication: float, seconds: float, workers: int, target: float) -> int:
    """Return samples of the next round after one that took `seconds`, `communication` of them between the workers.

    Only with several workers and when communication is noticeable; at most doubled or halved, and left alone within a
    fifth of the target. Example: `resized(1000, 0.2, 2.0, workers=4, target=0.05) == 2000`
    """
    if workers < 2 or communication <= NOTICEABLE or seconds <= 0:
        return samples
    change = min(max(target / (communication / seconds), 0.5), 2.0)
    return max(1, int(samples / change)) if change < 0.8 or change > 1.2 else samples


@dataclass(frozen=True)
class ScoringPolicy:
    """When a finished round is scored: score_interval (seconds), score_duty_cycle (0-1), score_each_iteration."""

    interval: float = 5.0
    duty_cycle: float = 0.1
    each_iteration: bool = False

    def at_once(self, seconds: float) -> bool:
        """Tell whether a scoring may be due so few seconds after another one."""
        return self.each_iteration or (self.duty_cycle > 0 and self.interval <= 10 * seconds)

    def due(self, now: float, last_start: float | None, last_seconds: float, first: bool, over: bool) -> bool:
        """Return True when the round just finished is to be scored.

        `now` and `last_start` (start of the last scoring) are seconds of one clock, `last_seconds` is how long that
        scoring took; `first` round, `over` = training is over.
        """
        if over or self.each_iteration:
            return True
        if first:
            return self.duty_cycle > 0
        if last_start is None:
            return self.duty_cycle > 0 and now > self.interval
        passed = now - last_start
        return passed > self.interval and last_seconds < self.duty_cycle * passed
