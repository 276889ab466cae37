"""A cluster that exists on paper only: the real coordinator, driven by a simulated clock.

What is simulated is time: of shares, of messages, of averages, of failures. What decides is the code that decides on a
real cluster, so rounds, overtaken stragglers, lost workers and counted samples are what they would be there.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from daskdl.coordinator import messages
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.progress import TrainingPlan
from daskdl.shell.cluster import TICK
from daskdl.worker.tasks import FAN_IN


@dataclass(frozen=True)
class Costs:
    """What things take, in seconds unless said otherwise.

    `sample`: one sample on one thread; `task`: sending one task and hearing of its end; `message`: one way of one;
    `bandwidth`: bytes per second between two machines; `network`: bytes of weights and optimizer slots; `score`: one
    scoring; `detection` of a death, and `replacement` of a machine that died.
    """

    sample: float = 1 / 9500
    task: float = 0.0005
    message: float = 0.002
    bandwidth: float = 1e9
    network: float = 2.5e6
    score: float = 0.2
    detection: float = 1.0
    replacement: float = 60.0

    def average(self, shares: int) -> float:
        """Seconds of a tree of tasks that averages so many shares and brings the result to the coordinator."""
        levels = max(1, math.ceil(math.log(max(2, shares), FAN_IN)))
        fetched = min(shares, FAN_IN) * self.network / self.bandwidth
        return levels * (2 * self.message + FAN_IN * self.task + fetched) + self.network / self.bandwidth


@dataclass(frozen=True)
class Mishaps:
    """What goes wrong: the spread of workers' speeds, shares that take much longer, machines that die.

    `spread`: standard deviation of the logarithm of a worker's speed; `slow`: part of the shares that take `slower`
    times as long; `lifetime`: mean seconds until a worker dies (infinite: none does).
    """

    spread: float = 0.05
    slow: float = 0.0
    slower: float = 5.0
    lifetime: float = math.inf


@dataclass
class Outcome:
    """What a run was like: simulated seconds, and seconds that the coordinator itself computed."""

    seconds: float = 0.0
    rounds: int = 0
    samples: int = 0
    due: int = 0
    per_round: int = 0
    averaging: float = 0.0
    scoring: float = 0.0
    ideal: float = 0.0
    deaths: int = 0
    repeated: int = 0
    thinking: float = 0.0
    finish: str = ""

    @property
    def efficiency(self) -> float:
        """The part of the workers' speed that became trained samples."""
        return self.ideal / self.seconds if self.seconds else 0.0


@dataclass
class SimulatedCluster:
    """Workers on paper that carry out what a coordinator says.

    Example: ``SimulatedCluster(plan, workers=8, threads=16).run()`` is an Outcome.
    """

    plan: TrainingPlan
    workers: int
    threads: int = 1
    costs: Costs = field(default_factory=Costs)
    mishaps: Mishaps = field(default_factory=Mishaps)
    seed: int = 1

    def __post_init__(self) -> None:
        self.job = Coordinator(replace(self.plan))
        self.outcome = Outcome(due=self.plan.target)
        self._rng = np.random.default_rng(self.seed)
        self._order = itertools.count()
        self._names = itertools.count()
        self._agenda: list[tuple[float, int, Any]] = []
        self._speeds: dict[str, float] = {}
        self._running: dict[tuple[int, int, str], messages.TrainShare] = {}
        self._now = 0.0

    def run(self) -> Outcome:
        """Run the job to its end."""
        for _ in range(self.workers):
            self._arrive()
        names = list(self._speeds)
        owners = tuple((names[number % len(names)],) for number in range(len(self.plan.rows)))
        self._tell(messages.Started(dict.fromkeys(names, self.threads), owners))
        while self.job.phase != "finished":
            self._now, _, happening = heapq.heappop(self._agenda)
            happening()
        return self._counted()

    def _counted(self) -> Outcome:
        done, progress = self.outcome, self.job.progress
        speed = sum(self.threads / self.costs.sample for _ in range(self.workers))
        done.seconds, done.rounds, done.samples = self._now, progress.round, progress.samples
        done.per_round, done.ideal = progress.per_round, progress.samples / speed
        return done

    def _at(self, seconds: float, happening: Any) -> None:
        heapq.heappush(self._agenda, (self._now + seconds, next(self._order), happening))

    def _tell(self, event: messages.Event) -> None:
        began = time.perf_counter()
        orders = self.job.handle(event, 1e9 + self._now)
        self.outcome.thinking += time.perf_counter() - began
        for order in orders:
            carry = _CARRIERS.get(type(order))
            if carry is not None:
                carry(self, order)
        if self.job.phase == "training" and not isinstance(event, messages.Tick) and orders:
            self._at(TICK, lambda number=self.job.progress.round: self._tick(number))

    def _tick(self, number: int) -> None:
        if self.job.phase == "training" and self.job.progress.round == number:
            self._tell(messages.Tick())
            self._at(TICK * 4, lambda: self._tick(number))

    # ---- workers -----------------------------------------------------------------------------------------------
    def _arrive(self) -> str:
        name = f"w{next(self._names)}"
        self._speeds[name] = float(np.exp(self._rng.normal(0.0, self.mishaps.spread)))
        if self.mishaps.lifetime < math.inf:
            self._at(float(self._rng.exponential(self.mishaps.lifetime)), lambda: self._die(name))
        return name

    def _die(self, name: str) -> None:
        self._speeds.pop(name, None)
        self.outcome.deaths += 1
        self._at(self.costs.detection, lambda: self._lost(name))
        self._at(self.costs.replacement, self._replace)

    def _lost(self, name: str) -> None:
        for key in [one for one in self._running if one[2] == name]:
            del self._running[key]
            self.outcome.repeated += 1
        self._tell(messages.WorkerLost(name))

    def _replace(self) -> None:
        self._tell(messages.WorkerJoined(self._arrive(), self.threads))

    # ---- instructions ------------------------------------------------------------------------------------------
    def _train(self, order: messages.TrainShare) -> None:
        key = (order.round, order.share, order.worker)
        self._running[key] = order
        if order.worker not in self._speeds:
            return  # it has died, and nobody knows yet
        seconds = order.samples * self.costs.sample / order.threads / self._speeds[order.worker]
        if self._rng.random() < self.mishaps.slow:
            seconds *= self.mishaps.slower
        overhead = self.costs.task * (len(self._running) + len(order.tasks)) + 2 * self.costs.message
        fetch = self.costs.network / self.costs.bandwidth
        self._at(overhead + fetch + seconds, lambda: self._trained(key, order, seconds))

    def _trained(self, key: tuple[int, int, str], order: messages.TrainShare, seconds: float) -> None:
        if order.worker in self._speeds and self._running.pop(key, None) is order:
            self._tell(messages.ShareTrained(order.round, order.share, order.worker, order.samples, seconds))

    def _drop(self, order: messages.DropShare) -> None:
        self._running.pop((order.round, order.share, order.worker), None)

    def _combine(self, order: messages.CombineRound) -> None:
        seconds = self.costs.average(len(order.shares))
        self.outcome.averaging += seconds
        self._at(seconds, lambda: self._tell(messages.RoundCombined(order.round)))

    def _score(self, order: messages.Score) -> None:
        seconds = self.costs.score
        self.outcome.scoring += seconds
        loss = {"rmse": 1.0, "mse": 1.0, "mean_residual_deviance": 1.0, "mae": 1.0, "r2": 0.0}
        self._at(seconds, lambda: self._tell(messages.Scored(order.round, loss, None, seconds)))

    def _finish(self, order: messages.Finish) -> None:
        self.outcome.finish = order.reason


_CARRIERS: dict[type, Any] = {
    messages.TrainShare: SimulatedCluster._train,
    messages.DropShare: SimulatedCluster._drop,
    messages.CombineRound: SimulatedCluster._combine,
    messages.Score: SimulatedCluster._score,
    messages.Finish: SimulatedCluster._finish,
}
