"""What a job did so far, counted from what its coordinator is told and asks for; pure, like the coordinator itself."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from daskdl.coordinator import messages
from daskdl.coordinator.history import HistoryRow
from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.open_round import OpenRound
from daskdl.coordinator.report import ENDED, PARTS_OF_TIME, LayerReport, Report, ScoredRow, WorkerReport
from daskdl.coordinator.stopping import LayerStatistics

PACES = 20  # reports with something done from which the time left is foretold
_COUNTED = ("_pace", "_times", "_busy", "_samples", "_seconds", "_lost", "_rerun")
_PART_OF_PHASE = {"training": "training", "combining": "averaging", "scoring": "scoring"}


@dataclass
class Observer:
    """Counts of one run of a job: `see` every event with what came of it, then `report`.

    `job` is the job's key, `model` the name of its model, `layers` the state of the network after the last round,
    `broken` why the job broke off, where it did.
    """

    job: str
    model: str
    layers: list[LayerReport] = field(default_factory=list)
    said: str = ""
    broken: str | None = None
    _reports: int = 0
    _shown: int = 0  # rows of the history that were reported
    _first: tuple[float, int] | None = None  # when this run began, and the samples done before it
    _pace: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=PACES))  # times, and samples done
    _now: float = 0.0
    _part: str = "waiting"
    _times: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS_OF_TIME, 0.0))
    _open: OpenRound | None = None
    _out: float = 0.0  # seconds that the open round is out
    _busy: defaultdict[str, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # seconds that each worker trained in the open round
    _held: dict[int, set[str]] = field(default_factory=dict)  # share of the open round -> workers that have it
    _samples: Counter[str] = field(default_factory=Counter)
    _seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _lost: Counter[str] = field(default_factory=Counter)
    _rerun: Counter[str] = field(default_factory=Counter)

    def copy(self, of: Coordinator, to: Coordinator) -> Observer:
        """Return an observer of `to`, a copy of the coordinator `of`, that shares nothing with this one."""
        return replace(
            self,
            layers=list(self.layers),
            _open=to.round if self._open is of.round else None,
            _held={share: set(workers) for share, workers in self._held.items()},
            **{name: getattr(self, name).copy() for name in _COUNTED},
        )

    def going_on(self, before: Observer) -> Observer:
        """Return this observer, with what the one that stayed where reports are made knows of reports."""
        return replace(self, _reports=before._reports, _shown=before._shown, _pace=before._pace)

    def see(
        self,
        event: messages.Event,
        instructions: Sequence[messages.Instruction],
        coordinator: Coordinator,
        now: float,
    ) -> None:
        """Count an event, and the instructions that `coordinator` gave for it at `now` (seconds since 1970)."""
        self._pass_time(now, coordinator)
        if isinstance(event, messages.ShareTrained):
            self._samples[event.worker] += event.samples
            self._seconds[event.worker] += event.seconds
            self._busy[event.worker] += event.seconds
        elif isinstance(event, messages.ShareFailed):
            self._lose(event.worker, [event.share])
        elif isinstance(event, messages.WorkerLost):
            self._lose(event.worker, list(self._held))
        if coordinator.round is not self._open:
            self._open = coordinator.round
            self._held.clear()
            self._close_round()
        for one in instructions:
            self._note(one)

    def _note(self, one: messages.Instruction) -> None:
        if isinstance(one, messages.TrainShare):
            if one.share in self._held:
                self._rerun[one.worker] += 1
            self._held.setdefault(one.share, set()).add(one.worker)
        elif isinstance(one, messages.DropShare):
            self._held.get(one.share, set()).discard(one.worker)
        elif isinstance(one, messages.CombineRound):
            self._close_round()
        elif isinstance(one, messages.WaitForWorkers):
            self.said = "No worker is there; the job waits for one."
        elif isinstance(one, messages.Log):
            self.said = one.text
        elif isinstance(one, messages.Finish):
            self.said = one.message

    def _lose(self, worker: str, shares: Iterable[int]) -> None:
        for share in shares:
            if worker in self._held.get(share, ()):
                self._held[share].discard(worker)
                self._lost[worker] += 1

    def _pass_time(self, now: float, coordinator: Coordinator) -> None:
        """Give the seconds since the last event to what the job did in them."""
        if self._first is None:
            self._first, self._now = (now, coordinator.progress.done), now
        passed, self._now = max(0.0, now - self._now), max(now, self._now)
        self._times[self._part] += passed
        if self._part == "training":
            self._out += passed
        waits = coordinator.waiting_since is not None
        self._part = "waiting" if waits else _PART_OF_PHASE.get(coordinator.phase, "waiting")

    def _close_round(self) -> None:
        """Count as waiting what a round was out for, less what its busiest worker trained."""
        if not self._out and not self._busy:
            return
        idle = max(0.0, self._out - max(self._busy.values(), default=0.0))
        self._times["training"] -= idle
        self._times["waiting"] += idle
        self._out = 0.0
        self._busy.clear()

    def seconds(self, now: float) -> dict[str, float]:
        """Return where the time until `now` went: seconds by `PARTS_OF_TIME`."""
        return {**self._times, self._part: self._times[self._part] + max(0.0, now - self._now)}

    def report(self, coordinator: Coordinator, now: float) -> Report:
        """Return the state of the job at `now` as plain values; scorings are in one report each."""
        progress, plan = coordinator.progress, coordinator.plan
        watch = replace(coordinator.watch, now=max(now, coordinator.watch.now))
        done = progress.done + _trained(coordinator)
        rows = _rows(coordinator, self._shown)
        self._shown, self._reports = len(progress.history), self._reports + 1
        return Report(
            job=self.job,
            model=self.model,
            number=self._reports,
            time=now,
            phase=self._phase(coordinator),
            done=min(done, plan.target),
            target=plan.target,
            samples=progress.samples,
            rounds=progress.round,
            epochs=progress.samples / max(1, sum(plan.rows)),
            speed=progress.speed,
            seconds=watch.elapsed,
            left=self._left(coordinator, done, now),
            times=self.seconds(now),
            goal=_column(coordinator),
            rows=rows,
            workers=self._workers(coordinator),
            layers=self.layers,
            said=self.said if self.broken is None else self.broken,
        )

    def _phase(self, coordinator: Coordinator) -> str:
        if self.broken is not None or coordinator.ending == "failed":
            return "failed"
        return "waiting" if coordinator.waiting_since is not None else coordinator.phase

    def _left(self, coordinator: Coordinator, done: int, now: float) -> float | None:
        """Return the seconds until all samples are trained at the pace of late, or until the time limit.

        The time up to the first samples is left out as soon as there are later ones: kernels may be compiled in it.
        """
        if self._phase(coordinator) in ENDED:
            return 0.0
        first = self._first or (now, done)
        if done > (self._pace[-1] if self._pace else first)[1]:
            self._pace.append((now, done))
        left = coordinator.watch.left
        if self._pace:
            (began, before), (last, after) = self._pace[0] if len(self._pace) > 1 else first, self._pace[-1]
            left = min(left, (coordinator.plan.target - after) * (last - began) / (after - before) - (now - last))
        return max(0.0, left) if left < math.inf else None

    def _workers(self, coordinator: Coordinator) -> dict[str, WorkerReport]:
        crew = coordinator.crew
        held = Counter(owner for owners in crew.owners for owner in owners)
        names = dict.fromkeys([*self._samples, *self._lost], 0) | dict(crew.threads)  # those that left have no threads
        return {
            name: WorkerReport(
                threads=threads,
                partitions=held[name],
                samples=self._samples[name],
                seconds=self._seconds[name],
                lost=self._lost[name],
                rerun=self._rerun[name],
            )
            for name, threads in names.items()
        }


def layer_reports(
    units: Sequence[int], kinds: Sequence[str], statistics: Sequence[LayerStatistics]
) -> list[LayerReport]:
    """Return the layers 1, 2, ... as plain values, from their `units`, what they are, and their weights."""
    return [
        LayerReport(
            number=number,
            units=int(size),
            kind=kind,
            mean_weight=float(one.mean_weight),
            weight_rms=float(one.weight_rms),
            mean_bias=float(one.mean_bias),
            bias_rms=float(one.bias_rms),
        )
        for number, (size, kind, one) in enumerate(zip(units, kinds, statistics, strict=True), start=1)
    ]


def _trained(coordinator: Coordinator) -> int:
    """Return the samples of the open round that are trained and not averaged yet."""
    return sum(samples for _, samples in coordinator.round.trained) if coordinator.round else 0


def _column(coordinator: Coordinator) -> str:
    key = coordinator.plan.stopping.goal.key
    return next((column for column, one in coordinator.progress.history.metric_keys.items() if one == key), "")


def _rows(coordinator: Coordinator, first: int) -> list[ScoredRow]:
    history = coordinator.progress.history
    return [_row(number, row, history.metric_keys) for number, row in enumerate(history.rows[first:], start=first)]


def _row(number: int, row: HistoryRow, columns: Mapping[str, str]) -> ScoredRow:
    return ScoredRow(
        number=number,
        epochs=row.epochs,
        seconds=row.seconds,
        samples=row.samples,
        training=_finite(row.training, columns),
        validation=_finite(row.validation or {}, columns),
    )


def _finite(values: Mapping[str, float], columns: Mapping[str, str]) -> dict[str, float]:
    found = {column: float(values[key]) for column, key in columns.items() if key in values}
    return {column: value for column, value in found.items() if math.isfinite(value)}
