"""Which passes over which partitions are laid out on the disk of which worker, for data that do not fit into memory."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import distributed

from daskdl.coordinator.slices import Slice
from daskdl.shell.cluster import Cluster
from daskdl.shell.placed import PlacedFrame
from daskdl.worker import tasks

FEW = 20_000  # rows to be scored that may travel with the answers of tasks


class StoredRows:
    """The futures of laid out passes, by worker, partition and number of the pass.

    `rows` are the training rows of each partition of a table: a pass has as many samples. `samples` are the worker and
    the future that have the rows of a partition that are to be scored, where these are few.
    """

    def __init__(self, cluster: Cluster, table: PlacedFrame, rows: Sequence[int]) -> None:
        self.cluster, self.parts, self.rows = cluster, table.parts, rows
        self.samples: dict[int, tuple[str, distributed.Future]] = {}
        self._sample = table.sample if max(table.sample.probabilities) * sum(table.rows) <= FEW else None
        self._laid: dict[tuple[str, int, int], distributed.Future] = {}
        self._folders: dict[str, str] = {}

    def of(self, one: Slice, worker: str, job: Any) -> list[distributed.Future]:
        """Return what stands for the passes that a slice crosses, laid out on `worker` now where they are not yet.

        Passes that lie further behind are forgotten; the one before is kept, in case that a share is trained again.
        """
        size = self.rows[one.partition]
        numbers = range(one.start // size, (one.stop - 1) // size + 1)
        behind = numbers[0] - 2
        while self._laid.pop((worker, one.partition, behind), None) is not None:
            behind -= 1
        return [self._pass(worker, one.partition, number, job) for number in numbers]

    def _pass(self, worker: str, partition: int, number: int, job: Any) -> distributed.Future:
        name = (worker, partition, number)
        if name not in self._laid:
            sample = None if partition in self.samples else self._sample
            self._laid[name] = self.cluster.client.submit(
                tasks.lay_out, job, list(self.parts[partition]), partition, number, self._folder(worker), sample,
                key=f"daskdl-lay-out-rows-{uuid.uuid4().hex}", workers=[worker], allow_other_workers=False, pure=False,
            )  # fmt: skip
            if sample is not None:
                self.samples[partition] = worker, self._laid[name]
        return self._laid[name]

    def _folder(self, worker: str) -> str:
        if worker not in self._folders:
            self._folders.update(self.cluster.folders())
        return self._folders[worker]

    def lose(self, worker: str) -> None:
        """Forget what a worker had that is gone."""
        self._laid = {key: future for key, future in self._laid.items() if key[0] != worker}
        self.samples = {partition: found for partition, found in self.samples.items() if found[0] != worker}

    def forget(self, key: str) -> None:
        """Delete all files of the job `key`, where workers can be reached."""
        workers = {worker for worker, _, _ in self._laid}
        self._laid.clear()
        self.samples.clear()
        if workers:
            self.cluster.tell(tasks.forget_rows, key, workers=workers)
