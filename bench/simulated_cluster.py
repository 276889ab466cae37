"""A cluster that exists on paper only: the real coordinator, driven by a simulated clock.

What is simulated is time: of shares, of messages, of averages, of failures. What decides is the code that decides on a
real cluster, so rounds, overtaken stragglers, lost workers and counted samples are what they would be there.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections import deque
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
    """What goes wrong: the spread of workers' speeds, work that takes much longer, machines that die.

    `spread`: standard deviation of the logarithm of a worker's speed; `slow`: part of the tasks that take `slower`
    times as long; `pauses`: how often in a second of work a machine stands still, for `pause` seconds; `laggards`: part
    of the machines that are `slower` all the time; `lifetime`: mean seconds until a worker dies (infinite: none does).
    """

    spread: float = 0.05
    slow: float = 0.0
    slower: float = 5.0
    pauses: float = 0.0
    pause: float = 5.0
    laggards: float = 0.0
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
        self._queues: dict[str, deque[messages.TrainShare]] = {}
        self._busy: dict[str, messages.TrainShare | None] = {}
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
        if self.mishaps.laggards and self._rng.random() < self.mishaps.laggards:
            self._speeds[name] /= self.mishaps.slower
        self._queues[name], self._busy[name] = deque(), None
        if self.mishaps.lifetime < math.inf:
            self._at(float(self._rng.exponential(self.mishaps.lifetime)), lambda: self._die(name))
        return name

    def _die(self, name: str) -> None:
        self._speeds.pop(name, None)
        self.outcome.deaths += 1
        self._at(self.costs.detection, lambda: self._lost(name))
        self._at(self.costs.replacement, self._replace)

    def _lost(self, name: str) -> None:
        self.outcome.repeated += len(self._queues.pop(name)) + (self._busy.pop(name) is not None)
        self._tell(messages.WorkerLost(name))

    def _replace(self) -> None:
        self._tell(messages.WorkerJoined(self._arrive(), self.threads))

    # ---- instructions ------------------------------------------------------------------------------------------
    def _train(self, order: messages.TrainShare) -> None:
        """Send a share: it takes its time to the worker, which trains one after the other."""
        under_way = sum(map(len, self._queues.values())) + sum(one is not None for one in self._busy.values())
        delay = self.costs.task * (under_way + len(order.tasks)) / 2 + self.costs.message
        self._at(delay, lambda: self._arrived(order))

    def _arrived(self, order: messages.TrainShare) -> None:
        if order.worker in self._queues:
            self._queues[order.worker].append(order)
            self._work(order.worker)

    def _work(self, worker: str) -> None:
        """Let a worker begin what it was sent first, if it has nothing to do and lives."""
        if worker not in self._speeds or self._busy[worker] is not None or not self._queues[worker]:
            return
        order = self._busy[worker] = self._queues[worker].popleft()
        seconds = order.samples * self.costs.sample / order.threads / self._speeds[worker]
        mishaps = self.mishaps
        if self._rng.random() < mishaps.slow:
            seconds *= mishaps.slower
        seconds += mishaps.pause * self._rng.poisson(mishaps.pauses * seconds)
        fetch = 0.0 if order.after is not None else self.costs.network / self.costs.bandwidth
        self._at(fetch + seconds, lambda: self._trained(order, seconds))

    def _trained(self, order: messages.TrainShare, seconds: float) -> None:
        if self._busy.get(order.worker) is not order or order.worker not in self._speeds:
            return  # it was dropped meanwhile, or the worker has died
        self._free(order.worker)
        done = messages.ShareTrained(order.round, order.share, order.worker, order.samples, seconds)
        self._at(self.costs.message, lambda: self._tell(done))

    def _free(self, worker: str) -> None:
        self._busy[worker] = None
        self._work(worker)

    def _drop(self, order: messages.DropShare) -> None:
        self._at(self.costs.message, lambda: self._dropped(order))

    def _dropped(self, order: messages.DropShare) -> None:
        """Let a worker forget a share; one that it is at it leaves at once."""
        if order.worker not in self._queues:
            return
        name = (order.round, order.share)
        self._queues[order.worker] = deque(one for one in self._queues[order.worker] if (one.round, one.share) != name)
        busy = self._busy[order.worker]
        if busy is not None and (busy.round, busy.share) == name:
            self._free(order.worker)

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
