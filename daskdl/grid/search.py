"""The search itself: build models for one combination after another, a few at a time, until a limit is reached."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from daskdl.dispatch.place import place_for
from daskdl.estimators.request import TrainRequest, request_of, work_of
from daskdl.grid.results import Failure, Results
from daskdl.grid.space import NAMES_OF_DATA, Criteria, Space
from daskdl.model.model import Model
from daskdl.parameters import Parameters
from daskdl.shell.cluster import Cluster
from daskdl.training.cross_validation.run import models_at_once
from daskdl.training.fit_one import Progress
from frames.cluster import registry

SHORTEST = 1e-3  # seconds; 0 would mean no limit


class CancelledError(Exception):
    """The search was asked to end; models that are not finished are given up."""


@dataclass(frozen=True)
class Task:
    """What every combination is built with: the parameters that stay, and the data.

    `roles` are the arguments of train() besides the parameters: x, y, training_frame, validation_frame.
    """

    parameters: Parameters
    roles: dict[str, Any]

    def request(self, values: dict[str, Any]) -> TrainRequest:
        """Return the request of one combination; raises what is wrong with it."""
        return request_of(self.parameters.replace(**values), **self.roles)


@dataclass
class Search:
    """One run over a space; what is found goes into `results` as soon as it is there.

    `parallelism` models train at a time (0: as many as the cluster can use). `saved` is called after each model or
    failure. `cancel()` may be called from any thread.
    """

    cluster: Cluster
    task: Task
    space: Space
    criteria: Criteria
    results: Results
    parallelism: int = 1
    saved: Callable[[Model | None], None] = lambda model: None
    progress: Progress | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _running: dict[Future, tuple[str, str, dict[str, Any]]] = field(default_factory=dict)
    _shares: dict[str, float] = field(default_factory=dict)
    _built: int = 0
    _began: float = 0.0
    _before: float = 0.0

    def run(self) -> Results:
        """Search until the space or a limit is exhausted; an interrupt ends it with the models found so far."""
        self._began, self._before = time.monotonic(), self.results.seconds
        combinations = self.space.walk(self.criteria, self.results.order_seed)
        with ThreadPoolExecutor(self._at_once(), thread_name_prefix="daskdl-grid") as pool:
            try:
                while self._fill(pool, combinations) or self._running:
                    # each ends: a job without workers by its own time limit
                    done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                    for one in done:
                        self._take(one)
            except BaseException:
                self.cancel()
                wait(self._running)
                for one in list(self._running):
                    self._take(one)
                raise
        return self.results

    def cancel(self) -> None:
        """Begin no further model and give up those in training."""
        self._cancelled.set()

    # ---- one combination after another -------------------------------------------------------------------------
    def _at_once(self) -> int:
        if self.parallelism:
            return self.parallelism
        frame = self.task.roles["training_frame"]
        return models_at_once(frame.nrow * frame.ncol, self.space.size, self.cluster.threads())

    def _fill(self, pool: ThreadPoolExecutor, combinations: Iterator[dict[str, Any]]) -> bool:
        """Start models until enough are running; tell whether any are."""
        while len(self._running) < self._at_once() and not self._over():
            values = next(combinations, None)
            if values is None:
                break
            self._start(pool, values)
        return bool(self._running)

    def _over(self) -> bool:
        criteria = self.criteria
        if self._cancelled.is_set() or self._left() == 0.0:
            return True
        if criteria.max_models and self._built + len(self._running) >= criteria.max_models:
            return True
        return self.results.converged(criteria.stopping_metric, criteria.stopping_rounds, criteria.stopping_tolerance)

    def _left(self) -> float | None:
        """Return the seconds left, 0 for none, or None without a limit."""
        if not self.criteria.max_runtime_secs:
            return None
        return max(0.0, self.criteria.max_runtime_secs - (time.monotonic() - self._began))

    def _start(self, pool: ThreadPoolExecutor, values: dict[str, Any]) -> None:
        """Build this combination in a thread, unless it was built before or cannot be."""
        try:
            request = self.task.request(values)
        except Exception as error:
            self._count(_identity_of_values(values), values, error)
            return
        identity = identity_of(request.parameters)
        if identity in self.results.tried or identity in {other for _, other, _ in self._running.values()}:
            return
        self.results.attempts += 1
        key = f"{self.results.grid_id}_model_{self.results.attempts}"
        request = request._replace(parameters=self._limited(self._seeded(request.parameters)))
        self._running[pool.submit(self._build, request, key)] = (key, identity, values)

    def _count(self, identity: str, values: dict[str, Any], error: BaseException) -> None:
        if identity not in self.results.tried:
            self.results.tried.add(identity)
            self.results.attempts += 1
            self._fail(values, error)

    def _seeded(self, parameters: Parameters) -> Parameters:
        """Give models without a seed of their own the seeds that follow from the search's."""
        if self.criteria.seed == -1 or parameters.seed != -1:
            return parameters
        return parameters.replace(seed=self.criteria.seed + self.results.attempts - 1)

    def _limited(self, parameters: Parameters) -> Parameters:
        left = self._left()
        if left is None:
            return parameters
        own = parameters.max_runtime_secs or left
        return parameters.replace(max_runtime_secs=max(SHORTEST, min(own, left)))

    # ---- one model ---------------------------------------------------------------------------------------------
    def _build(self, request: TrainRequest, key: str) -> Model:
        work = work_of(request, key)
        return place_for(request.frame).run(work, lambda done, row: self._report(key, done))

    def _report(self, key: str, done: float) -> None:
        """Pass progress on; here is also where a model in training learns that it is given up."""
        if self._cancelled.is_set():
            raise CancelledError(f"The grid search was cancelled while {key} was trained.")
        self._shares[key] = min(1.0, done)
        if self.progress is not None:
            total = min(self.space.size, self.criteria.max_models or self.space.size)
            if self.progress(min(1.0, sum(self._shares.values()) / total), None):
                self.cancel()

    def _take(self, one: Future) -> None:
        key, identity, values = self._running.pop(one)
        self._shares[key] = 1.0
        error = one.exception()
        self.results.seconds = self._before + time.monotonic() - self._began
        if isinstance(error, CancelledError):
            return  # not among those tried: a resumed search builds it
        self.results.tried.add(identity)
        if error is not None:
            self._fail(values, error)
            return
        model = one.result()
        self._built += 1
        registry.register(model.key, model)
        self.results.models.append(model)
        self.saved(model)

    def _fail(self, values: dict[str, Any], error: BaseException) -> None:
        trace = "".join(traceback.format_exception(error))
        self.results.failures.append(Failure(values, str(error), trace))
        self.saved(None)


def identity_of(parameters: Parameters) -> str:
    """Return what tells two sets of parameters apart; equal ones are built once."""
    values = {name: value for name, value in parameters.to_dict().items() if name not in NAMES_OF_DATA}
    return json.dumps(values, sort_keys=True)


def _identity_of_values(values: dict[str, Any]) -> str:
    return "refused: " + repr(sorted(values.items()))
