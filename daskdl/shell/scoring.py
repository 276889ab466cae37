"""Frames scored during training: a sample of rows is decoded once, all rows of a partition each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import distributed

from daskdl import metrics
from daskdl.scoring.partitions import Scorer
from daskdl.shell.cluster import Cluster, LostError
from daskdl.shell.placed import PlacedFrame
from daskdl.shell.spans import RoundSpans
from daskdl.worker import tasks


@dataclass
class FrameScoring:
    """The scorings of one job: its frames, by the name of their role, and the rows of them that are sampled."""

    cluster: Cluster
    job: tasks.Job
    spans: RoundSpans
    _samples: dict[str, list[distributed.Future]] = field(default_factory=dict)

    def measured(self, scorer: Scorer, table: PlacedFrame, data: str) -> tuple[metrics.ModelMetrics, metrics.State]:
        """Return the metrics of a frame, or of the sample of its rows, and their state; `data` is train or valid.

        Raises LostError where a worker leaves meanwhile.
        """
        held = self.cluster.hold(scorer)
        if table.sample.takes_all:
            scores = self._of_all(held, table, data)
        else:
            samples = self._sampled(table, data)
            scores = [self._task(f"score-{data}", tasks.score_sample, (held, own)) for own in samples]
        try:
            state = metrics.merged(self.cluster.wait(scores))
        except LostError:
            self._samples.pop(data, None)  # those that were lost stay so
            raise
        header = metrics.Header(data, table.description)
        return metrics.finish(scorer.predictor.category, state, scorer.options, header), state

    def forget(self) -> None:
        """Let go of the samples."""
        self._samples.clear()

    def _of_all(self, held: Any, table: PlacedFrame, data: str) -> list[distributed.Future]:
        adaptation, where = (self.cluster.resident(one) for one in (table.adaptation, table.where))
        name, key = f"score-{data}", tasks.design_key(self.job, data)
        return [
            self._task(name, tasks.score_all, (key, held, adaptation, list(chunks), where, self.job.cache))
            for chunks in table.parts
        ]

    def _sampled(self, table: PlacedFrame, data: str) -> list[distributed.Future]:
        """Return the sampled rows of each partition; what was lost with a worker is decoded again."""
        if data not in self._samples:
            name = f"sample-{data}"
            encoder, adaptation, where = map(self.cluster.resident, (self.job.encoder, table.adaptation, table.where))
            self._samples[data] = [
                self._task(name, tasks.sample_task, (encoder, adaptation, list(chunks), where, table.sample, number))
                for number, chunks in enumerate(table.parts)
            ]
        return self._samples[data]

    def _task(self, name: str, function: Callable, arguments: tuple) -> distributed.Future:
        return self.cluster.client.submit(function, *arguments, key=self.spans.key(f"daskdl-{name}"), pure=False)
