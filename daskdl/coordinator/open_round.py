"""A round in flight: the shares that workers train, and what has come back."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from daskdl.coordinator.crew import Owed
from daskdl.coordinator.messages import ShareTrained, TrainShare
from daskdl.coordinator.slices import Slice, samples_of
from frames.exceptions import H2OValueError

LEAST_PATIENCE = 3.0  # seconds that any share may take: a first look at a partition, a compilation
FAR_OVER = 4.0  # times what others take; two workers on one busy core differ by 2 to 3
CLOSING = 1.15  # times what the median worker took that a round lasts, where the rest can be left to the next one


@dataclass
class Share:
    """A part of a round that one worker trains.

    `worker` has it now (None: nobody), `trained` samples once it is done, `attempts` times it was given out,
    `issued` when (seconds), `avoid` the worker that failed it last; `rival` trains the same rows, because
    `worker` takes too long: the first answer counts. `alone` it begins with the weights of the round, else with what
    its worker trained in the round before it.
    """

    number: int
    slices: tuple[Slice, ...]
    samples: int
    worker: str | None = None
    trained: int | None = None
    seconds: float = 0.0
    waited: float = 0.0
    attempts: int = 0
    failures: int = 0
    issued: float = 0.0
    avoid: str | None = None
    rival: str | None = None
    alone: bool = True

    @property
    def out(self) -> bool:
        """True while somebody trains it."""
        return self.worker is not None and self.trained is None


@dataclass
class OpenRound:
    """The shares of one round; `asked` is what was asked to be combined: (share, samples) pairs, empty before that.

    With `chained` each share goes on from the one that its worker trained before, so that a worker has one result; else
    each begins with the weights of the round. Of its `size` samples `fresh` are new in this round. Where it
    `may_close_early`, what slow workers have not trained by then is `owed`. Its only share may have `stages`: slices of
    several rounds of one size, that are trained one after the other and count as so many.
    """

    number: int
    begun: float
    shares: list[Share] = field(default_factory=list)
    asked: tuple[tuple[int, int], ...] = ()
    heard: dict[str, float] = field(default_factory=dict)  # when each worker finished a share last
    chained: bool = True
    size: int = 0
    fresh: int = 0
    stages: tuple[tuple[Slice, ...], ...] = ()
    may_close_early: bool = False
    closed: float | None = None  # when all shares were trained or given up
    owed: list[Owed] = field(default_factory=list)
    _open: set[int] = field(default_factory=set)  # shares that are not trained
    _chains: dict[str, list[int]] = field(default_factory=dict)  # shares of each worker, in the order of its work
    _left: dict[str, int] = field(default_factory=dict)  # how many of them it has not trained yet

    @classmethod
    def of(cls, number: int, begun: float, lists: Iterable[Sequence[Slice]], **more: Any) -> OpenRound:
        """Return a round of one share per list of slices, numbered from 0."""
        shares = [Share(n, tuple(one), samples_of(one)) for n, one in enumerate(lists)]
        size = sum(share.samples for share in shares)
        return cls(number, begun, shares, size=size, _open=set(range(len(shares))), **more)

    def copy(self) -> OpenRound:
        """Return a round that shares nothing that changes with this one."""
        return replace(
            self,
            shares=[replace(share) for share in self.shares],
            heard=dict(self.heard),
            owed=list(self.owed),
            _open=set(self._open),
            _chains={worker: list(chain) for worker, chain in self._chains.items()},
            _left=dict(self._left),
        )

    @property
    def rounds(self) -> int:
        """As how many rounds it counts: what was trained of its stages, where it was stopped."""
        if not self.stages:
            return 1
        trained = sum(samples for _, samples in self.asked)
        return -(-trained * len(self.stages) // self.size)

    @property
    def complete(self) -> bool:
        """True when every share is trained or given up."""
        return not self._open

    @property
    def trained(self) -> tuple[tuple[int, int], ...]:
        """The (share, samples) pairs to be combined, in the order of their numbers: of a chain its last share alone."""
        pairs = [(share.number, share.trained) for share in self.shares if share.alone and share.trained]
        for chain in self._chains.values():
            done = [self.shares[number] for number in chain if self.shares[number].trained is not None]
            if samples := sum(share.trained or 0 for share in done):
                pairs.append((done[-1].number, samples))
        return tuple(sorted(pairs))

    def work(self) -> dict[str, tuple[int, float, float]]:
        """Return what each worker did in the round: samples, seconds of that, and seconds it waited for other jobs."""
        found: dict[str, tuple[int, float, float]] = {}
        for share in self.shares:
            if share.worker is not None and share.trained:
                samples, seconds, waited = found.get(share.worker, (0, 0.0, 0.0))
                found[share.worker] = samples + share.trained, seconds + share.seconds, waited + share.waited
        return found

    def costs(self, now: float) -> tuple[float, float]:
        """Return the seconds that the round cost besides training, and its own seconds in all.

        Besides training are the times until the average, and until shares had begun. Waiting for other jobs is not the
        round's own: it says nothing of what messages or samples cost.
        """
        work = self.work()
        waits = [
            self.heard[worker] - self.begun - busy - waited
            for worker, (_, busy, waited) in work.items()
            if worker in self.heard
        ]
        communication = now - (self.closed or now) + (max(0.0, statistics.median(waits)) if waits else 0.0)
        others = statistics.median(waited for *_, waited in work.values()) if work else 0.0
        return communication, max(communication, now - self.begun - others)

    def order(self, share: Share, worker: str, threads: int, tasks: tuple[tuple[Slice, ...], ...]) -> TrainShare:
        """Return the order to train a share that was given to `worker`, as a chain of `tasks` on so many threads."""
        chain = [] if share.alone or worker != share.worker else self._chains[worker]
        own = [self.shares[number] for number in chain] or [share]
        at = chain.index(share.number) if chain else 0
        return TrainShare(
            round=self.number,
            share=share.number,
            worker=worker,
            threads=threads,
            tasks=tasks,
            samples=share.samples,
            attempt=share.attempts,
            after=chain[at - 1] if at else None,
            last=not chain or at == len(chain) - 1,
            pace=self.size / max(1, sum(one.samples for one in own)),
        )

    def behind(self, worker: str, number: int) -> list[Share]:
        """Return what a worker trains after a share in one chain with it."""
        chain = self._chains.get(worker, [])
        return [self.shares[one] for one in chain[chain.index(number) + 1 :]] if number in chain else []

    def behind_the_loser(self, number: int, rival: str) -> list[Share]:
        """Return what the worker of a share trains after it, where it is the rival that has trained it first."""
        share = self.shares[number] if number < len(self.shares) else None
        won = share is not None and share.out and share.rival == rival
        return self.behind(str(share.worker), number) if share is not None and won else []

    def let_go(self, worker: str, number: int | None = None) -> list[Share]:
        """Forget what a worker trains where another trains it too; return the shares that it alone has.

        With the share `number` go those that the worker trains after it; None: all that it has.
        """
        gone = self.shares if number is None else [self.shares[number], *self.behind(worker, number)]
        for share in gone:
            if share.rival is not None and worker in (share.worker, share.rival):
                if share.worker == worker:
                    self._pass_to_rival(share)
                share.rival = None
        return [share for share in gone if share.worker == worker]

    def report(self, said: ShareTrained, now: float = 0.0) -> Share | None:
        """Note that a worker trained a share and return it; None when the share is not, or no longer, with that worker.

        Where two trained it, the slower one stays in `rival`.
        """
        share, worker = self.shares[said.share] if said.share < len(self.shares) else None, said.worker
        if share is None or worker not in (share.worker, share.rival) or share.trained is not None:
            return None
        if not 0 <= said.samples <= share.samples:
            raise H2OValueError(f"Share {said.share} must train 0 to {share.samples} samples; got {said.samples}.")
        if worker == share.rival:
            self._pass_to_rival(share)
        share.trained, share.seconds, share.waited = said.samples, said.seconds, said.waited
        self._open.discard(said.share)
        self.heard[worker] = now
        self._left[worker] -= 1
        return share

    def _pass_to_rival(self, share: Share) -> None:
        """Let the rival be the worker that has a share, and the worker its rival."""
        former = str(share.worker)
        self._unlink(share)
        share.worker, share.rival, share.alone = share.rival, former, True
        self._left[str(share.worker)] = self._left.get(str(share.worker), 0) + 1

    def _unlink(self, share: Share) -> None:
        """Take a share out of the work of its worker."""
        worker = str(share.worker)
        if share.trained is None:
            self._left[worker] -= 1
        if not share.alone:
            self._chains[worker].remove(share.number)

    def overdue(self, now: float, usual: float | None, patience: float = LEAST_PATIENCE) -> list[Share]:
        """Return the shares that take far longer than others of the round, or than the `usual` seconds of rounds.

        A worker with several shares trains one after the other: counted is the time since its last answer.
        """
        if any(share.trained for share in self.shares):
            usual = max(share.seconds + share.waited for share in self.shares)
        if usual is None:
            return []
        limit = max(patience, FAR_OVER * usual)
        found, seen = [], set()
        for share in self.running:
            first = share.alone or share.worker not in seen
            seen.add(share.worker)
            since = max(share.issued, self.heard.get(str(share.worker), 0.0))
            if first and share.rival is None and now - since > limit:
                found.append(share)
        return found

    def close_early(self, now: float) -> list[Share]:
        """Return the shares that the round is not to wait for: those running when most workers are done for a while.

        They are `owed` from now on.
        """
        if not self.may_close_early or not self._open:
            return []
        ends = [self.heard[name] - self.begun for name, left in self._left.items() if left == 0 and name in self.heard]
        if 2 * len(ends) < len(self._left) or now - self.begun <= CLOSING * statistics.median(ends):
            return []
        late = self.running
        self.owed += [Owed(str(share.worker), share.slices) for share in late]
        return late

    def give(self, share: Share, worker: str, now: float) -> None:
        """Note that a share goes to a worker."""
        share.worker, share.trained, share.issued, share.rival = worker, None, now, None
        share.attempts += 1
        share.alone = not self.chained
        self._open.add(share.number)
        self._left[worker] = self._left.get(worker, 0) + 1
        if self.chained:
            self._chains.setdefault(worker, []).append(share.number)

    def take_back(self, share: Share, failed: bool = False) -> None:
        """Note that nobody has a share any more, its result included; its worker is avoided next when it `failed`."""
        share.avoid = share.worker if failed else share.avoid
        share.failures += 1 if failed else 0
        if share.worker is not None:
            self._unlink(share)
        share.worker, share.trained, share.rival, share.alone = None, None, None, True
        share.seconds = share.waited = 0.0
        self._open.add(share.number)

    @property
    def running(self) -> list[Share]:
        """The shares that somebody trains now, in the order of their numbers."""
        return [self.shares[number] for number in sorted(self._open) if self.shares[number].out]

    def give_up(self, shares: Iterable[Share]) -> None:
        """Count shares that are not trained as trained with nothing."""
        for share in shares:
            self.take_back(share)
            share.trained = 0
            self._open.discard(share.number)

    def least_loaded(self, threads: Mapping[str, int], avoid: str | None = None) -> str | None:
        """Return the worker with the least samples per thread, `avoid` only when there is no other; None of none."""
        load = dict.fromkeys(sorted(threads), 0)
        for share in self.running:
            if share.worker in load:
                load[share.worker] += share.samples
        able = [worker for worker in load if worker != avoid] or list(load)
        return min(able, key=lambda worker: (load[worker] / threads[worker], worker), default=None)


def work_of(shares: Iterable[Share], now: float) -> str:
    """Say what lost shares cost: ` with 300 samples (2.5 seconds) to be done again`; "" for nothing."""
    shares = list(shares)
    if not shares:
        return ""
    since = min(share.issued for share in shares)
    return f" with {sum(share.samples for share in shares)} samples ({now - since:.1f} seconds) to be done again"


def overtaken(share: Share, now: float) -> str:
    """Say that a second worker begins a share, too."""
    return (
        f"Worker {share.worker} takes {now - share.issued:.1f} seconds for {share.samples} samples; worker "
        f"{share.rival} trains them, too, and the first answer counts."
    )
