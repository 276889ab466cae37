"""The trained shares of a round and their average: of a small network computed here, of a large one where they lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import distributed

from daskdl.coordinator import messages
from daskdl.network.state import State
from daskdl.shell.cluster import Cluster, LostError
from daskdl.shell.spans import RoundSpans
from daskdl.worker import tasks
from daskdl.worker.trainer import Delta

AVERAGE = "daskdl-average"  # how Dask's pages call the tasks that average
TRAVELS = 1 << 20  # bytes of a state that costs less to send along than a message about it does


class Outcome(NamedTuple):
    """What became of shares: samples trained, seconds of that, and seconds that they waited for other jobs."""

    samples: int
    seconds: float
    waited: float


@dataclass
class Averaging:
    """Shares that are trained (`done`: results, or futures of large ones), and how they become one state.

    With `elastic` averaging each worker goes on from its `own` state, in reproducible jobs each share (`fixed`); `own`
    says for each where it lies, and holds the future.
    """

    cluster: Cluster
    spans: RoundSpans
    elastic: bool = False
    fixed: bool = False
    own: dict[str | int, tuple[str, Any]] = field(default_factory=dict)
    done: dict[int, Any] = field(default_factory=dict)
    _totals: dict[int, Outcome] = field(default_factory=dict)  # of chains up to a share
    _trainers: dict[int, str] = field(default_factory=dict)  # share -> the worker that trained it

    def sent(self, state: State) -> Any:
        """Return a state as tasks are to be given it: itself, or a future. Raises LostError where none takes it."""
        return state if self._travels(state) else self.cluster.hold(state)

    def _travels(self, state: State) -> bool:
        return not self.elastic and state.nbytes <= TRAVELS

    def take(self, order: messages.TrainShare, future: distributed.Future, like: State) -> Outcome:
        """Note a trained share; return its own outcome. Raises LostError where its result is gone.

        `like` is a state of the same size.
        """
        if self._travels(like) and order.last:
            delta = self.cluster.wait(future)
            self.done[order.share], total = delta, _outcome(delta)
        else:
            total = self.cluster.wait(self._submit("daskdl-share-outcome", _outcome, future))
            self.done[order.share] = future
        before = Outcome(0, 0.0, 0.0) if order.after is None else self._totals[order.after]
        self._totals[order.share], self._trainers[order.share] = total, order.worker
        seconds, waited = max(0.0, total.seconds - before.seconds), max(0.0, total.waited - before.waited)
        return Outcome(total.samples - before.samples, seconds, waited)

    def renew(self, deltas: Mapping[int, Delta] | None = None) -> None:
        """Forget the shares of a round that is over; take in those that were trained while nobody asked here."""
        self.done = dict(deltas or {})
        self._totals, self._trainers = {share: _outcome(delta) for share, delta in self.done.items()}, {}

    def begin(self, before: Sequence[State], workers: Sequence[str]) -> None:
        """Go on from the states of a checkpoint; where there are fewer workers now, the last ones are left out."""
        names = range(len(before)) if self.fixed else sorted(workers)
        for name, state in zip(names, before if self.elastic else (), strict=False):
            future = self.cluster.hold(state)
            self.own[name] = next(iter(self._holders(future)), ""), future

    def start(self, order: messages.TrainShare) -> Any:
        """Return the own state that a share goes on from; None where there is none."""
        return self.own.get(order.share if self.fixed else order.worker, (None, None))[1]

    def states(self) -> tuple[State, ...]:
        """Return the own states for a checkpoint; none where one of them is gone, for they belong together."""
        names = sorted(self.own, key=lambda name: (isinstance(name, str), name))
        try:
            return tuple(self.cluster.wait(self.own[name][1]) for name in names)
        except LostError as cause:
            self.cluster.say(f"A checkpoint is without the workers' own weights: {cause}")
            return ()

    def lose(self, worker: str) -> None:
        """Forget what a worker had; whoever takes its place begins with the consensus."""
        self.own = {name: found for name, found in self.own.items() if found[0] != worker and name != worker}

    def average(self, order: messages.CombineRound, state: State) -> Delta:
        """Return the average that is asked for; `state` is that of the round before. Raises LostError."""
        level = [self.done[share] for share, _ in order.shares]
        if self._travels(state) and not all(isinstance(one, Delta) for one in level):
            level = self.cluster.wait(level)
        if all(isinstance(one, Delta) for one in level):
            return tasks.averaged(level)
        own = {} if order.elastic_rate is None else self._trained_states(order)
        found = self.cluster.wait(self._on_workers(order, level, state))
        self.own |= own  # not before: a share that was lost meanwhile is trained again from where it began
        return found

    def _on_workers(self, order: messages.CombineRound, level: list[Any], state: State) -> distributed.Future:
        """Average by a tree of tasks, the same tree as that of `tasks.averaged`."""
        while len(level) > tasks.FAN_IN:
            groups = [level[k : k + tasks.FAN_IN] for k in range(0, len(level), tasks.FAN_IN)]
            level = [self._submit(AVERAGE, tasks.combine, group) for group in groups]
        if order.elastic_rate is None:
            return level[0] if len(level) == 1 else self._submit(AVERAGE, tasks.combine, level)
        old = None if order.first else self.cluster.hold(state)
        return self._submit(AVERAGE, tasks.combine_with_consensus, level, old, order.elastic_rate)

    def _trained_states(self, order: messages.CombineRound) -> dict[str | int, tuple[str, Any]]:
        """Return where each worker, or fixed share, goes on from; copies that others fetched do not make it theirs."""
        found: dict[str | int, tuple[str, Any]] = {}
        for share, _ in order.shares:
            trained, worker = self.done[share], self._trainers[share]
            if worker in self._holders(trained):
                future = self._submit("daskdl-own-state", _state, trained, workers=[worker])
                found[share if self.fixed else worker] = worker, future
        return found

    def _holders(self, future: distributed.Future) -> Sequence[str]:
        return self.cluster.client.who_has([future]).get(future.key, ())

    def _submit(self, name: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> distributed.Future:
        return self.cluster.client.submit(function, *arguments, key=self.spans.key(name), pure=False, **options)


def _state(delta: Delta) -> State:
    """Return the state alone: a Delta at the beginning of a share would count as a part of that share."""
    return delta.state


def _outcome(delta: Delta) -> Outcome:
    return Outcome(delta.samples, delta.seconds, delta.waited)
