"""A round in flight: the crew of workers, the shares they train, and what has come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from daskdl.coordinator.messages import TrainShare
from daskdl.coordinator.slices import Part, Slice, assign, cut, fixed_shares, owners_of, place_fixed, samples_of
from frames.exceptions import H2OValueError

LEAST_PATIENCE = 3.0  # seconds that any share may take: a first look at a partition, a compilation
FAR_OVER = 4.0  # times what others take; two workers on one busy core differ by 2 to 3


@dataclass
class Crew:
    """The living workers with their `threads`, the `owners` of each partition's chunks, and who trains which rows.

    The `assignment` is made anew only after somebody came or left, so that chunks stay where they are.
    """

    threads: dict[str, int] = field(default_factory=dict)
    owners: list[tuple[str, ...]] = field(default_factory=list)
    assignment: dict[str, list[Part]] | None = None

    def copy(self) -> Crew:
        """Return a crew that shares nothing that changes with this one."""
        return Crew(dict(self.threads), list(self.owners), self.assignment)

    def join(self, worker: str, threads: int) -> bool:
        """Take in a worker that is there; True when it is new."""
        new = worker not in self.threads
        if new or self.threads[worker] != threads:
            self.assignment = None
        self.threads[worker] = threads
        return new

    def lose(self, worker: str) -> bool:
        """Forget a worker that is gone; False when it was not known."""
        if self.threads.pop(worker, None) is None:
            return False
        self.owners = [tuple(one for one in names if one != worker) for names in self.owners]
        self.assignment = None
        return True

    def divide(
        self, whole: list[Slice], rows: Sequence[int], fixed: int | None, most: int | None = None
    ) -> list[tuple[str, list[Slice]]]:
        """Cut a round's slices in (worker, slices) shares.

        `fixed` many shares whoever is there, or one per worker, for at most so many workers.
        """
        if fixed:
            lists = fixed_shares(whole, fixed)
            return list(zip(place_fixed(lists, self.owners, self.threads), lists, strict=True))
        chosen = self._chosen(rows, most)
        if self.assignment is None or set(self.assignment) != set(chosen):
            self.assignment = assign(rows, self.owners, chosen)
            if len(chosen) == len(self.threads):  # others, who come later, do best with what they hold already
                self.owners = owners_of(self.assignment, self.owners)
        return list(cut(whole, self.assignment).items())

    def _chosen(self, rows: Sequence[int], most: int | None) -> dict[str, int]:
        """Return at most so many workers with their threads: who trains already first, then who holds most rows."""
        if most is None or most >= len(self.threads):
            return self.threads
        held = dict.fromkeys(self.threads, 0)
        for count, names in zip(rows, self.owners, strict=True):
            for name in names:
                held[name] = held.get(name, 0) + count
        order = sorted(self.threads, key=lambda name: (name not in (self.assignment or ()), -held[name], name))
        return {name: self.threads[name] for name in order[:most]}


@dataclass
class Share:
    """The part of a round that one worker trains.

    `worker` has it now (None: nobody), `trained` samples once it is done, `attempts` times it was given out,
    `issued` when (seconds), `avoid` the worker that failed it last; `rival` trains the same rows, because
    `worker` takes too long: the first answer counts.
    """

    number: int
    slices: tuple[Slice, ...]
    worker: str | None = None
    trained: int | None = None
    seconds: float = 0.0
    attempts: int = 0
    issued: float = 0.0
    avoid: str | None = None
    rival: str | None = None

    @property
    def samples(self) -> int:
        """How many samples the share has."""
        return samples_of(self.slices)

    def order(self, number: int, worker: str, threads: int, tasks: tuple[tuple[Slice, ...], ...]) -> TrainShare:
        """Return the order to train it on `worker` in round `number`, as a chain of `tasks` on so many threads."""
        return TrainShare(
            round=number,
            share=self.number,
            worker=worker,
            threads=threads,
            tasks=tasks,
            samples=self.samples,
            attempt=self.attempts,
        )

    @property
    def out(self) -> bool:
        """True while somebody trains it."""
        return self.worker is not None and self.trained is None


@dataclass
class OpenRound:
    """The shares of one round; `asked` is what was asked to be combined: (share, samples) pairs, empty before that."""

    number: int
    begun: float
    shares: list[Share] = field(default_factory=list)
    asked: tuple[tuple[int, int], ...] = ()
    heard: dict[str, float] = field(default_factory=dict)  # when each worker finished a share last

    @classmethod
    def of(cls, number: int, begun: float, lists: Iterable[Sequence[Slice]]) -> OpenRound:
        """Return a round of one share per list of slices, numbered from 0."""
        return cls(number, begun, [Share(n, tuple(one)) for n, one in enumerate(lists)])

    @property
    def size(self) -> int:
        """How many samples of the stream the round takes."""
        return sum(share.samples for share in self.shares)

    @property
    def complete(self) -> bool:
        """True when every share is trained or given up."""
        return all(share.trained is not None for share in self.shares)

    @property
    def trained(self) -> tuple[tuple[int, int], ...]:
        """The (share, samples) pairs to be combined, in the order of their numbers."""
        return tuple((share.number, share.trained) for share in self.shares if share.trained)

    @property
    def slowest(self) -> float:
        """Seconds that the slowest share trained."""
        return max((share.seconds for share in self.shares), default=0.0)

    def held_by(self, worker: str, number: int | None = None) -> list[Share]:
        """Return the shares that a worker trains or holds the results of; only `number` when given."""
        return [one for one in self.shares if one.worker == worker and number in (None, one.number)]

    def let_go(self, worker: str, number: int | None = None) -> list[Share]:
        """Forget what a worker trains where another trains it too; return the shares that it alone has."""
        for share in self.shares:
            if number in (None, share.number) and share.rival is not None and worker in (share.worker, share.rival):
                share.worker = share.rival if share.worker == worker else share.worker
                share.rival = None
        return self.held_by(worker, number)

    def report(self, number: int, worker: str, samples: int, seconds: float, now: float = 0.0) -> Share | None:
        """Note that a worker trained a share and return it; None when the share is not, or no longer, with that worker.

        Where two trained it, the slower one stays in `rival`.
        """
        for share in self.shares:
            if share.number != number or worker not in (share.worker, share.rival) or share.trained is not None:
                continue
            if not 0 <= samples <= share.samples:
                raise H2OValueError(f"Share {number} must train 0 to {share.samples} samples; got {samples}.")
            if worker == share.rival:
                share.worker, share.rival = share.rival, share.worker
            share.trained, share.seconds = samples, seconds
            self.heard[worker] = now
            return share
        return None

    def overdue(self, now: float, usual: float | None, patience: float = LEAST_PATIENCE) -> list[Share]:
        """Return the shares that take far longer than others of the round, or than the `usual` seconds of rounds.

        A worker with several shares trains one after the other: counted is the time since its last answer.
        """
        if any(share.trained for share in self.shares):
            usual = self.slowest
        if usual is None:
            return []
        limit = max(patience, FAR_OVER * usual)
        since = {share.number: max(share.issued, self.heard.get(str(share.worker), 0.0)) for share in self.running}
        return [one for one in self.running if one.rival is None and now - since[one.number] > limit]

    def give(self, share: Share, worker: str, now: float) -> None:
        """Note that a share goes to a worker."""
        share.worker, share.trained, share.issued, share.rival = worker, None, now, None
        share.attempts += 1

    def take_back(self, share: Share, failed: bool = False) -> None:
        """Note that nobody has a share any more, its result included; its worker is avoided next when it `failed`."""
        share.avoid = share.worker if failed else share.avoid
        share.worker, share.trained, share.seconds, share.rival = None, None, 0.0, None

    @property
    def running(self) -> list[Share]:
        """The shares that somebody trains now."""
        return [share for share in self.shares if share.out]

    def give_up(self) -> None:
        """Count the shares that are not trained as trained with nothing."""
        for share in self.shares:
            share.trained = share.trained or 0

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
