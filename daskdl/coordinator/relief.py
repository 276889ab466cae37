"""What becomes of shares: given out, and given to others where their workers fail, leave or take too long."""

from __future__ import annotations

from daskdl.coordinator import messages
from daskdl.coordinator.crew import Crew
from daskdl.coordinator.open_round import OpenRound, Share, overtaken
from daskdl.coordinator.progress import Progress, Stopwatch, TrainingPlan
from daskdl.coordinator.slices import chain

# why a job ends in a hurry: nothing is begun any more that could take long
HURRIED = ("timeout", "stopped")
LEAVING = 2  # times the attempts that a share has whose workers leave


class Relief:
    """The part of a coordinator that deals with the shares of the open round."""

    plan: TrainingPlan
    progress: Progress
    phase: str
    crew: Crew
    round: OpenRound | None
    ending: str | None
    watch: Stopwatch
    stopped_at: float | None
    out: list[messages.Instruction]

    def _combine_when_complete(self) -> None:
        raise NotImplementedError

    def _note_end(self, reason: str, message: str) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        raise NotImplementedError

    def _log(self, kind: str, text: str, worker: str = "") -> None:
        self.out.append(messages.Log(kind, text, worker))

    def _give(self, share: Share, worker: str) -> None:
        assert self.round is not None
        self.round.give(share, worker, self.watch.now)
        self._order(share, worker)

    def _order(self, one: Share, worker: str) -> None:
        assert self.round is not None
        threads = 1 if self.plan.fixed_shares else self.crew.threads[worker]
        stages = self.round.stages or (one.slices,)
        tasks = tuple(task for stage in stages for task in chain(stage, self.plan.chunk_bytes, self.plan.budget))
        self.out.append(self.round.order(one, worker, threads, tasks))

    def _close_early(self) -> None:
        """Leave what slow workers have not trained yet to the next round, once the others are done for a while."""
        assert self.round is not None
        if self.ending or self.stopped_at is not None or not (late := self.round.close_early(self.watch.now)):
            return
        self._drop(self.round, late)
        self.round.give_up(late)

    def _overtake(self) -> None:
        """Start shares that take far too long elsewhere, too: the first answer counts."""
        assert self.round is not None
        self._close_early()
        self._combine_when_complete()
        if self.phase != "training":
            return
        usual = self.round.size / self.progress.speed if self.progress.speed else None
        for share in self.round.overdue(self.watch.now, usual, self.plan.patience):
            rival = self.round.least_loaded(self.crew.threads, share.worker)
            if rival is not None and rival != share.worker:
                share.rival = rival
                self._free(self.round.behind(str(share.worker), share.number))
                self._log("overtaken", overtaken(share, self.watch.now), str(share.worker))
                self._order(share, rival)

    def _free(self, shares: list[Share]) -> None:
        """Take shares from their workers, which are not at them yet, and give them to others."""
        if not shares or self.round is None:
            return
        self._drop(self.round, shares)
        for one in shares:
            self.round.take_back(one, failed=True)
        self._give_open_shares()

    def _failed(self, event: messages.ShareFailed) -> None:
        if self.round is None or event.round != self.round.number:
            return
        held = self.round.let_go(event.worker, event.share)
        behind = [one for one in held if one.number != event.share and one.out]
        self.out += [messages.DropShare(event.round, one.number, event.worker) for one in behind]
        if held:
            said = f"Share {event.share} failed on worker {event.worker}: {event.message}"
            self._log("share-failed", said, event.worker)
            self._again(held, event.message, failed=True)

    def _again(self, held: list[Share], cause: str, failed: bool) -> None:
        """Send shares out again: same slices, same starting weights, another worker where there is one."""
        if not held or self.round is None:
            return
        self.phase = "training"
        if self.ending in HURRIED:
            self.round.give_up(held)
            self._combine_when_complete()
            return
        for share in held:
            self.round.take_back(share, failed)
        tired = next((share for share in held if self._is_tired(share)), None)
        if tired is not None:
            self._drop(self.round, self.round.running)
            times = f"failed {tired.attempts} times: {cause}."
            self._note_end("failed", f"Share {tired.number} of round {self.round.number} {times}")
            self._finish()
            return
        self._give_open_shares()

    def _is_tired(self, share: Share) -> bool:
        """Tell whether a share is not tried again: failures count, and so do workers that leave, but less.

        They may all be killed at once, or by the share.
        """
        return share.failures >= self.plan.attempts or share.attempts >= LEAVING * self.plan.attempts

    def _give_open_shares(self) -> None:
        assert self.round is not None
        for share in self.round.shares:
            worker = self.round.least_loaded(self.crew.threads, share.avoid)
            if share.trained is None and share.worker is None and worker is not None:
                self._give(share, worker)

    def _drop(self, of: OpenRound, shares: list[Share]) -> None:
        for one in shares:
            self.out += [messages.DropShare(of.number, one.number, name) for name in (one.worker, one.rival) if name]
