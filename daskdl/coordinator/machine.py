"""The brain of a training job: told what happened and when, it says what to do next; it touches nothing itself."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from daskdl.coordinator import messages
from daskdl.coordinator.open_round import Crew, OpenRound, Share, overtaken, work_of
from daskdl.coordinator.progress import Progress, Stopwatch, TrainingPlan
from daskdl.coordinator.round_size import resized
from daskdl.coordinator.saving import Saving
from daskdl.coordinator.slices import chain, slices
from daskdl.coordinator.stopping import REMEDY, TIMEOUT
from frames.exceptions import H2OValueError

Phase = Literal["new", "between", "training", "combining", "scoring", "finished"]
# why a job ends in a hurry: nothing is begun any more that could take long
HURRIED = ("timeout", "stopped")


@dataclass
class Coordinator:
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
        return cls(plan, progress.restarted(plan))

    def copy(self) -> Coordinator:
        """Return a coordinator in the same situation that shares nothing that changes with this one."""
        other = copy.copy(self)
        other.progress, other.crew, other.round = self.progress.copy(), self.crew.copy(), copy.deepcopy(self.round)
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
        self.crew, self.watch.begun = Crew(dict(event.threads), list(event.owners)), self.watch.now
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
        size = min(self.progress.per_round, self.plan.target - self.progress.done)
        if self.progress.speed and self.watch.left < math.inf:  # a round must not run far beyond the time that is left
            size = min(size, max(1, int(self.progress.speed * self.watch.left)))
        whole = slices(self.progress.position, self.progress.position + size, self.plan.rows)
        most = self.plan.workers_at(self.progress.position)
        given = self.crew.divide(whole, self.plan.rows, self.plan.fixed_shares, most)
        self.phase, self.stopped_at = "training", None
        self.round = OpenRound.of(self.progress.round + 1, self.watch.now, [one for _, one in given])
        for share, (worker, _) in zip(self.round.shares, given, strict=True):
            self._give(share, worker)

    def _give(self, share: Share, worker: str) -> None:
        assert self.round is not None
        self.round.give(share, worker, self.watch.now)
        self._order(share, worker)

    def _order(self, one: Share, worker: str) -> None:
        assert self.round is not None
        threads = 1 if self.plan.fixed_shares else self.crew.threads[worker]
        tasks = tuple(chain(one.slices, self.plan.chunk_bytes, self.plan.budget))
        self.out.append(one.order(self.round.number, worker, threads, tasks))

    def _trained(self, event: messages.ShareTrained) -> None:
        if self.phase != "training" or self.round is None or event.round != self.round.number:
            return
        share = self.round.report(event.share, event.worker, event.samples, event.seconds, self.watch.now)
        if share is None:
            return
        if share.rival is not None:
            self.out.append(messages.DropShare(self.round.number, share.number, share.rival))
            share.rival = None
        self._combine_when_complete()

    def _overtake(self) -> None:
        """Start shares that take far too long elsewhere, too: the first answer counts."""
        assert self.round is not None
        usual = self.round.size / self.progress.speed if self.progress.speed else None
        for share in self.round.overdue(self.watch.now, usual, self.plan.patience):
            rival = self.round.least_loaded(self.crew.threads, share.worker)
            if rival is not None and rival != share.worker:
                share.rival = rival
                self._log("overtaken", overtaken(share, self.watch.now), str(share.worker))
                self._order(share, rival)

    def _combine_when_complete(self) -> None:
        assert self.round is not None
        if not self.round.complete:
            return
        self.stopped_at = None
        if not self.round.trained:  # stopped before anybody trained anything, or no row of the round can be trained
            self.progress.position += 0 if self.ending else self.round.size
            self.round = None
            self._next()
            return
        self.phase, self.round.asked = "combining", self.round.trained
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
        samples, seconds = sum(one for _, one in done.asked), self.watch.now - done.begun
        self.progress.count_round(samples, done.size, stopped=self.ending in HURRIED)
        self.progress.speed = samples / seconds if seconds > 0 else None
        if self.plan.resize is None or self.progress.round < 2:
            return
        before = self.progress.per_round
        after = resized(before, seconds - done.slowest, seconds, len(self.crew.threads), self.plan.resize)
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

    def _log(self, kind: str, text: str, worker: str = "") -> None:
        self.out.append(messages.Log(kind, text, worker))

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

    def _drop(self, of: OpenRound, shares: list[Share]) -> None:
        for one in shares:
            self.out += [messages.DropShare(of.number, one.number, name) for name in (one.worker, one.rival) if name]

    def _tick(self, event: messages.Tick) -> None:
        if self.waiting_since is not None:
            if self.watch.now - self.waiting_since >= self.plan.no_workers_timeout:
                waited = f"No worker was there for {self.plan.no_workers_timeout:g} seconds"
                self._note_end("no-workers", f"{waited}; the last model stands.")
                self._finish()
        elif self.round and self.stopped_at is not None and self.watch.now - self.stopped_at >= self.plan.grace:
            self._drop(self.round, self.round.running)
            self.round.give_up()
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

    def _failed(self, event: messages.ShareFailed) -> None:
        if self.round is None or event.round != self.round.number:
            return
        held = self.round.let_go(event.worker, event.share)
        if held:
            said = f"Share {event.share} failed on worker {event.worker}: {event.message}"
            self._log("share-failed", said, event.worker)
            self._again(held, event.message, failed=True)

    def _again(self, held: list[Share], cause: str, failed: bool) -> None:
        """Send shares out again: same slices, same starting weights, another worker where there is one."""
        if not held or self.round is None:
            return
        self.phase = "training"
        for share in held:
            self.round.take_back(share, failed)
        if self.ending in HURRIED:
            for share in held:
                share.trained = 0
            self._combine_when_complete()
            return
        tired = next((share for share in held if share.attempts >= self.plan.attempts), None)
        if tired is not None:
            self._drop(self.round, self.round.running)
            times = f"failed {tired.attempts} times: {cause}."
            self._note_end("failed", f"Share {tired.number} of round {self.round.number} {times}")
            self._finish()
            return
        self._give_open_shares()

    def _give_open_shares(self) -> None:
        assert self.round is not None
        for share in self.round.shares:
            worker = self.round.least_loaded(self.crew.threads, share.avoid)
            if share.trained is None and share.worker is None and worker is not None:
                self._give(share, worker)

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
