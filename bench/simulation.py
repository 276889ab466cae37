"""Training on any number of workers in one process: the real coordinator and kernels, workers one after the other.

What a cluster adds are times. Here a clock of arithmetic stands for them: a sample takes what the schedule expects of
it, a round costs `communication` seconds more. So the same table gives the same figures on any machine, busy or not,
and eight workers need no eight processes. `bench/staleness.py --cluster` compares with a real cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.progress import TrainingPlan
from daskdl.coordinator.round_size import Machine, Work, seconds_per_sample
from daskdl.encoding.decoded import Design, decode
from daskdl.network.state import State
from daskdl.parameters import Parameters, resolve, survey
from daskdl.scoring import partitions
from daskdl.shell.cluster import Cluster
from daskdl.shell.shell import PlacedFrame
from daskdl.training.fit_one import prepare
from daskdl.training.outcome import Prepared
from daskdl.training.plans import GFLOPS, training_plan
from daskdl.worker import tasks
from daskdl.worker.trainer import Delta, Portion, RoundShare, train_share

COMMUNICATION = 0.02  # seconds of a round beyond its training: two processes of one machine


class Piece(NamedTuple):
    """Rows of one decoded partition that stand for a partition of their own."""

    design: Design
    rows: np.ndarray


@dataclass
class Bench:
    """A table ready to be trained on by any number of simulated workers."""

    ready: Prepared
    train: list[Design]
    test: list[Design]

    @classmethod
    def of(cls, parameters: Parameters, train, test, y: str) -> "Bench":
        """Prepare as `train()` does; `train` and `test` are frames of the embedded worker, with `y` to be learnt."""
        x = [name for name in train.names if name != y]
        resolved = resolve(parameters, survey(parameters, train, x, y, test, workers=1), "bench")
        cluster = Cluster.of(train)
        ready = prepare(cluster, resolved, train, test, key="bench")
        return cls(ready, _designs(cluster, ready, ready.train), _designs(cluster, ready, ready.valid))

    @property
    def rows(self) -> int:
        """How many rows train."""
        return sum(design.rows for design in self.train)

    def error(self, state: State) -> float:
        """Return the test error: the share of wrong classes, or the root mean squared error of numbers."""
        scorer = replace(self.ready.scorer, weights=state.weights)
        found = np.concatenate([partitions.predictions(scorer, design) for design in self.test])
        target = np.concatenate([design.target for design in self.test])
        if found.ndim == 2:
            return float(np.mean(found.argmax(axis=1) != target))
        actual = target / scorer.predictor.mul + scorer.predictor.sub
        return float(np.sqrt(np.mean((found - actual) ** 2)))

    def pieces(self, workers: int) -> list[Piece]:
        """Cut the rows in as many equal parts per partition as every worker needs to have one."""
        each = -(-workers // len(self.train))
        return [Piece(d, rows) for d in self.train for rows in np.array_split(np.arange(d.rows), each) if len(rows)]


def _designs(cluster: Cluster, ready: Prepared, placed: PlacedFrame | None) -> list[Design]:
    assert placed is not None  # a bench has a test frame
    gather = cluster.client.gather
    return [decode(ready.encoder, placed.adaptation, gather(list(part)), placed.where) for part in placed.parts]


@dataclass
class Simulation:
    """One run: `workers` of so many `threads`; `errors` by epoch, the number of rounds and the samples of each."""

    bench: Bench
    workers: int
    threads: int = 1
    communication: float = COMMUNICATION
    real_threads: int = 1  # that train a share here: bits do not depend on them
    errors: dict[int, float] = field(default_factory=dict)
    rounds: list[int] = field(default_factory=list)
    now: float = 0.0

    def run(self) -> "Simulation":
        """Train all epochs of the parameters, scoring the test rows after each."""
        ready = self.bench.ready
        self.pieces = self.bench.pieces(self.workers)
        self.job = Coordinator(self._plan())
        self.state, self.before = ready.state, None
        names = [f"worker-{number}" for number in range(self.workers)]
        owners = tuple((names[k % self.workers],) for k in range(len(self.pieces)))
        orders = self._tell(messages.Started(dict.fromkeys(names, self.threads), owners))
        while not any(isinstance(one, messages.Finish) for one in orders):
            orders = [then for event in self._events(orders) for then in self._tell(event)]
        return self

    def _plan(self) -> TrainingPlan:
        ready, width = self.bench.ready, len(self.bench.ready.encoder.levels)
        actual, layout = ready.resolved.actual, ready.layout
        plan = training_plan(
            ready.resolved,
            layout,
            columns=width,
            rows=[len(piece.rows) for piece in self.pieces],
            validated=False,
            workers={f"worker-{number}": self.threads for number in range(self.workers)},
        )
        flop = ready.resolved.activation.flop
        work = Work(layout.touched(width), layout.numbers + width, flop, self.bench.rows, actual.epochs)
        self.per_sample = seconds_per_sample(work, Machine(self.workers, self.threads, GFLOPS))
        return replace(plan, keep_best=False, scoring=replace(plan.scoring, duty_cycle=0.0))

    def _tell(self, event: messages.Event) -> list[messages.Instruction]:
        return self.job.handle(event, self.now)

    def _events(self, orders: list[messages.Instruction]) -> Iterator[messages.Event]:
        """Carry out what is asked for and yield what then happened."""
        shares = [one for one in orders if isinstance(one, messages.TrainShare)]
        if shares:
            self.now += max(one.samples for one in shares) * self.per_sample
            self.deltas = {one.share: self._trained(one) for one in shares}
            for one in shares:
                seconds = one.samples * self.per_sample
                yield messages.ShareTrained(one.round, one.share, one.worker, one.samples, seconds)
        for one in orders:
            if isinstance(one, messages.CombineRound):
                self.now += self.communication
                self.before, self.state = self.state, tasks.combine([self.deltas[k] for k, _ in one.shares]).state
                yield from self._combined(one.round)
            elif isinstance(one, messages.Score):
                yield messages.Scored(one.round, UNUSED)

    def _trained(self, order: messages.TrainShare) -> Delta:
        assert self.job.round is not None  # there is an order
        portions = tuple(
            Portion(
                one.partition, one.start, one.stop, self.pieces[one.partition].design, self.pieces[one.partition].rows
            )
            for task in order.tasks
            for one in task
        )
        share = RoundShare(portions, self.job.progress.position, self.job.round.size / max(1, order.samples))
        return train_share(self.state, share, self.bench.ready.job.plan, threads=self.real_threads)

    def _combined(self, number: int) -> Iterator[messages.Event]:
        done = self.job.progress.position
        self.rounds.append(self.job.round.size if self.job.round else 0)
        yield messages.RoundCombined(number)
        for epoch in range(done // self.bench.rows, self.job.progress.position // self.bench.rows):
            self.errors[epoch + 1] = self.bench.error(self.state)


# what a scoring has to say: nothing is made of it here, for no run is stopped early or goes back to its best
UNUSED = dict.fromkeys(("mse", "rmse", "mae", "rmsle", "r2", "logloss", "auc", "err", "mean_residual_deviance"), 1.0)
