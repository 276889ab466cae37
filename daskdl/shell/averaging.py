"""The trained shares of a round and their average: of a small network computed here, of a large one where they lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import distributed

from daskdl.coordinator import messages
from daskdl.network.state import State
from daskdl.shell.cluster import Cluster
from daskdl.shell.spans import RoundSpans
from daskdl.worker import tasks
from daskdl.worker.trainer import Delta

AVERAGE = "daskdl-average"  # how Dask's pages call the tasks that average
TRAVELS = 1 << 20  # bytes of a state that costs less to send along than a message about it does


@dataclass
class Averaging:
    """Shares that are trained (`done`: results, or futures of large ones), and how they become one state.

    With `elastic` averaging each worker goes on from its `own` state.
    """

    cluster: Cluster
    spans: RoundSpans
    elastic: bool = False
    own: dict[str, Any] = field(default_factory=dict)
    done: dict[int, Any] = field(default_factory=dict)

    def sent(self, state: State) -> Any:
        """Return a state as tasks are to be given it: itself, or a future. Raises LostError where none takes it."""
        return state if self._travels(state) else self.cluster.hold(state)

    def _travels(self, state: State) -> bool:
        return not self.elastic and state.nbytes <= TRAVELS

    def take(self, share: int, future: distributed.Future, like: State) -> tuple[int, float]:
        """Note a trained share; return its samples and seconds. Raises LostError where its result is gone.

        `like` is a state of the same size.
        """
        if self._travels(like):
            delta = self.cluster.wait(future)
            self.done[share] = delta
            return delta.samples, delta.seconds
        outcome = self.cluster.wait(self._submit("daskdl-share-outcome", _outcome, future))
        self.done[share] = future
        return outcome

    def average(self, order: messages.CombineRound, state: State) -> Delta:
        """Return the average that is asked for; `state` is that of the round before. Raises LostError."""
        level = [self.done[share] for share, _ in order.shares]
        if all(isinstance(one, Delta) for one in level):
            return tasks.averaged(level)
        return self.cluster.wait(self._on_workers(order, level, state))

    def _on_workers(self, order: messages.CombineRound, level: list[Any], state: State) -> distributed.Future:
        """Average by a tree of tasks, the same tree as that of `tasks.averaged`."""
        if order.elastic_rate is not None:
            for share, _ in order.shares:
                self._remember_own(share)
        while len(level) > tasks.FAN_IN:
            groups = [level[k : k + tasks.FAN_IN] for k in range(0, len(level), tasks.FAN_IN)]
            level = [self._submit(AVERAGE, tasks.combine, group) for group in groups]
        if order.elastic_rate is None:
            return level[0] if len(level) == 1 else self._submit(AVERAGE, tasks.combine, level)
        old = None if order.first else self.cluster.hold(state)
        return self._submit(AVERAGE, tasks.combine_with_consensus, level, old, order.elastic_rate)

    def _remember_own(self, share: int) -> None:
        client, future = self.cluster.client, self.done[share]
        for worker in client.who_has([future]).get(future.key, ()):
            self.own[worker] = self._submit("daskdl-own-state", _state, future, workers=[worker])

    def _submit(self, name: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> distributed.Future:
        return self.cluster.client.submit(function, *arguments, key=self.spans.key(name), pure=False, **options)


def _state(delta: Delta) -> State:
    """Return the state alone: a Delta at the beginning of a share would count as a part of that share."""
    return delta.state


def _outcome(delta: Delta) -> tuple[int, float]:
    return delta.samples, delta.seconds
