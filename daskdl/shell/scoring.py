"""Frames scored during training: a sample of rows is decoded once, all rows of a partition each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import distributed

from daskdl import metrics
from daskdl.scoring.partitions import Scorer, merged, merged_in_groups
from daskdl.shell.cluster import Cluster, LostError
from daskdl.shell.placed import PlacedFrame
from daskdl.shell.spans import RoundSpans
from daskdl.shell.stored_rows import StoredRows
from daskdl.worker import tasks


class Samples(NamedTuple):
    """Sampled rows that one task scores, a list of futures or the future of a list, and the partitions they are of."""

    partitions: tuple[int, ...]
    designs: Any


@dataclass
class FrameScoring:
    """The scorings of one job: its frames, by the name of their role, and the rows of them that are sampled.

    Where training rows are `stored` on disks the samples of them are made as they are laid out, and go with the worker
    that did so: which of them are there is asked at each scoring.
    """

    cluster: Cluster
    job: tasks.Job
    spans: RoundSpans
    stored: StoredRows | None = None
    _samples: dict[str, dict[int, distributed.Future]] = field(default_factory=dict)  # those made for scoring alone

    def measured(self, scorer: Scorer, table: PlacedFrame, data: str) -> tuple[metrics.ModelMetrics, metrics.State]:
        """Return the metrics of a frame, or of the sample of its rows, and their state; `data` is train or valid.

        Raises LostError where a worker leaves meanwhile.
        """
        held = self.cluster.hold(scorer)
        try:
            found = self._of_all(held, table, data) if table.sample.takes_all else self._of_some(held, table, data)
        except LostError:
            self._samples.pop(data, None)  # those that were lost stay so
            raise
        state = merged(found)
        header = metrics.Header(data, table.description)
        return metrics.finish(scorer.predictor.category, state, scorer.options, header), state

    def forget(self) -> None:
        """Let go of the samples."""
        self._samples.clear()

    def _of_all(self, held: Any, table: PlacedFrame, data: str) -> list[metrics.State]:
        adaptation, where = (self.cluster.resident(one) for one in (table.adaptation, table.where))
        name, key = f"score-{data}", tasks.design_key(self.job, data)
        scores = [
            self._task(name, tasks.score_all, (key, held, adaptation, list(chunks), where, self.job.cache))
            for chunks in table.parts
        ]
        return self.cluster.wait(list(merged_in_groups(scores, lambda *order: self._merge(name, *order))))

    def _merge(self, name: str, function: Callable, states: list[distributed.Future], priority: int) -> Any:
        key = self.spans.key(f"daskdl-{name}")
        return self.cluster.client.submit(function, states, key=key, pure=False, priority=priority)

    def _of_some(self, held: Any, table: PlacedFrame, data: str) -> list[metrics.State]:
        """Return the states of the samples, in the order of their partitions."""
        groups = self._sampled(table, data)
        scores = [self._task(f"score-{data}", tasks.score_samples, (held, one.designs)) for one in groups]
        found: dict[int, metrics.State] = {}
        for group, states in zip(groups, self.cluster.wait(scores), strict=True):
            found.update(zip(group.partitions, states, strict=True))
        return [found[partition] for partition in sorted(found)]

    def _sampled(self, table: PlacedFrame, data: str) -> list[Samples]:
        """Return the sampled rows of each partition; what was lost with a worker is decoded again.

        What workers have made with other things is scored worker by worker, the rest partition by partition.
        """
        known = [] if self.stored is None or data != "train" else self.stored.sampled
        covered = {partition for one in known for partition in one.partitions}
        rest = [number for number in range(len(table.parts)) if number not in covered]
        own = self._samples.setdefault(data, {})
        new = [number for number in rest if number not in own]
        if new:
            encoder, adaptation, where = map(self.cluster.resident, (self.job.encoder, table.adaptation, table.where))
            key, cache = tasks.design_key(self.job, data), self.job.cache if data == "train" else 0  # for again
            for number in new:
                arguments = (key, encoder, adaptation, list(table.parts[number]), where, table.sample, number, cache)
                own[number] = self._task(f"sample-{data}", tasks.sample_task, arguments)
        groups = [Samples(one.partitions, one.designs) for one in known]
        return groups + [Samples((number,), [own[number]]) for number in rest]

    def _task(self, name: str, function: Callable, arguments: tuple) -> distributed.Future:
        return self.cluster.client.submit(function, *arguments, key=self.spans.key(f"daskdl-{name}"), pure=False)
