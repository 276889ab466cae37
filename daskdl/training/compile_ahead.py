"""Compile kernels ahead of time: train a few rows of every combination of choices, so that no later start has to.

Where that was not done the first training compiles what it needs, and `heard` tells whoever waits.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numba.core import event

from daskdl.encoding.decoded import DecodedBlock, Design
from daskdl.kernels.activations import ACTIVATIONS, Activation
from daskdl.kernels.distributions import DISTRIBUTIONS, Distribution
from daskdl.kernels.jit import cache_misses
from daskdl.kernels.optimizers import OPTIMIZERS, Optimizer
from daskdl.network.layout import Layout
from daskdl.network.start import FirstWeights, initialise
from daskdl.worker.kernel_plan import Plan
from daskdl.worker.trainer import Portion, RoundShare, train_share
from frames.parse import number_block

STORED = ("uint8", "uint16", "int32", "int64", "float32", "float64")  # the number types in which chunks keep columns
ROWS = 4


class Choice(NamedTuple):
    """One combination that needs kernels of its own."""

    activation: Activation
    distribution: Distribution
    optimizer: Optimizer
    batch: int

    def __str__(self) -> str:
        way = "each row" if self.batch == 1 else "mini-batches"
        return f"{self.activation.name}, {self.distribution.name}, {self.optimizer.name}, {way}"


def choices(everything: bool = False) -> Iterator[Choice]:
    """Yield the usual combinations (softmax and gaussian, ADADELTA and Nesterov), or all there are."""
    hidden = [kind() for kind in ACTIVATIONS.values()]
    heads = [kind() for kind in DISTRIBUTIONS.values() if isinstance(kind().compiled, kind)]  # others share a kernel
    optimizers = [kind() for kind in OPTIMIZERS.values()]
    for activation, head, optimizer, batch in itertools.product(hidden, heads, optimizers, (1, 2)):
        if everything or activation.rarity + head.rarity + optimizer.rarity <= 1:
            yield Choice(activation, head, optimizer, batch)


def warm(tell: Callable[[str], None], everything: bool = False) -> int:
    """Compile the kernels of every choice, telling each one's name first; return how many had to be compiled."""
    before = cache_misses()
    tell("reader of numeric CSV files")
    number_block.load()
    for choice in choices(everything):
        tell(str(choice))
        _train(choice)
    return cache_misses() - before


@contextmanager
def heard(tell: Callable[[bool], None]) -> Iterator[None]:
    """Call `tell(True)` when this process begins to compile a kernel, and `tell(False)` when it has done.

    Kernels that the cache on disk holds are not compiled. Workers that are other processes are not heard.
    """
    with event.install_listener("numba:compile", _Listener(tell)):
        yield


class _Listener(event.Listener):
    """One kernel compiles those it calls, and threads compile side by side: the outermost begin and end are told."""

    def __init__(self, tell: Callable[[bool], None]):
        self._tell = tell
        self._lock = threading.Lock()
        self._depth = 0

    def on_start(self, event: Any) -> None:
        self._count(1)

    def on_end(self, event: Any) -> None:
        self._count(-1)

    def _count(self, step: int) -> None:
        with self._lock:
            before, self._depth = self._depth, self._depth + step
            if 0 in (before, self._depth):
                self._tell(self._depth > 0)


def _train(choice: Choice) -> None:
    outputs = 1 if choice.distribution.classes is None else 2
    layout = Layout(
        levels=2,
        numbers=len(STORED),
        hidden=(2,),
        outputs=outputs,
        pieces=choice.activation.pieces,
        slots=len(choice.optimizer.slots),
    )
    plan = Plan(layout, choice.activation, choice.distribution, choice.optimizer, batch=choice.batch)
    share = RoundShare((Portion(0, 0, ROWS, _rows(), np.arange(ROWS)),), begin=0, pace=1.0)
    train_share(initialise(layout, FirstWeights(), seed=1), share, plan, threads=1)


def _rows() -> Design:
    """Rows with one categorical column and a number of every stored type."""
    blocks = tuple(
        DecodedBlock(
            data=np.ones((ROWS, 1), stored),
            slots=np.array([position]),
            factor=np.ones(1),
            shift=np.zeros(1),
            missing=np.full(1, np.nan),
            fill=np.zeros(1),
        )
        for position, stored in enumerate(STORED)
    )
    levels = np.zeros((ROWS, 1), np.int32)
    target = np.arange(ROWS) % 2 * 1.0
    ones, zeros = np.ones(ROWS), np.zeros(ROWS)
    return Design(
        rows=ROWS,
        width=len(STORED),
        blocks=blocks,
        levels=levels,
        target=target,
        weight=ones,
        offset=zeros,
        offset_scale=1.0,
        usable=np.ones(ROWS, bool),
    )
