"""Training of one share of a round: threads over decoded partitions, a pure function of its arguments.

Rows of several partitions are shuffled together; `threads` trains them. The number of threads changes the time only.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from daskdl.encoding.decoded import Design, joined
from daskdl.kernels.penalties import Elastic, Free
from daskdl.kernels.structs import Rows
from daskdl.network.state import State
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.tail import Tail
from daskdl.worker.threads import Gear, ThreadTeam

f4 = np.float32
KEPT_ROWS, KEPT_ORDERS = 1 << 16, 16  # orders of so many rows at most are kept, 8 MB in all: short rounds share a pass
STRETCH = 1 << 20  # samples whose order is made at once: 16 MB of row numbers and identities
THIN = 1 << 22  # bytes of rows read from a disk that are brought together: windows are gathered from one place then
MIXED = 8  # partitions whose rows are shuffled together; more would gather windows from too many places


class Portion(NamedTuple):
    """Rows [start, stop) of the endless order of one partition's training rows."""

    partition: int
    start: int
    stop: int
    design: Design
    rows: np.ndarray | None  # (training rows,) int64: which rows of the partition train, with repeats; None: each once

    def opened(self, seed: int) -> Opened:
        """Return its samples."""
        return Opened(self.design, *stream(self, seed))


class StoredPortion(NamedTuple):
    """The same of a partition whose rows are laid out in that order elsewhere: `read(start, stop)` brings some."""

    partition: int
    start: int
    stop: int
    read: Callable[[int, int], Design]

    def opened(self, seed: int) -> Opened:
        """Return its samples, read now; they lie in their order already."""
        design = self.read(self.start, self.stop)
        return Opened(design, np.arange(design.rows), _identities(self))


class Opened(NamedTuple):
    """Samples of a portion: a design, which of its rows they are, and their identities, (samples,) int64 each."""

    design: Design
    row: np.ndarray
    identity: np.ndarray


class Delta(NamedTuple):
    """What a share gives back: the moved state, samples seen, seconds of that, and seconds it waited for other jobs."""

    state: State
    samples: int
    seconds: float
    waited: float = 0.0


class RoundShare(NamedTuple):
    """A worker's part of one round."""

    portions: tuple[Portion | StoredPortion, ...]
    begin: int  # samples of all workers before this round
    pace: float  # samples of the round per sample of this share


def order(seed: int, partition: int, number: int, rows: int) -> np.ndarray:
    """Return the order (rows,) in which pass `number` visits a partition's training rows.

    >>> sorted(order(seed=1, partition=0, number=2, rows=4).tolist())
    [0, 1, 2, 3]
    """
    return (_kept if rows <= KEPT_ROWS else _drawn)(seed, partition, number, rows)


def _drawn(seed: int, partition: int, number: int, rows: int) -> np.ndarray:
    key = np.random.SeedSequence([seed & 0xFFFF_FFFF_FFFF_FFFF, partition, number])
    drawn = np.random.Generator(np.random.Philox(key)).permutation(rows)
    drawn.setflags(write=False)
    return drawn


_kept = functools.lru_cache(KEPT_ORDERS)(_drawn)


def stream(portion: Portion, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers and identities (samples,) int64 of a portion, over the passes that it crosses."""
    rows = portion.rows
    size = portion.design.rows if rows is None else len(rows)
    pieces = []
    for number in range(portion.start // size, (portion.stop - 1) // size + 1):
        low = max(portion.start - number * size, 0)
        high = min(portion.stop - number * size, size)
        pieces.append(order(seed, portion.partition, number, size)[low:high])
    found = np.concatenate(pieces)
    return found if rows is None else rows[found], _identities(portion)


def _identities(portion: Portion | StoredPortion) -> np.ndarray:
    return (portion.partition << 40) + np.arange(portion.start, portion.stop)


class Mix(NamedTuple):
    """Samples of a few portions in the order in which they train."""

    designs: tuple[Design, ...]
    source: np.ndarray  # (samples,) which design
    row: np.ndarray  # (samples,) which of its rows
    identity: np.ndarray  # (samples,)

    def part(self, low: int, high: int) -> Mix:
        """Return the samples [low, high) alone."""
        return Mix(self.designs, self.source[low:high], self.row[low:high], self.identity[low:high])

    def window(self, low: int, high: int, rows: Rows, mean_weight: float) -> Rows:
        """Gather samples [low, high) into the first rows of a window; rows that must not train get weight 0."""
        count = high - low
        part = Rows(*(array[:count] for array in rows))
        source = self.source[low:high]
        for k, design in enumerate(self.designs):
            alone = len(self.designs) == 1
            at = np.arange(count) if alone else np.flatnonzero(source == k)
            if len(at):
                index = self.row[low:high] if alone else self.row[low:high][at]
                design.window(index, at, part)
                part.weight[at] *= design.usable[index]
        part.identity[:] = self.identity[low:high]
        if mean_weight != 1.0:
            part.weight[:] /= f4(mean_weight)
        return part


def stretches(share: RoundShare) -> Iterator[RoundShare]:
    """Cut a share of very many samples into parts of at most `STRETCH`, whose row numbers fit into memory."""
    total = sum(portion.stop - portion.start for portion in share.portions)
    count = max(1, math.ceil(total / STRETCH))
    if count == 1:
        yield share
        return
    done = 0
    for k in range(count):
        cuts = [(p, p.stop - p.start) for p in share.portions]
        parts = [p._replace(start=p.start + n * k // count, stop=p.start + n * (k + 1) // count) for p, n in cuts]
        yield RoundShare(tuple(parts), share.begin + int(share.pace * done), share.pace)
        done += sum(part.stop - part.start for part in parts)


def mixes(share: RoundShare, seed: int) -> Iterator[Mix]:
    """Yield the samples of a share, shuffled across up to `MIXED` partitions at a time; only these are in memory."""
    portions = [portion for portion in share.portions if portion.stop > portion.start]
    if len(portions) == 1:  # nothing is mixed, and a round of a small table is over before a generator is made
        (one,) = (portion.opened(seed) for portion in portions)
        yield Mix((one.design,), np.zeros(len(one.row), np.int8), one.row, one.identity)
        return
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed & 0xFFFF_FFFF_FFFF_FFFF, share.begin, 1])))
    for group in np.array_split(rng.permutation(len(portions)), max(1, math.ceil(len(portions) / MIXED))):
        chosen = [portions[k] for k in sorted(group)]
        if not chosen:
            continue
        opened = _opened(chosen, seed)
        source = np.repeat(np.arange(len(opened)), [len(one.row) for one in opened])
        shuffled = rng.permutation(len(source)) if len(chosen) > 1 else np.arange(len(source))
        rows = np.concatenate([one.row for one in opened])[shuffled]
        identity = np.concatenate([one.identity for one in opened])[shuffled]
        designs = tuple(one.design for one in opened)
        del opened  # rows that were read from a disk go before those of the next mix are
        yield Mix(designs, source[shuffled], rows, identity)
        del designs


def _opened(portions: Sequence[Portion | StoredPortion], seed: int) -> list[Opened]:
    """Return the samples of some portions; of those that were read from a disk, if they are not many, in one place."""
    opened = [portion.opened(seed) for portion in portions]
    stored = all(isinstance(portion, StoredPortion) for portion in portions)
    if not stored or sum(one.design.nbytes for one in opened) > THIN:
        return opened
    whole = joined([one.design for one in opened])
    if whole is None:
        return opened
    return [Opened(whole, np.arange(whole.rows), np.concatenate([one.identity for one in opened]))]


def never() -> bool:
    """Return False: nobody wants to stop."""
    return False


def train_share(
    state: State,
    share: RoundShare,
    plan: Plan,
    threads: int,
    consensus: State | None = None,
    stopped: Callable[[], bool] = never,
    gear: Gear | None = None,
) -> Delta:
    """Return the state after training on a share; the given state is not changed.

    `consensus` is the averaged model that elastic averaging pulls to; `stopped` is asked between windows; `gear` is
    what the job's shares before this one have left. The same arguments give the same bits for any number of threads.
    """
    began = time.perf_counter()
    if len(state.slots) != len(plan.optimizer.slots):  # kernels would read beyond the array
        raise ValueError(f"{plan.optimizer.name} needs {len(plan.optimizer.slots)} slots; got {len(state.slots)}.")
    moved = state.copy()
    # what came from another process may be read-only, a type of its own for which kernels would compile once more
    pull = Free() if consensus is None else Elastic(f4(plan.elastic), np.require(consensus.weights, requirements="W"))
    done, gear = 0, gear or Gear()
    for mix in itertools.chain.from_iterable(mixes(stretch, plan.seed) for stretch in stretches(share)):
        tail = Tail(len(mix.row), plan.batch)
        done += ThreadTeam(
            plan=plan,
            state=moved,
            pull=pull,
            mix=mix,
            first=share.begin + share.pace * done,
            pace=share.pace,
            stopped=stopped,
            tail=tail,
            threads=threads,
            gear=gear,
        ).train()
        tail.put_into(moved)
        if stopped():
            break
        del mix  # see `mixes`
    return Delta(moved, done, time.perf_counter() - began)
