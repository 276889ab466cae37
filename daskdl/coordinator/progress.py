"""What a training job is to do, what it has done, and how long it has been at it: records for every checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from daskdl.coordinator.crew import Owed
from daskdl.coordinator.history import HistoryRow, ScoringHistory, speed
from daskdl.coordinator.open_round import LEAST_PATIENCE, OpenRound
from daskdl.coordinator.round_size import ScoringPolicy
from daskdl.coordinator.slices import Slice
from daskdl.coordinator.stopping import StoppingRule, Values, objective
from frames.exceptions import H2OValueError


@dataclass(frozen=True)
class TrainingPlan:
    """What a job is to do; nothing in it changes while it runs.

    `rows` training rows per partition; `target` samples of the whole run; `per_round` samples of the first round;
    `resize` the wanted communication share of a round (None keeps rounds as they are); `fixed_shares` makes rounds
    independent of the workers (one thread per share); `save_every` seconds between checkpoints (None: none);
    `grace` seconds a stopped share has to report, `patience` seconds that any share may take; `attempts` per share and
    round; `chunk_bytes` per partition and `budget` bytes cut shares into tasks; `elastic_rate` is
    elastic_averaging_moving_rate; `widen_after` samples are trained before each further worker takes part (None: all
    do from the first round); `pieces` in which a worker trains its share of a long round, at most: those
    that it has not trained when the others are done are left to a later round. Where a worker would have to lay rows
    out anew, what is left `stays` with the one that left it, and the last round leaves nothing.
    Raises H2OValueError for impossible numbers.
    """

    rows: tuple[int, ...]
    category: str
    target: int
    per_round: int
    stopping: StoppingRule
    scoring: ScoringPolicy = field(default_factory=ScoringPolicy)
    validated: bool = False
    custom: bool = False
    keep_best: bool = True
    max_runtime_secs: float = 0.0
    resize: float | None = None
    fixed_shares: int | None = None
    save_every: float | None = None
    no_workers_timeout: float = 60.0
    grace: float = 10.0
    patience: float = LEAST_PATIENCE
    attempts: int = 4
    chunk_bytes: tuple[int, ...] | None = None
    budget: int | None = None
    elastic_rate: float | None = None
    widen_after: int | None = None
    pieces: int = 1
    stays: bool = False

    def __post_init__(self) -> None:
        if self.target < 0 or self.per_round < 1 or self.attempts < 1:
            raise H2OValueError(
                f"A plan must have target >= 0, per_round >= 1 and attempts >= 1; got {self.target}, {self.per_round} "
                f"and {self.attempts}."
            )
        if self.target and sum(self.rows) <= 0:
            raise H2OValueError(f"Training needs at least one row; got {sum(self.rows)}.")

    def workers_at(self, position: int) -> int | None:
        """Return how many workers a round that begins at this sample is shared by at most; None: all that there are."""
        return None if self.widen_after is None else 1 + position // self.widen_after

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON."""
        values = asdict(self)
        values["stopping"]["goal"] = self.stopping.goal.name
        values["rows"] = list(self.rows)
        values["chunk_bytes"] = None if self.chunk_bytes is None else list(self.chunk_bytes)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingPlan:
        """Return the plan that `to_dict` wrote."""
        rule = dict(values["stopping"])
        rule["goal"] = objective(rule["goal"], values["category"])
        weights = values["chunk_bytes"]
        changed = {
            "rows": tuple(values["rows"]),
            "stopping": StoppingRule(**rule),
            "scoring": ScoringPolicy(**values["scoring"]),
            "chunk_bytes": None if weights is None else tuple(weights),
        }
        known = {one.name for one in fields(cls)}  # files of earlier versions hold more
        return cls(**{name: value for name, value in {**values, **changed}.items() if name in known})


@dataclass
class Progress:
    """What a job has done, as of its last finished round or scoring.

    `position` in the stream of samples; `samples` that were trained (rows without a response are not); `forgone`
    samples of the stream that were passed over because a stop cut a round short; `owed` ones that rounds left to later
    rounds;
    times are seconds since the job began, over all its runs; `scored_round` was scored last; `best` is a row of the
    history, `best_round` its round; `limit_from` is when max_runtime_secs began to count.
    """

    history: ScoringHistory
    per_round: int
    round: int = 0
    position: int = 0
    samples: int = 0
    forgone: int = 0
    owed: list[Owed] = field(default_factory=list)
    elapsed: float = 0.0
    scoring_seconds: float = 0.0
    last_score_start: float | None = None
    last_score_seconds: float = 0.0
    scored_round: int | None = None
    best: int | None = None
    best_round: int | None = None
    saved_round: int | None = None
    saved_at: float = 0.0
    limit_from: float = 0.0
    speed: float | None = None
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def fresh(cls, plan: TrainingPlan) -> Progress:
        """Return the progress of a job that has not begun."""
        return cls(ScoringHistory(plan.category, plan.validated, plan.custom), plan.per_round)

    def restarted(self, plan: TrainingPlan, rows: Sequence[int]) -> Progress:
        """Return the work under a new plan (a restart from a checkpoint): new round size, the time limit anew.

        `rows` are those of the partitions before. What is owed is forgone where there are others now, or where shares
        are fixed: it means nothing there, and samples from further on in the stream take its place.
        """
        history = ScoringHistory(plan.category, plan.validated, plan.custom, list(self.history.rows))
        owed = [] if plan.fixed_shares or tuple(rows) != plan.rows else list(self.owed)
        return replace(
            self,
            history=history,
            per_round=plan.per_round,
            forgone=self.position - self.done - sum(one.samples for one in owed),
            owed=owed,
            limit_from=self.elapsed,
            speed=None,
            warnings=[],
        )

    def copy(self) -> Progress:
        """Return a record that shares nothing that changes with this one."""
        history = replace(self.history, rows=list(self.history.rows))
        return replace(self, history=history, warnings=list(self.warnings), owed=list(self.owed))

    def goal_values(self, plan: TrainingPlan) -> list[float]:
        """Return the stopping metric of every row of the history, validation before training; NaN where unscored."""
        return [self._goal_value(row, plan) for row in self.history.rows]

    def _goal_value(self, row: HistoryRow, plan: TrainingPlan) -> float:
        values = row.validation if row.validation is not None else row.training
        return plan.stopping.goal.find(values)

    def best_value(self, plan: TrainingPlan) -> float | None:
        """Return the stopping metric of the best scoring so far, None before there is one."""
        return None if self.best is None else self._goal_value(self.history.rows[self.best], plan)

    @property
    def done(self) -> int:
        """The samples that count towards the target of the plan."""
        return self.begun - sum(one.samples for one in self.owed)

    @property
    def begun(self) -> int:
        """The samples that count or are owed: no round needs to take them from the stream."""
        return self.position - self.forgone

    def count_round(self, done: OpenRound, stopped: bool = False) -> None:
        """Count a finished round, cut short when `stopped`: then what it did not train is passed over."""
        self.round += done.rounds
        samples = sum(count for _, count in done.asked)  # what became of a share since then is not in the average
        self.samples += samples
        self.pass_over(done)
        if stopped:
            self.forgone += done.size - samples
            self.owed = []

    def pass_over(self, done: OpenRound) -> None:
        """Go on in the stream behind a round; what it leaves to others is owed."""
        self.position += done.fresh
        self.owed = list(done.owed)

    def count_scoring(
        self, now: float, training: Values, validation: Values | None, seconds: float, plan: TrainingPlan
    ) -> None:
        """Count a scoring of `seconds` that ended at `now` (since 1970): one more row of the history.

        Raises H2OValueError when the stopping metric is not among the values.
        """
        plan.stopping.goal.of(validation if plan.validated and validation else training)
        self.scoring_seconds += seconds
        self.last_score_start, self.last_score_seconds = self.elapsed - seconds, seconds
        self.scored_round = self.round
        pace = speed(self.samples, self.elapsed - self.scoring_seconds) if self.round else None
        epochs = self.samples / max(1, sum(plan.rows))
        validation = dict(validation) if plan.validated and validation else None
        self.history.append(
            HistoryRow(
                time=now,
                seconds=self.elapsed,
                speed=pace,
                epochs=epochs,
                iterations=self.round,
                samples=self.samples,
                training=dict(training),
                validation=validation,
            )
        )

    def note_best(self, plan: TrainingPlan) -> bool:
        """Compare the last scoring with the best so far; True when it is better and takes its place."""
        if not plan.stopping.goal.better(self._goal_value(self.history.rows[-1], plan), self.best_value(plan)):
            return False
        self.best, self.best_round = len(self.history) - 1, self.round
        return True

    def to_dict(self) -> dict[str, Any]:
        """Plain values for strict JSON."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        owed = [[one.worker, [list(part) for part in one.slices]] for one in self.owed]
        return {**values, "history": self.history.to_dict(), "warnings": list(self.warnings), "owed": owed}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Progress:
        """Return the progress that `to_dict` wrote."""
        history = ScoringHistory.from_dict(values["history"])
        owed = [Owed(worker, tuple(Slice(*part) for part in parts)) for worker, parts in values.get("owed", ())]
        return cls(**{**values, "history": history, "warnings": list(values["warnings"]), "owed": owed})


@dataclass
class Stopwatch:
    """The seconds of a job, from times that the caller gives: `before` in earlier runs, `begun` and `now` since 1970.

    `limit` is max_runtime_secs (0: none), counted from `limit_from` seconds on.
    """

    before: float = 0.0
    limit: float = 0.0
    limit_from: float = 0.0
    begun: float = 0.0
    now: float = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the job began, over all its runs; never less than before, whatever the caller's clock does."""
        return self.before + max(0.0, self.now - self.begun)

    @property
    def left(self) -> float:
        """Seconds until the limit is used up; infinite without one."""
        return self.limit - (self.elapsed - self.limit_from) if self.limit > 0 else math.inf

    def left_at(self, now: float) -> float:
        """Return the seconds until the limit is used up, of a clock that shows `now`."""
        return replace(self, now=now).left

    @property
    def late(self) -> bool:
        """True when the limit is used up."""
        return self.left <= 0
