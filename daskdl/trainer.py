"""Training of one share of a round: threads over decoded partitions, a pure function of its arguments.

Threads either share one set of weights without locks (Hogwild: Recht, Re, Wright, Niu 2011) or train private replicas
that are averaged inside the share. Every sample of a dense input writes most cache lines of the model, so there
shared weights bounce between cores; replicas also give the same result in every run.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from daskdl.blas import ONE_BLAS_THREAD
from daskdl.design import Design, empty_window
from daskdl.kernels.activations import Activation
from daskdl.kernels.batches import train_batches
from daskdl.kernels.distributions import Distribution
from daskdl.kernels.optimizers import Clock, Optimizer
from daskdl.kernels.penalties import Elastic, Free, Penalties
from daskdl.kernels.structs import Rows, Settings
from daskdl.kernels.training import train_rows
from daskdl.network import Layout, State, average_in_place

f4 = np.float32
WINDOW = 256  # rows gathered at once: 0.7 MB of MNIST, a few milliseconds of training
BITE = 1 << 20  # samples whose order is made at once: 16 MB of row numbers and identities
MIXED = 8  # partitions whose rows are shuffled together; more would gather windows from too many places
# Rows that each replica trains between two averagings. On digits 500 rows gave a mean error of 3.8% over five seeds
# with the least spread (3.7-4.0%); 1,000 and 2,000 rows went up to 4.4%. Averaging costs about 3% of the time. Larger
# networks take longer to average and to train alike: one row for so many weights.
REPLICA_ROWS = 512
REPLICA_WEIGHTS = 400
# The part of a share's averages that its result is the mean of. With a third of them digits reach 2.3-2.5% after ten
# epochs where the last average alone gives 2.5-2.6%.
TAIL = 0.33


class Portion(NamedTuple):
    """Rows [start, stop) of the endless order of one partition's training rows."""

    partition: int
    start: int
    stop: int
    design: Design
    rows: np.ndarray  # (training rows,) int64: which rows of the partition train, with repeats


class Delta(NamedTuple):
    """What a share gives back: the moved state, how many samples it saw, and its seconds."""

    state: State
    samples: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """Everything that steers training and stays the same for a whole job."""

    layout: Layout
    activation: Activation
    distribution: Distribution
    optimizer: Optimizer
    autoencoder: bool = False
    l1: float = 0.0
    l2: float = 0.0
    max_w2: float = math.inf
    input_dropout: float = 0.0
    hidden_dropout: tuple[float, ...] = ()
    fast_mode: bool = True
    average_activation: float = 0.0
    sparsity_beta: float = 0.0
    elastic: float = 0.0
    batch: int = 1
    policy: str = "auto"  # auto, shared, replicas
    seed: int = 0
    mean_weight: float = 1.0
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        dropout = np.zeros(self.layout.depth + 1, f4)
        dropout[1 : 1 + len(self.hidden_dropout)] = self.hidden_dropout
        stateless = not (self.optimizer.remembers or self.l1 or self.l2 or self.elastic)
        object.__setattr__(
            self,
            "settings",
            Settings(
                fast_mode=self.fast_mode,
                stateless=stateless,
                autoencoder=self.autoencoder,
                input_dropout=f4(self.input_dropout),
                hidden_dropout=dropout,
                rates=np.zeros(self.layout.depth + 1, f4),
                average_activation=f4(self.average_activation),
                sparsity_beta=f4(self.sparsity_beta),
                seed=np.uint64(self.seed & 0xFFFF_FFFF_FFFF_FFFF),
            ),
        )

    @property
    def replica_rows(self) -> int:
        """Rows that a replica trains between two averagings."""
        return max(REPLICA_ROWS, self.layout.size // REPLICA_WEIGHTS)

    def thread_policy(self, threads: int) -> str:
        """Return "shared" or "replicas" for so many threads.

        Shared suits mini-batches (few large writes) and networks that are mostly a categorical table, of which a row
        touches little and of which replicas would be large; replicas suit dense inputs.
        """
        if threads == 1:
            return "shared"
        if self.policy != "auto":
            return self.policy
        return "shared" if self.batch >= 16 or self.layout.table > self.layout.size // 2 else "replicas"


class Share(NamedTuple):
    """A worker's part of one round."""

    portions: tuple[Portion, ...]
    begin: int  # samples of all workers before this round
    pace: float  # samples of the round per sample of this share


def order(seed: int, partition: int, number: int, rows: int) -> np.ndarray:
    """Return the order (rows,) in which pass `number` visits a partition's training rows.

    >>> sorted(order(seed=1, partition=0, number=2, rows=4).tolist())
    [0, 1, 2, 3]
    """
    key = np.random.SeedSequence([seed & 0xFFFF_FFFF_FFFF_FFFF, partition, number])
    return np.random.Generator(np.random.Philox(key)).permutation(rows)


def stream(portion: Portion, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers and identities (samples,) int64 of a portion, over the passes that it crosses."""
    size = len(portion.rows)
    pieces = []
    for number in range(portion.start // size, (portion.stop - 1) // size + 1):
        low = max(portion.start - number * size, 0)
        high = min(portion.stop - number * size, size)
        pieces.append(portion.rows[order(seed, portion.partition, number, size)[low:high]])
    identity = (portion.partition << 40) + np.arange(portion.start, portion.stop)
    return np.concatenate(pieces), identity


class Mix(NamedTuple):
    """Samples of a few portions in the order in which they train."""

    designs: tuple[Design, ...]
    source: np.ndarray  # (samples,) which design
    row: np.ndarray  # (samples,) which of its rows
    identity: np.ndarray  # (samples,)

    def window(self, low: int, high: int, rows: Rows, mean_weight: float) -> Rows:
        """Gather samples [low, high) into the first rows of a window; rows that must not train get weight 0."""
        count = high - low
        part = Rows(*(array[:count] for array in rows))
        source = self.source[low:high]
        for k, design in enumerate(self.designs):
            at = np.arange(count) if len(self.designs) == 1 else np.flatnonzero(source == k)
            if len(at):
                index = self.row[low:high][at]
                design.window(index, at, part)
                part.weight[at] *= design.usable[index]
        part.identity[:] = self.identity[low:high]
        if mean_weight != 1.0:
            part.weight[:] /= f4(mean_weight)
        return part


def bites(share: Share) -> Iterator[Share]:
    """Cut a share of very many samples into parts of at most `BITE`, whose row numbers fit into memory."""
    total = sum(portion.stop - portion.start for portion in share.portions)
    count = max(1, math.ceil(total / BITE))
    if count == 1:
        yield share
        return
    done = 0
    for k in range(count):
        cuts = [(p, p.stop - p.start) for p in share.portions]
        parts = [p._replace(start=p.start + n * k // count, stop=p.start + n * (k + 1) // count) for p, n in cuts]
        yield Share(tuple(parts), share.begin + int(share.pace * done), share.pace)
        done += sum(part.stop - part.start for part in parts)


def mixes(share: Share, seed: int) -> list[Mix]:
    """Return the samples of a share, shuffled across up to `MIXED` partitions at a time."""
    portions = [portion for portion in share.portions if portion.stop > portion.start]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed & 0xFFFF_FFFF_FFFF_FFFF, share.begin, 1])))
    result = []
    for group in np.array_split(rng.permutation(len(portions)), max(1, math.ceil(len(portions) / MIXED))):
        chosen = [portions[k] for k in sorted(group)]
        if not chosen:
            continue
        streams = [stream(portion, seed) for portion in chosen]
        source = np.repeat(np.arange(len(chosen)), [len(rows) for rows, _ in streams])
        shuffled = rng.permutation(len(source)) if len(chosen) > 1 else np.arange(len(source))
        rows = np.concatenate([rows for rows, _ in streams])[shuffled]
        identity = np.concatenate([identity for _, identity in streams])[shuffled]
        result.append(Mix(tuple(p.design for p in chosen), source[shuffled], rows, identity))
    return result


class Runner:
    """One thread's hands: its window, its scratch space and the network it moves."""

    def __init__(self, plan: Plan, state: State, pull: Any, mix: Mix) -> None:
        self.plan = plan
        self.pull = pull
        self.state = state
        self.network = plan.layout.network(state)
        columns = mix.designs[0].levels.shape[1]
        batch = min(plan.batch, len(mix.row))  # no more memory than there are samples to fill it
        self.rows_at_once = math.ceil(WINDOW / batch) * batch
        self.rows = empty_window(self.rows_at_once, mix.designs[0])
        whole = not plan.fast_mode and not plan.settings.stateless
        self.scratch: Any = (
            plan.layout.scratch(columns) if plan.batch == 1 else plan.layout.batch_scratch(columns, batch, whole)
        )
        self.penalties = Penalties(f4(plan.l1), f4(plan.l2), f4(plan.max_w2))
        self.activation = plan.activation.compiled
        self.distribution = plan.distribution.compiled

    def train(self, mix: Mix, low: int, high: int, samples: float) -> None:
        """Train on samples [low, high) of a mix; `samples` counts what all workers trained before them."""
        plan = self.plan
        optimizer, rates = plan.optimizer.at(Clock(samples, plan.batch, plan.layout.depth))
        settings = plan.settings._replace(rates=rates)
        kernel = train_rows if plan.batch == 1 else train_batches
        rows = mix.window(low, high, self.rows, plan.mean_weight)
        kernel(
            self.activation, self.distribution, optimizer, self.penalties, self.pull,
            self.network, rows, settings, self.scratch,
        )  # fmt: skip


def never() -> bool:
    """Return False: nobody wants to stop."""
    return False


def train_share(
    state: State,
    share: Share,
    plan: Plan,
    threads: int,
    consensus: State | None = None,
    stopped: Callable[[], bool] = never,
) -> Delta:
    """Return the state after training on a share; the given state is not changed.

    `consensus` is the averaged model that elastic averaging pulls to; `stopped` is asked between windows. With one
    thread, or with replicas, the same arguments give the same bits.
    """
    began = time.perf_counter()
    if len(state.slots) != len(plan.optimizer.slots):  # kernels would read beyond the array
        raise ValueError(f"{plan.optimizer.name} needs {len(plan.optimizer.slots)} slots; got {len(state.slots)}.")
    moved = state.copy()
    # what came from another process may be read-only, a type of its own for which kernels would compile once more
    pull = Free() if consensus is None else Elastic(f4(plan.elastic), np.require(consensus.weights, requirements="W"))
    done = 0
    with ONE_BLAS_THREAD:
        for mix in itertools.chain.from_iterable(mixes(bite, plan.seed) for bite in bites(share)):
            first = share.begin + share.pace * done
            train = _train_replicas if plan.thread_policy(threads) == "replicas" else _train_shared
            done += train(moved, mix, Crew(plan, pull, threads, stopped), first, share.pace)
            if stopped():
                break
    return Delta(moved, done, time.perf_counter() - began)


class Crew(NamedTuple):
    """How many threads train, on which plan, towards which consensus, and who may stop them."""

    plan: Plan
    pull: Any
    threads: int
    stopped: Callable[[], bool]

    def runner(self, state: State, mix: Mix) -> Runner:
        """Return the hands of one thread that moves `state`."""
        return Runner(self.plan, state, self.pull, mix)


def _train_shared(state: State, mix: Mix, crew: Crew, first: float, pace: float) -> int:
    """Let all threads take windows in turn and move one set of weights without locks; return the samples trained."""
    runners = [crew.runner(state, mix) for _ in range(crew.threads)]
    step = runners[0].rows_at_once
    starts = iter(range(0, len(mix.row), step))
    turn = threading.Lock()
    trained = []

    def work(runner: Runner) -> None:
        while not crew.stopped():
            with turn:
                low = next(starts, None)
            if low is None:
                return
            high = min(low + step, len(mix.row))
            runner.train(mix, low, high, first + pace * low)
            trained.append(high - low)

    if crew.threads == 1:
        work(runners[0])
    else:
        with ThreadPoolExecutor(crew.threads, thread_name_prefix="daskdl-trainer") as pool:
            list(pool.map(work, runners))
    return sum(trained)


def _train_replicas(state: State, mix: Mix, crew: Crew, first: float, pace: float) -> int:
    """Let each thread train a copy on its part of a segment; average the copies after each segment.

    What is left in `state` is the mean over the last part of the segments: steps on single rows are noisy, their tail
    mean is not (Polyak and Juditsky 1992).
    """
    copies = [state, *(state.copy() for _ in range(crew.threads - 1))]
    runners = [crew.runner(copy, mix) for copy in copies]
    step = runners[0].rows_at_once
    edges = segments(len(mix.row), crew.threads * step, crew.threads * crew.plan.replica_rows)
    tail = Tail(state, len(edges) - 1)
    with ThreadPoolExecutor(crew.threads, thread_name_prefix="daskdl-trainer") as pool:
        for low, high in itertools.pairwise(edges):
            cuts = np.linspace(low, high, crew.threads + 1).astype(int).tolist()

            def work(k: int, cuts: list[int] = cuts, low: int = low) -> None:
                for begin in range(cuts[k], cuts[k + 1], step):
                    end = min(begin + step, cuts[k + 1])
                    runners[k].train(mix, begin, end, first + pace * (low + crew.threads * (begin - cuts[k])))

            list(pool.map(work, range(crew.threads)))
            average_in_place(copies, np.diff(cuts).tolist())
            tail.add()
            if crew.stopped():
                tail.close()
                return high
    tail.close()
    return len(mix.row)


def segments(samples: int, step: int, wanted: int) -> list[int]:
    """Return the edges of equal segments of `wanted` samples at least, in steps; a short last one would weigh too much.

    >>> segments(100, 10, 25)
    [0, 25, 50, 75, 100]
    """
    size = step * math.ceil(wanted / step)
    return np.linspace(0, samples, max(1, math.ceil(samples / size)) + 1).astype(int).tolist()


class Tail:
    """The mean of a state over the last part of its segments."""

    def __init__(self, state: State, segments: int) -> None:
        self.state = state
        self.skipped = segments - max(1, round(segments * TAIL))
        self.seen = 0
        self.mean: State | None = None

    def add(self) -> None:
        """Take the state as it is now, at the end of a segment."""
        self.seen += 1
        if self.seen <= self.skipped:
            return
        if self.mean is None:
            self.mean = self.state.copy()
            return
        share = f4(1.0 / (self.seen - self.skipped))
        for mean, now in zip(self.mean, self.state, strict=True):
            mean += (now - mean) * share

    def close(self) -> None:
        """Put the mean into the state; leave it alone where no segment counted yet."""
        if self.mean is not None:
            for mean, now in zip(self.mean, self.state, strict=True):
                now[:] = mean
