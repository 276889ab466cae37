"""The brain of a training job: told what happened and when, it says what to do next; it touches nothing itself."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from daskdl.coordinator import messages
from daskdl.coordinator.crew import Crew
from daskdl.coordinator.open_round import OpenRound, work_of
from daskdl.coordinator.progress import Progress, Stopwatch, TrainingPlan
from daskdl.coordinator.relief import HURRIED, Relief
from daskdl.coordinator.round_size import resized
from daskdl.coordinator.saving import Saving
from daskdl.coordinator.slices import Slice, slices
from daskdl.coordinator.stopping import REMEDY, TIMEOUT
from frames.exceptions import H2OValueError

Phase = Literal["new", "between", "training", "combining", "scoring", "finished"]
LEAST_PIECE = 0.25  # seconds that a piece of a worker's share should take at least
BRIEF = 0.05  # seconds of rounds that are begun together, at most


@dataclass
class Coordinator(Relief):
    """A training job as a pure machine: `handle(event, now) -> instructions`; `now` is seconds since 1970.

    The caller carries the instructions out in their order and reports back. Times, weights and rows stay outside;
    kept here is who trains what, what is done (`progress`, part of every checkpoint), and whether to score and stop.
    """

    plan: TrainingPlan
    progress: Progress = None  # type: ignore[assignment]
    phase: Phase = "new"
    crew: Crew = field(default_factory=Crew)
    round: OpenRound | None = None
    ending: str | None = None
    message: str = ""
    restored: bool = False
    unstable: bool = False
    saving: Saving = field(default_factory=Saving)
    watch: Stopwatch = field(default_factory=Stopwatch)
    waiting_since: float | None = None
    stopped_at: float | None = None
    out: list[messages.Instruction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.progress = self.progress or Progress.fresh(self.plan)
        self.saving = Saving(self.plan.save_every)
        self.watch = Stopwatch(self.progress.elapsed, self.plan.max_runtime_secs, self.progress.limit_from)

    # --- the door ---------------------------------------------------------------------------------------------------

    def handle(self, event: messages.Event, now: float) -> list[messages.Instruction]:
        """Decide what is to be done after this event at this time; an event that comes too late asks for nothing.

        Raises H2OValueError when a share reports more samples than it has, or the job is started twice.
        """
        self.watch.now, self.out = now, []
        if self.phase == "finished" or (self.phase == "new" and not isinstance(event, messages.Started)):
            return []
        HANDLERS[type(event)](self, event)
        if self.watch.late and not self.ending and (self.phase == "training" or self.waiting_since is not None):
            self._stop("timeout", TIMEOUT)
        return self.out

    def to_dict(self) -> dict[str, Any]:
        """Plan and progress as of the last finished round, for strict JSON; running shares are not part of it."""
        return {"version": 1, "plan": self.plan.to_dict(), "progress": self.progress.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], plan: TrainingPlan | None = None) -> Coordinator:
        """Return the job that `to_dict` wrote, to be started again: the same one, or under another `plan` a new one."""
        if values.get("version") != 1:
            raise H2OValueError(f"A saved job must have version 1; got {values.get('version')!r}.")
        progress = Progress.from_dict(values["progress"])
        if plan is None:
            return cls(TrainingPlan.from_dict(values["plan"]), progress)
        return cls(plan, progress.restarted(plan, values["plan"]["rows"]))

    def copy(self) -> Coordinator:
        """Return a coordinator in the same situation that shares nothing that changes with this one."""
        other = copy.copy(self)
        other.progress, other.crew = self.progress.copy(), self.crew.copy()
        other.round = None if self.round is None else self.round.copy()
        other.saving, other.watch, other.out = replace(self.saving), replace(self.watch), []
        return other

    @property
    def over(self) -> bool:
        """True when no further round will begin."""
        return bool(self.ending) or self.watch.late or self.progress.done >= self.plan.target

    # --- rounds -----------------------------------------------------------------------------------------------------

    def _start(self, event: messages.Started) -> None:
        if self.phase != "new":
            raise H2OValueError("A job must be started once; got a second start. Make a new one from to_dict().")
        if len(event.owners) != len(self.plan.rows):
            raise H2OValueError(
                f"Every partition must have its owners; got {len(event.owners)} for {len(self.plan.rows)} partitions."
            )
        self.crew = Crew(dict(event.threads), list(event.owners), dear=self.plan.stays, home=event.home)
        self.watch.begun = self.watch.now
        if not self.progress.history.rows:
            if self.plan.category == "AutoEncoder":
                return self._score()  # the null model
            self.progress.history.begin(self.watch.now)
        return self._next()

    def _next(self) -> None:
        """Between two rounds: end, wait, or begin the next one."""
        self.phase = "between"
        if not self.ending and self.progress.done >= self.plan.target:
            self.ending, self.message = "epochs", "All epochs are trained."
        if not self.ending and self.watch.late:
            self._note_end("timeout", TIMEOUT)
        if self.ending:
            self._wind_up()
        elif not self.crew.threads:
            self._wait()
        else:
            self._begin_round()

    def _begin_round(self) -> None:
        size = min(self.progress.per_round, self.plan.target - self.progress.begun)
        if (
            size and self.progress.speed and self.watch.left < math.inf
        ):  # a round must not run far beyond the time that is left
            size = min(size, max(1, int(self.progress.speed * self.watch.left)))
        whole = slices(self.progress.position, self.progress.position + size, self.plan.rows)
        most = self.plan.workers_at(self.progress.position)
        fixed = self.plan.fixed_shares
        given = self.crew.divide(whole, self.plan.rows, fixed, most) if size else []
        stages = self._stages(size, len(given))
        if stages:
            given, size = [(given[0][0], [one for stage in stages for one in stage])], size * len(stages)
        elif not fixed:
            given = self.crew.deal(given, self.progress.owed, self._pieces(size))
        self.phase, self.stopped_at = "training", None
        leaves = size > 0 and not (self.plan.stays and self.progress.begun + size >= self.plan.target)
        self.round = OpenRound.of(
            self.progress.round + 1,
            self.watch.now,
            [one for _, one in given],
            stages=stages,
            chained=not fixed,
            fresh=size,
            may_close_early=not fixed and len(given) > len(dict(given)) and leaves,
        )
        for share, (worker, _) in zip(self.round.shares, given, strict=True):
            self.round.give(share, worker, self.watch.now)
        for share, (worker, _) in zip(self.round.shares, given, strict=True):
            self._order(share, worker)

    def _stages(self, size: int, shares: int) -> tuple[tuple[Slice, ...], ...]:
        """Return the slices of the rounds that begin now as one, where they are several.

        What one worker trains alone is combined with nothing, and where a round is over in less than what deciding
        about it takes, some are decided about at once. Weights, and what is counted, are those of round after round.
        """
        plan, begin = self.plan, self.progress.position
        alone = shares == 1 and not self.progress.owed and not plan.fixed_shares and not plan.elastic_rate
        if not alone or not size or not self.progress.speed or plan.resize or plan.scoring.at_once(BRIEF):
            return ()
        count = min((plan.target - self.progress.begun) // size, int(BRIEF * self.progress.speed / size))
        if count < 2 or plan.workers_at(begin) != plan.workers_at(begin + (count - 1) * size):
            return ()
        return tuple(tuple(slices(begin + k * size, begin + (k + 1) * size, plan.rows)) for k in range(count))

    def _pieces(self, size: int) -> int:
        """Return in how many pieces each worker trains its share of a round: in one where the round is short."""
        if len(self.crew.threads) < 2 or not self.progress.speed or self.plan.elastic_rate:
            return 1  # with elastic averaging each worker goes on from its own state, whole shares at a time
        return max(1, min(self.plan.pieces, int(size / self.progress.speed / LEAST_PIECE)))

    def _trained(self, event: messages.ShareTrained) -> None:
        if self.phase != "training" or self.round is None or event.round != self.round.number:
            return
        # what a worker would train after a share that its rival has trained first cannot go on from there
        behind = self.round.behind_the_loser(event.share, event.worker)
        share = self.round.report(event, self.watch.now)
        if share is None:
            return
        if share.rival is not None:
            self.out.append(messages.DropShare(self.round.number, share.number, share.rival))
            share.rival = None
        self._free(behind)
        self._close_early()
        self._combine_when_complete()

    def _combine_when_complete(self) -> None:
        assert self.round is not None
        if not self.round.complete:
            return
        self.stopped_at = None
        trained = self.round.trained
        if not trained:  # stopped before anybody trained anything, or no row of the round can be trained
            if not self.ending:
                self.progress.pass_over(self.round)
            self.round = None
            self._next()
            return
        self.phase, self.round.asked, self.round.closed = "combining", trained, self.watch.now
        first = self.progress.round == 0
        self.out.append(messages.CombineRound(self.round.number, self.round.asked, self.plan.elastic_rate, first))

    def _combined(self, event: messages.RoundCombined) -> None:
        if self.round is None or event.round != self.round.number or not self.round.asked:
            return None
        done, self.round, self.waiting_since, self.stopped_at = self.round, None, None, None
        # the average was ready before the loss of a worker sent a share out again
        self._drop(done, done.running)
        self.progress.elapsed = self.watch.elapsed
        if event.unstable:
            return self._break_down(event)
        self._count(done)
        start, seconds = self.progress.last_score_start, self.progress.last_score_seconds
        if self.plan.scoring.due(self.watch.elapsed, start, seconds, self.progress.round == 1, self.over):
            return self._score()
        self._save_when_due()
        return self._next()

    def _count(self, done: OpenRound) -> None:
        seconds = self.watch.now - done.begun
        self.progress.count_round(done, stopped=self.ending in HURRIED)
        trained = sum(samples for _, samples in done.asked)
        self.progress.speed = trained / seconds if seconds > 0 else None
        for worker, (samples, busy, _) in done.work().items():
            self.crew.learn(worker, samples, busy)
        if self.plan.resize is None or self.progress.round < 2:
            return
        before = self.progress.per_round
        after = resized(before, *done.costs(self.watch.now), len(self.crew.threads), self.plan.resize)
        self.progress.per_round = after
        if after != before:
            self._log("resized", f"Rounds have {after} samples instead of {before} from now on.")

    # --- scoring and saving -----------------------------------------------------------------------------------------

    def _score(self) -> None:
        self.phase = "scoring"
        if self.crew.threads:
            self.out.append(messages.Score(self.progress.round, self.over))
        elif self.ending in HURRIED:
            self._finish()
        else:
            self._wait()

    def _scored(self, event: messages.Scored) -> None:
        if self.phase != "scoring" or event.round != self.progress.round:
            return
        self.waiting_since, self.progress.elapsed = None, self.watch.elapsed
        self.progress.count_scoring(self.watch.now, event.training, event.validation, event.seconds, self.plan)
        if not self.restored and self.progress.note_best(self.plan) and self.plan.keep_best:
            self.out.append(messages.KeepBest(self.progress.round))
        if not self.ending and self.progress.round:
            values = self.progress.goal_values(self.plan)
            reason = self.plan.stopping.reason(self.plan.category, values, event.training)
            if reason:
                self.ending, self.message = "stopping", reason
        self._save_when_due()
        self._next()

    def _save_when_due(self) -> None:
        if not self.ending and self.saving.due(self.progress, self.watch.elapsed):
            self.out.append(messages.Save(self.progress.round))

    def _saved(self, event: messages.Saved) -> None:
        self.saving.over(self.progress, self.watch.elapsed, event.round)

    def _not_saved(self, event: messages.SaveFailed) -> None:
        """Training goes on; the next try comes when the next checkpoint would."""
        self.saving.over(self.progress, self.watch.elapsed, None)
        said = f"The checkpoint after round {event.round} could not be written: {event.message}"
        self._log("save-failed", said)
        self.progress.warnings.append(said)

    # --- the end ----------------------------------------------------------------------------------------------------

    def _wind_up(self) -> None:
        """Score what stands if that is not done, then go back to the best if it was better, then finish."""
        progress = self.progress
        if self.restored:
            return self._finish()
        if progress.scored_round != progress.round:
            return self._score()
        last, best = progress.goal_values(self.plan)[-1], progress.best_value(self.plan)
        if self.plan.keep_best and best is not None and self.plan.stopping.goal.better(best, last):
            self.restored = True
            self.out.append(messages.RestoreBest(int(progress.best_round or 0)))
            return self._score()
        return self._finish()

    def _finish(self) -> None:
        self.phase, self.waiting_since, self.round = "finished", None, None
        self.progress.elapsed = self.watch.elapsed
        self.out.append(messages.Finish(str(self.ending), self.message, tuple(self.progress.warnings), self.unstable))

    def _note_end(self, reason: str, message: str) -> None:
        """Remember why the job ends, and warn the user, who did not ask for it."""
        self.ending, self.message = reason, message
        self.progress.warnings.append(message)

    def _break_down(self, event: messages.RoundCombined) -> None:
        """End on a numerically broken network: the last sound average stands, and nothing is trained any more."""
        self.out.append(messages.RollBack(event.round))
        self._note_end("unstable", f"Training became numerically unstable: {event.unstable} {REMEDY}")
        if self.progress.round:
            self._wind_up()
        else:
            self.unstable = True
            self._finish()

    def _stop(self, reason: str, message: str) -> None:
        """End soon: close the running round with what is trained, or end at once when nobody is there to work."""
        if self.ending and self.waiting_since is None:
            return
        if reason == "timeout":
            self._note_end(reason, message)
        elif not self.ending:
            self.ending, self.message = reason, message
        if self.waiting_since is not None:
            self._finish()
        elif self.phase == "training" and self.round is not None:
            self.stopped_at = self.watch.now
            self.out.append(messages.StopShares(self.round.number))

    def _tick(self, event: messages.Tick) -> None:
        if self.waiting_since is not None:
            if self.watch.now - self.waiting_since >= self.plan.no_workers_timeout:
                waited = f"No worker was there for {self.plan.no_workers_timeout:g} seconds"
                self._note_end("no-workers", f"{waited}; the last model stands.")
                self._finish()
        elif self.round and self.stopped_at is not None and self.watch.now - self.stopped_at >= self.plan.grace:
            late = self.round.running
            self._drop(self.round, late)
            self.round.give_up(late)
            self._combine_when_complete()
        elif self.round and self.phase == "training" and self.stopped_at is None:
            self._overtake()

    # --- workers come and go ----------------------------------------------------------------------------------------

    def _lost(self, event: messages.WorkerLost) -> None:
        if not self.crew.lose(event.worker):
            return
        held = self.round.let_go(event.worker) if self.round else []
        self._log("worker-lost", f"Worker {event.worker} left{work_of(held, self.watch.now)}.", event.worker)
        self._again(held, f"worker {event.worker} was lost", failed=False)
        if not self.crew.threads and self.phase != "finished":
            if self.ending in HURRIED:
                self._finish()
            else:
                self._wait()

    def _joined(self, event: messages.WorkerJoined) -> None:
        if self.crew.join(event.worker, event.threads):
            said = f"Worker {event.worker} joined with {event.threads} threads."
            self._log("worker-joined", said, event.worker)
        if self.waiting_since is None:
            return
        self.waiting_since = None
        go_on = {"scoring": self._score, "training": self._give_open_shares}
        go_on.get(self.phase, self._next)()

    def _wait(self) -> None:
        if self.waiting_since is None:
            self.waiting_since = self.watch.now
            self.out.append(messages.WaitForWorkers(self.plan.no_workers_timeout))


HANDLERS: dict[type, Callable[[Coordinator, Any], None]] = {
    messages.Started: Coordinator._start,
    messages.ShareTrained: Coordinator._trained,
    messages.ShareFailed: Coordinator._failed,
    messages.WorkerLost: Coordinator._lost,
    messages.WorkerJoined: Coordinator._joined,
    messages.RoundCombined: Coordinator._combined,
    messages.Scored: Coordinator._scored,
    messages.Saved: Coordinator._saved,
    messages.SaveFailed: Coordinator._not_saved,
    messages.StopRequested: lambda self, event: self._stop("stopped", event.reason),
    messages.Tick: Coordinator._tick,
}
