"""The cluster of a job: its workers, values held on it, and waits that end when whoever should answer is gone.

A worker that hangs counts as gone once its heartbeat has been missing for `SILENT` seconds, and is given up: what it
held is computed anew elsewhere. Where an answer of it is overdue, or the job is to end, `SUSPECTED` seconds are enough,
if workers that were silent as long of late did not come back.
"""

from __future__ import annotations

import concurrent.futures
import logging
import math
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import distributed
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker

from frames.cluster import memory
from frames.cluster.connection import Client, asked, begun, followed, gone, identity, is_cut
from frames.cluster.sending import travels
from frames.cluster.silence import LOOK_AWAY, Heartbeats, give_up, least
from frames.exceptions import H2OJobError
from frames.frame import H2OFrame

LOG = logging.getLogger("daskdl")
TICK = 0.25  # seconds between two looks at the clock and at the workers
SILENT = 10.0  # seconds without a heartbeat (two a second) after which a worker counts as gone
SUSPECTED = 3.0  # the same for a worker whose share is long overdue, and for all when the job is to end
PAUSED = 10.0  # seconds that a worker may be paused (out of memory: it starts no task) and still count as there
ANSWER = 5.0  # seconds a worker has to take a value
FETCH = 30.0  # seconds that the results of a job, metrics and weights, may take to come here once they are there
ATTEMPTS = 8  # to reach a worker while others die
CACHE_SHARE = 0.2  # of a worker's memory limit, for decoded partitions
TASK_SHARE = 0.2  # of a worker's memory limit, for the chunks that one task reads
OWNED = 0.9  # of a partition's bytes, which its worker holds: a small column may lie elsewhere, and is sent

LOST = (distributed.CancelledError, FutureCancelledError, KilledWorker)


class LostError(RuntimeError):
    """A result that a worker held is gone with it."""


@dataclass
class View:
    """What the scheduler said of its `workers` when it was last asked (`at`, by the monotonic clock), and of chunks.

    `sizes` are bytes by key, of chunks that were computed when it was asked: they never change.
    """

    workers: dict[str, dict[str, Any]] = field(default_factory=dict)
    at: float | None = None
    sizes: dict[Any, int] = field(default_factory=dict)


@dataclass
class Cluster:
    """The workers behind a client.

    `events` are sentences about what was done to them; `suspects` are workers from whom an answer is overdue; `stuck`
    are those that have been paused for long and start no task; `counted_on` are those whose loss the job has not heard
    of yet. From `hurry_at` on (by the monotonic clock) nobody is waited for long: the job is to end.

    Example: `Cluster(client).wait(client.submit(pow, 2, 3))` is 8, or a LostError when a worker leaves meanwhile.
    """

    client: Client
    events: list[str] = field(default_factory=list)
    suspects: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    counted_on: set[str] = field(default_factory=set)
    hurry_at: float = math.inf
    _beats: Heartbeats = field(default_factory=Heartbeats)
    _silent: dict[str, float] = field(default_factory=dict)  # seconds without a sign of life, at the last look
    _deaf: set[str] = field(default_factory=set)  # workers that did not take a value: others are asked first
    _paused: dict[str, float] = field(default_factory=dict)  # workers that are paused, and since when
    _view: View = field(default_factory=View)

    @classmethod
    def of(cls, frame: H2OFrame) -> Cluster:
        """Return the cluster that a frame is on: where its rows are, work is done."""
        return cls(frame.placement(frame.names[:1]).client)

    def for_a_job(self) -> Cluster:
        """Return the same workers with events and suspects of their own, for one of several jobs."""
        return Cluster(self.client, _view=self._view)

    @property
    def cache_bytes(self) -> int:
        """How many bytes of decoded partitions each worker may keep."""
        limit, budget = self._memory_limit, memory.smallest(self._about().values())
        return min(int(limit * CACHE_SHARE), budget.chunks // 2) if budget else 1 << 30

    @property
    def task_bytes(self) -> int | None:
        """How many bytes of chunks one task may read, None where workers have no limit: Dask loads them together."""
        limit, budget = self._memory_limit, memory.smallest(self._about().values())
        return min(int(limit * TASK_SHARE), budget.task) if budget else None

    @property
    def _memory_limit(self) -> int:
        found = self._about().values()
        return min((limit for about in found if (limit := int(about.get("memory_limit") or 0)) > 0), default=0)

    def bytes_of(self, parts: Sequence[Sequence[distributed.Future]]) -> tuple[int, ...]:
        """Return what the chunks of each partition weigh; 0 for what is not computed yet, or gone."""
        self.weigh(parts)
        return tuple(sum(self._view.sizes.get(chunk.key, 0) for chunk in chunks) for chunks in parts)

    def weigh(self, parts: Sequence[Sequence[distributed.Future]]) -> None:
        """Ask what chunks weigh, where that is not known, and remember it: one message for many partitions."""
        new = [chunk.key for chunks in parts for chunk in chunks if chunk.key not in self._view.sizes]
        try:
            found = asked(self.client, "nbytes", keys=new, summary=False) if new else {}
        except KeyError:  # the scheduler does not know one of them, yet or any more, and so tells nothing of the others
            held = asked(self.client, "who_has", keys=new)
            found = asked(self.client, "nbytes", keys=[key for key in new if held.get(key)], summary=False)
        self._view.sizes |= {key: size for key, size in found.items() if size > 0}

    def folders(self) -> dict[str, str]:
        """Return address -> the folder on its own disk that each worker was given."""
        return {name: str(about["local_directory"]) for name, about in self._about().items()}

    @property
    def works(self) -> bool:
        """Whether a worker could begin something when the scheduler was asked last, a moment ago."""
        return any(about.get("status") == "running" for about in self._about().values())

    def threads(self) -> dict[str, int]:
        """Return address -> threads of the workers that the scheduler knows, whether they answer or not."""
        return {name: int(about["nthreads"]) for name, about in self._about().items() if _is_open(about)}

    def workers(self) -> dict[str, int]:
        """Return address -> threads of the workers that work.

        Those that do not answer are given up; one that is paused does not count until it goes on.
        """
        found = self._about()
        now = time.monotonic()
        self._silent = self._beats.look(found)
        few = max(least(len(found)), min(SILENT, self._beats.unusual()))
        allowed = {one: SUSPECTED if now >= self.hurry_at or one in self.suspects else SILENT for one in found}
        gone = [one for one, seconds in self._silent.items() if seconds > max(allowed[one], few)]
        for address in gone:
            self._give_up(address, self._silent.pop(address))
        self.suspects &= set(found)
        self._note_paused(found, now)
        alive = {address: about for address, about in found.items() if address not in {*gone, *self.stuck}}
        return {address: int(about["nthreads"]) for address, about in alive.items() if _is_open(about)}

    def hurry(self, in_seconds: float = 0.0) -> None:
        """Wait for nobody who is silent for `SUSPECTED` seconds from then on; may be called from any thread."""
        self.hurry_at = min(self.hurry_at, time.monotonic() + in_seconds)

    def _about(self) -> dict[str, dict[str, Any]]:
        """Return what the scheduler says of each worker, now or `TICK` seconds ago at most."""
        now = time.monotonic()
        if self._view.at is None or now - self._view.at >= TICK:
            self._view.workers, self._view.at = identity(self.client)["workers"], now
        return self._view.workers

    def _note_paused(self, found: dict[str, dict[str, Any]], now: float) -> None:
        """Note in `stuck` the workers that have been paused for too long; say so once."""
        paused = [address for address, about in found.items() if about.get("status") == "paused"]
        self._paused = {address: self._paused.get(address, now) for address in paused}
        stuck = {address for address, since in self._paused.items() if now - since > PAUSED}
        for address in sorted(stuck - self.stuck):
            seconds = now - self._paused[address]
            self.say(f"Worker {address} is out of memory: it has been paused for {seconds:.1f} seconds.")
        self.stuck = stuck

    def _give_up(self, address: str, seconds: float) -> None:
        self._drop(address, f"Worker {address} gave no sign of life for {seconds:.1f} seconds")

    def _drop(self, address: str, why: str) -> None:
        """Tell the scheduler that a worker is gone, so that what it held is made anew elsewhere."""
        self.say(f"{why} and is given up.")
        self.suspects.discard(address)
        give_up(self.client, address)
        self._view.at = None

    def say(self, text: str) -> None:
        """Note an event for the model's record and for the log."""
        self.events.append(text)
        LOG.warning(text)

    def owners(self, parts: Sequence[Sequence[distributed.Future]]) -> tuple[tuple[str, ...], ...]:
        """Return for each partition the workers that hold its chunks: all of them, but for a tenth of their bytes."""
        keys = [chunk.key for chunks in parts for chunk in chunks]
        holders = asked(self.client, "who_has", keys=keys) if keys else {}
        self.weigh(parts)
        result = []
        for chunks in parts:
            held: Counter[str] = Counter()
            for chunk in chunks:
                held.update(dict.fromkeys(holders.get(chunk.key, ()), self._view.sizes.get(chunk.key, 1)))
            total = sum(self._view.sizes.get(chunk.key, 1) for chunk in chunks)
            result.append(tuple(sorted(worker for worker, own in held.items() if own >= OWNED * total)))
        return tuple(result)

    def hold(self, value: Any) -> distributed.Future:
        """Return a future of `value` on some worker; tried again where the worker that should take it does not answer.

        Raises LostError where none does.
        """
        cause: BaseException | None = None
        for _ in range(ATTEMPTS):
            fit = [one for one in self.workers() if not self._is_doubtful(one)]
            fit = [one for one in fit if one not in self._deaf] or fit
            if not fit:
                time.sleep(TICK)
                continue
            chosen = random.choice(fit)
            key = f"daskdl-{type(value).__name__.lower()}-{uuid.uuid4().hex}"
            pending = self._begun(self.client.scatter, {key: value}, hash=False, workers=[chosen])
            try:
                return self._taken(pending, chosen)[key]
            except H2OJobError:  # it is the scheduler that is gone
                pending.cancel()
                raise
            except (OSError, TimeoutError, KeyError) as error:  # KeyError: it left between the look and the call
                pending.cancel()
                cause = error
                self._deaf.add(chosen)
                self.say(f"Worker {chosen} did not take what a task needs ({_shown(error)}); another one is asked.")
        raise LostError("No worker takes what a task needs.") from cause

    def _taken(self, pending: concurrent.futures.Future, worker: str) -> Any:
        """Wait for a worker to take a value, with an eye on its heartbeats; raises TimeoutError where it does not."""
        end = time.monotonic() + ANSWER

        def look() -> None:
            if worker not in self.workers() or self._is_doubtful(worker) or time.monotonic() > end:
                raise TimeoutError

        return followed(pending, TICK, look)

    def _is_doubtful(self, worker: str) -> bool:
        """Whether a worker has missed heartbeats: nothing new is begun with it until it is heard of."""
        return self._silent.get(worker, 0.0) > max(LOOK_AWAY, least(len(self._silent)))

    def resident(self, value: Any) -> Any:
        """Return a small value as it is, for every task that needs it, a larger one as `hold` does; raises as that."""
        return value if travels(value) else self.hold(value)

    def wait(self, futures: Any) -> Any:
        """Return results, and values among them; raise LostError when a worker leaves: its tasks never run again.

        So it is where none was there to begin with, where those that are stop working, and where one that is
        `counted_on` is gone already: what is asked for here may be with it.
        """
        before, ready = self.counted_on | set(self.workers()), None
        pending = self._begun(self.client.gather, futures)

        def look() -> None:
            nonlocal ready
            ready = self._since_ready(futures, ready)
            now = set(self.workers())
            if not now or not before <= now:
                raise LostError("A worker has left." if before else "No worker is there.")

        try:
            return followed(pending, TICK, look)
        except (*LOST, concurrent.futures.CancelledError, CommClosedError) as cause:  # the last: of the scheduler
            raise LostError(str(cause)) from cause
        finally:
            pending.cancel()

    def _since_ready(self, futures: Any, since: float | None) -> float | None:
        """Return since when all results are there to be fetched; who keeps one for too long is given up.

        Its heartbeats arrive, but nothing that is asked of it: a wall between machines may let through one direction.
        """
        asked_for = futures if isinstance(futures, list) else [futures]
        ones = [one for one in asked_for if isinstance(one, distributed.Future)]  # what a share sent along is here
        if any(one.status != "finished" for one in ones):
            return None
        now = time.monotonic()
        if since is None or now - since < FETCH:
            return now if since is None else since
        for address in sorted({name for names in self.owners([[one] for one in ones]) for name in names}):
            self._drop(address, f"Worker {address} did not hand over a result for {now - since:.0f} seconds")
        return None

    def tell(self, function: Callable[..., Any], *arguments: Any, workers: Collection[str]) -> None:
        """Run a function on workers without waiting for them; one that cannot be reached is an event, no error."""
        for worker in workers:
            pending = self._begun(self.client.run, function, *arguments, workers=[worker])
            pending.add_done_callback(lambda done, name=worker: self._told(name, done))

    def publish(self, topic: str, message: Any) -> concurrent.futures.Future:
        """Log an event of plain values with the scheduler, for whoever watches the topic, and do not wait for it.

        It fails with OSError where the client is closed: a job that breaks off for that says so itself.
        """
        if self.client.status == "closed":
            refused: concurrent.futures.Future = concurrent.futures.Future()
            refused.set_exception(OSError("the client is closed"))
            return refused
        return begun(self.client, self._log, topic, message)

    async def _log(self, topic: str, message: Any) -> None:
        scheduler = self.client.scheduler
        if scheduler is None:
            raise OSError("the client is closed")
        await scheduler.log_event(topic=topic, msg=message)

    def _told(self, worker: str, done: concurrent.futures.Future) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self.say(f"Worker {worker} could not be reached: {error}")

    def _begun(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> concurrent.futures.Future:
        return begun(self.client, function, *arguments, asynchronous=True, **options)


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _is_open(about: dict[str, Any]) -> bool:
    return about.get("status") != "closed"


def require_chunks(name: str, rows: Sequence[int], parts: Sequence[Sequence[distributed.Future]]) -> None:
    """Raise H2OJobError for rows that went with their worker and have no source to be read from again.

    Dask cancels what it cannot compute again; what it can is lost for a moment only.
    """
    lost = [p for p, chunks in enumerate(parts) if any(one.cancelled() for one in chunks)]
    if not lost:
        return
    first = lost[0]
    if is_cut(parts[first][0].client):  # then everything is cancelled, and rows are the least of it
        raise gone(parts[first][0].client, "Training")
    start, count = sum(rows[:first]), sum(rows[p] for p in lost)
    raise H2OJobError(
        f"Every row of frame {name} must be on a worker or have a source; {count} rows went with the workers that held "
        f"them, the first {rows[first]} of them from row {start} on. Import the frame again from its files, and go on "
        "from the last checkpoint (h2o.resume) if export_checkpoints_dir was given."
    )
