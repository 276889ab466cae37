"""Which passes over which partitions are laid out on the disk of which worker, for data that do not fit into memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import distributed

from daskdl.coordinator.slices import Slice
from daskdl.shell.cluster import Cluster
from daskdl.shell.placed import PlacedFrame
from daskdl.worker import tasks

FEW = 20_000  # rows to be scored that may travel with the answers of tasks


class Pass(NamedTuple):
    """One pass over a partition, on the disk of a worker."""

    worker: str
    partition: int
    number: int


class Sampled(NamedTuple):
    """Rows of some partitions to be scored, made as these were laid out; `designs` is the future of a list."""

    worker: str
    partitions: tuple[int, ...]
    designs: distributed.Future


class StoredRows:
    """The futures that stand for laid out passes: one for all that a share needed anew.

    `rows` are the training rows of each partition of a table: a pass has as many samples. `sampled` are the rows that
    are to be scored, where these are few.
    """

    def __init__(self, cluster: Cluster, table: PlacedFrame, rows: Sequence[int]) -> None:
        self.cluster, self.parts, self.rows = cluster, table.parts, rows
        self.sampled: list[Sampled] = []
        self._sample = table.sample if max(table.sample.probabilities) * sum(table.rows) <= FEW else None
        self._laid: dict[Pass, distributed.Future] = {}
        self._first: dict[tuple[str, int], int] = {}  # of this round: the first pass over a partition, on a worker
        self._folders: dict[str, str] = {}

    def begin_round(self) -> None:
        """Note that the shares of a new round come from now on: what those before it read may go."""
        self._first.clear()

    def of(self, slices: Sequence[Slice], worker: str, job: Any) -> list[distributed.Future]:
        """Return what stands for the passes that slices cross, laid out on `worker` now where they are not yet.

        Passes that lie behind all that the round reads are forgotten, but for the one before these, in case that a
        share is trained again. A round may read many: it may be some epochs long, and a slow worker owes older rows.
        """
        for part in slices:
            name, first = (worker, part.partition), part.start // self.rows[part.partition]
            self._first[name] = min(first, self._first.get(name, first))
        wanted = [one for part in slices for one in self._crossed(part, worker)]
        new = [one for one in wanted if one not in self._laid]
        if new:
            self._lay_out(new, worker, job)
        behind = [one for one in self._laid if one.worker == worker and one.number < self._oldest(one)]
        for one in behind:
            del self._laid[one]
        found = [self._laid[one] for one in wanted]
        return list({future.key: future for future in found}.values())

    def _oldest(self, one: Pass) -> int:
        """Return from which pass over the partition on its files are kept."""
        return self._first.get((one.worker, one.partition), 0) - 1

    def _crossed(self, part: Slice, worker: str) -> list[Pass]:
        size = self.rows[part.partition]
        numbers = range(part.start // size, (part.stop - 1) // size + 1)
        return [Pass(worker, part.partition, number) for number in numbers]

    def _lay_out(self, new: Sequence[Pass], worker: str, job: Any) -> None:
        """Send a task for each of some passes, one that stands for all, and one that keeps their samples."""
        sampled = {partition for one in self.sampled for partition in one.partitions}
        fresh = [one for one in new if self._sample is not None and one.partition not in sampled]
        fresh = list({one.partition: one for one in fresh}.values())
        samples = [self._sample if one in fresh else None for one in new]
        shared = [[job] * len(new), [self._folder(worker)] * len(new), samples]
        chunks = [list(self.parts[one.partition]) for one in new]
        numbers = [one.number for one in new], [self._oldest(one) for one in new]
        columns = (chunks, [one.partition for one in new], *numbers, *shared)
        made = self._tasks("daskdl-lay-out-rows", tasks.lay_out, *columns, worker=worker)
        (whole,) = self._tasks("daskdl-lay-out-all", tasks.laid_out, [made], [self._folder(worker)], worker=worker)
        self._laid.update(dict.fromkeys(new, whole))
        if fresh:
            own = [future for one, future in zip(new, made, strict=True) if one in fresh]
            (designs,) = self._tasks("daskdl-lay-out-samples", tasks.together, [own], worker=worker)
            self.sampled.append(Sampled(worker, tuple(one.partition for one in fresh), designs))

    def _tasks(self, name: str, function: Any, *columns: Iterable[Any], worker: str) -> list[distributed.Future]:
        arguments = [list(column) for column in columns]
        keys = [f"{name}-{uuid.uuid4().hex}" for _ in arguments[0]]
        return self.cluster.client.map(
            function, *arguments, key=keys, workers=[worker], allow_other_workers=False, pure=False
        )

    def _folder(self, worker: str) -> str:
        if worker not in self._folders:
            self._folders.update(self.cluster.folders())
        return self._folders[worker]

    def lose(self, worker: str) -> None:
        """Forget what a worker had that is gone."""
        self._laid = {one: future for one, future in self._laid.items() if one.worker != worker}
        self.sampled = [one for one in self.sampled if one.worker != worker]

    def forget(self, key: str) -> None:
        """Delete all files of the job `key`, where workers can be reached."""
        workers = {one.worker for one in self._laid}
        self._laid.clear()
        self.sampled.clear()
        if workers:
            self.cluster.tell(tasks.forget_rows, key, workers=workers)
