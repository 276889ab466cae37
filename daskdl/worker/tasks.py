"""What workers run: pure functions of their arguments, plus a cache of decoded partitions that only saves time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from daskdl import metrics
from daskdl.coordinator.slices import Slice
from daskdl.encoding.adaptation import Adaptation
from daskdl.encoding.balance import Balance, balanced_rows
from daskdl.encoding.decoded import Design, decode
from daskdl.encoding.encoder import Encoder
from daskdl.network.state import State, average
from daskdl.scoring import partitions
from daskdl.scoring.partitions import Scorer
from daskdl.worker.design_cache import DesignCache, Where
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.row_files import RowFiles
from daskdl.worker.threads import Gear
from daskdl.worker.trainer import Delta, Portion, RoundShare, StoredPortion, order, train_share
from daskdl.worker.turns import ALONE, Turn


@dataclass(frozen=True)
class Job:
    """What all training tasks of a job share.

    `cache`: bytes of decoded partitions that a worker may keep; `spread` (force_load_balance): use all threads of a
    worker on few partitions too, otherwise at most one thread for each.
    """

    key: str
    plan: Plan
    encoder: Encoder
    adaptation: Adaptation
    where: dict[str, tuple[int, int]]
    balance: Balance | None = None
    cache: int = 256 << 20
    spread: bool = True


_designs = DesignCache()
_row_files = RowFiles()
_stopped: set[tuple[str, int]] = set()
_dropped: set[tuple[str, int, int, int]] = set()
EVERY = -1  # as the number of a round: all of them
FAN_IN = 8  # shares that are averaged at once (measured: sums per worker first are 4x faster than one flat sum of 8)


def stop_round(key: str, number: int) -> None:
    """Ask the running shares of a round, in this process, to end at their next window."""
    _stopped.add((key, number))


def stop_share(key: str, number: int, share: int, attempt: int) -> None:
    """Ask a share of a round, if it is running in this process, to end at its next window: nobody wants it any more.

    A later attempt at the same share is another one: somebody, perhaps this process, is to train it after all.
    """
    _dropped.add((key, number, share, attempt))


def is_dropped(key: str, timing: Timing) -> bool:
    """Whether a share, or all shares of its round, were asked to end."""
    return is_stopped(key, timing.round) or (key, timing.round, timing.share, timing.attempt) in _dropped


def is_stopped(key: str, number: int) -> bool:
    """Whether shares of a round, in this process, were asked to end."""
    return (key, number) in _stopped


def design_key(job: Job, data: str) -> str:
    """Return under which key the decoded rows of a frame are kept; training rows are the same for every use."""
    return job.key if data == "train" else f"{job.key}-{data}"


def training_rows(job: Job, design: Design, partition: int) -> np.ndarray:
    """Return which rows of a partition train, with repeats where classes are balanced."""
    if job.balance is None:
        return np.arange(design.rows)
    counted = np.where(design.weight > 0, design.target, np.nan)  # a row that never trains is not worth repeating
    return balanced_rows(counted, job.balance, partition)


def count_training_rows(job: Job, chunks: Sequence[Any], partition: int) -> np.ndarray:
    """Return the number of training rows of each class (classes,) int64 in a partition after balancing."""
    design = decode(job.encoder, job.adaptation, chunks, job.where)
    assert job.balance is not None  # only asked for balanced jobs
    target = design.target[training_rows(job, design, partition)]
    return np.bincount(target.astype(np.int64), minlength=len(job.balance.factors))


def count_usable_rows(job: Job, chunks: Sequence[Any]) -> int:
    """Return how many rows of a partition can train at all."""
    design = decode(job.encoder, job.adaptation, chunks, job.where)
    return int(np.count_nonzero(design.usable & (design.weight > 0)))


def lay_out(
    chunks: Sequence[Any],
    partition: int,
    number: int,
    oldest: int,
    job: Job,
    folder: str,
    sample: Sample | None = None,
) -> Design | None:
    """Write the rows of pass `number` over a partition into a file below `folder`, in the order in which they train.

    Nobody reads passes before `oldest` any more. Returns rows to be scored, where some are asked for: the chunks need
    not be looked at again for them.
    """
    design = decode(job.encoder, job.adaptation, chunks, job.where)
    rows = training_rows(job, design, partition)
    rows = rows[order(job.plan.seed, partition, number, len(rows))]
    _row_files.write(job.key, partition, number, oldest, design=design, index=rows, folder=folder)
    return None if sample is None else sample.taken(design, partition)


class LaidOut(NamedTuple):
    """So many passes over partitions lie below a folder on the disk of the worker that answered this."""

    passes: int
    folder: str


def laid_out(passes: Sequence[Design | None], folder: str) -> LaidOut:
    """Return what stands for what several `lay_out` have done: a share asks for one value, not for one per pass."""
    return LaidOut(len(passes), folder)


def together(samples: Sequence[Design]) -> list[Design]:
    """Return the samples of several partitions as one value."""
    return list(samples)


def forget_rows(key: str) -> None:
    """Delete the files of a job that is over."""
    _row_files.forget(key)


def forget_designs(keys: Sequence[str]) -> None:
    """Let go of the decoded rows of a job that is over."""
    for key in keys:
        _designs.forget(key)


def bytes_per_row(job: Job, chunks: Sequence[Any]) -> float:
    """Return what a row weighs decoded, on average over a partition."""
    design = decode(job.encoder, job.adaptation, chunks, job.where)
    return design.nbytes / max(1, design.rows)


class Timing(NamedTuple):
    """Where a task stands: its round, samples of all workers before that, samples of the round per own sample.

    `share` is its number in the round, by which this `attempt` at it may be stopped alone.
    """

    round: int
    begin: int
    pace: float
    share: int = -1
    attempt: int = 1


def train_task(
    job: Job,
    before: State | Delta,
    slices: Sequence[Slice],
    chunks: Sequence[Sequence[Any]] | Sequence[LaidOut],
    threads: int,
    timing: Timing,
    consensus: State | None = None,
    turn: Turn = ALONE,
) -> Delta:
    """Train some slices from a state, or go on from an earlier task of the same share. Arguments are not changed.

    `chunks` are those of the partition of each slice, or what stands for the passes that slices cross, all laid out.
    """
    return train_slices(
        job,
        before,
        slices,
        chunks,
        threads=threads,
        timing=timing,
        stopped=lambda: is_dropped(job.key, timing),
        consensus=consensus,
        turn=turn,
    )


def train_slices(
    job: Job,
    before: State | Delta,
    slices: Sequence[Slice],
    chunks: Sequence[Sequence[Any]] | Sequence[LaidOut],
    threads: int,
    timing: Timing,
    stopped: Callable[[], bool],
    consensus: State | None = None,
    gear: Gear | None = None,
    turn: Turn = ALONE,
) -> Delta:
    """Do what `train_task` does, with another way to be stopped: `stopped` is asked between windows of rows.

    `gear` is what the shares before this one have left; other jobs of the worker train where its `turn` is over.
    """
    earlier = before if isinstance(before, Delta) else Delta(before, 0, 0.0)
    portions = _portions(job, slices, chunks)
    threads = threads if job.spread else min(threads, max(1, len(portions)))
    share = RoundShare(tuple(portions), timing.begin + int(timing.pace * earlier.samples), timing.pace)

    def over() -> bool:
        turn.pass_on()
        return stopped()

    before_training = turn.waited
    delta = train_share(earlier.state, share, job.plan, threads=threads, consensus=consensus, stopped=over, gear=gear)
    return Delta(
        delta.state,
        delta.samples + earlier.samples,
        delta.seconds - (turn.waited - before_training) + earlier.seconds,
        earlier.waited + turn.waits(),
    )


def _portions(
    job: Job, slices: Sequence[Slice], chunks: Sequence[Sequence[Any]] | Sequence[LaidOut]
) -> list[Portion | StoredPortion]:
    if chunks and isinstance(chunks[0], LaidOut):
        folder = chunks[0].folder
        return [StoredPortion(*one, partial(_row_files.read, job.key, folder, one.partition)) for one in slices]
    portions: list[Portion | StoredPortion] = []
    for one, parts in zip(slices, chunks, strict=True):
        design = _designs.get(job.key, job.encoder, job.adaptation, chunks=parts, where=job.where, budget=job.cache)
        rows = None if job.balance is None else training_rows(job, design, one.partition)
        portions.append(Portion(one.partition, one.start, one.stop, design, rows))
    return portions


def combine(deltas: Sequence[Delta]) -> Delta:
    """Return the average of several shares, weighted by their samples, in the order given."""
    samples = [delta.samples for delta in deltas]
    state = (
        deltas[0].state if len(deltas) == 1 else average([delta.state for delta in deltas], [float(n) for n in samples])
    )
    return Delta(state, sum(samples), max(delta.seconds for delta in deltas))


def averaged(deltas: Sequence[Delta]) -> Delta:
    """Return the average of any number of shares, by the tree of `combine` that workers would compute."""
    level = list(deltas)
    while len(level) > FAN_IN:
        level = [combine(level[k : k + FAN_IN]) for k in range(0, len(level), FAN_IN)]
    return combine(level)


def combine_with_consensus(deltas: Sequence[Delta], consensus: State | None, rate: float) -> Delta:
    """Return the new consensus of elastic averaging: `rate` of the average and the rest of the old consensus."""
    mean = combine(deltas)
    if consensus is None:
        return mean
    moved = average([mean.state, consensus], [rate, 1.0 - rate])
    return Delta(moved, mean.samples, mean.seconds)


class Sample(NamedTuple):
    """A fixed random choice of rows: each is taken with its probability (by class, where there are several)."""

    probabilities: tuple[float, ...]
    seed: int

    @property
    def takes_all(self) -> bool:
        """Whether no row is left out."""
        return min(self.probabilities) >= 1.0

    def rows(self, design: Design, partition: int) -> np.ndarray | None:
        """Return the chosen row numbers of a partition; None for all."""
        if self.takes_all:
            return None
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed & (2**64 - 1), partition, 3])))
        draw = rng.random(design.rows)
        if len(self.probabilities) == 1:
            return np.flatnonzero(draw < self.probabilities[0])
        known = np.nan_to_num(design.target, nan=0).astype(np.int64)
        # the last entry is for classes that training did not know
        share = np.array([*self.probabilities, max(self.probabilities)])[np.minimum(known, len(self.probabilities))]
        return np.flatnonzero((draw < share) & ~np.isnan(design.target))

    def taken(self, design: Design, partition: int) -> Design:
        """Return the design of the chosen rows alone."""
        rows = self.rows(design, partition)
        return design if rows is None else design.taken(rows)


def sample_task(
    key: str,
    encoder: Encoder,
    adaptation: Adaptation,
    chunks: Sequence[Any],
    where: Where,
    sample: Sample,
    partition: int,
    cache: int,
) -> Design:
    """Return the sampled rows of a partition, decoded: what is scored again and again is looked up once."""
    design = _designs.get(key, encoder, adaptation, chunks=chunks, where=where, budget=cache)
    return sample.taken(design, partition)


def score_samples(scorer: Scorer, samples: Sequence[Design]) -> list[metrics.State]:
    """Return the metric states of decoded rows, partition by partition."""
    return [partitions.measure(scorer, design) for design in samples]


def score_all(
    key: str, scorer: Scorer, adaptation: Adaptation, chunks: Sequence[Any], where: Where, cache: int
) -> metrics.State:
    """Return the metric state of all rows of a partition."""
    design = _designs.get(key, scorer.encoder, adaptation, chunks=chunks, where=where, budget=cache)
    return partitions.measure(scorer, design)


def score_task(
    key: str,
    scorer: Scorer,
    adaptation: Adaptation,
    chunks: Sequence[Any],
    where: Where,
    sample: Sample,
    partition: int,
    cache: int,
) -> metrics.State:
    """Return the metric state of a partition, or of the sample of its rows, all of which are kept decoded."""
    design = _designs.get(key, scorer.encoder, adaptation, chunks=chunks, where=where, budget=cache)
    return partitions.measure(scorer, design, sample.rows(design, partition))
