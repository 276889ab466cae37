"""What steers the kernels for a whole job: the network, the choices, and how many rows go together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from daskdl.kernels.activations import Activation
from daskdl.kernels.distributions import Distribution
from daskdl.kernels.optimizers import Optimizer
from daskdl.kernels.penalties import Penalties
from daskdl.kernels.schedules import Schedule
from daskdl.kernels.schedules.constant import Constant
from daskdl.kernels.spec import Spec
from daskdl.kernels.structs import Settings
from daskdl.network.layout import Layout

f4 = np.float32
# A window: rows that are gathered at once and train at one learning rate.
WINDOW = 256, 4096  # rows at least and at most
WINDOW_WORK = 1e8  # weights times rows: some 10 milliseconds of one thread, after which training may be stopped
WINDOW_NUMBERS = 1 << 20  # numbers of a window's rows: 4 MB
FASTER = 4  # times as long are windows of batches, whose rows cost less: each thread needs the interpreter once in each


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
    staleness: int = 32  # rows that share one view of the weights
    seed: int = 0
    mean_weight: float = 1.0
    schedule: Schedule = Constant()  # noqa: RUF009  (a value)
    target: int = 0  # samples of the whole training, for the schedule
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
                rates=np.zeros((self.layout.depth + 1, 1), f4),
                average_activation=f4(self.average_activation),
                sparsity_beta=f4(self.sparsity_beta),
                seed=np.uint64(self.seed & 0xFFFF_FFFF_FFFF_FFFF),
            ),
        )

    @cached_property
    def choices(self) -> tuple[Spec, Spec]:
        """Activation and distribution as kernels take them."""
        return self.activation.compiled, self.distribution.compiled

    @cached_property
    def penalties(self) -> Penalties:
        """The penalties as kernels take them."""
        return Penalties(f4(self.l1), f4(self.l2), f4(self.max_w2))

    def rows_per_view(self, samples: int) -> int:
        """Return how many rows share a view where so many train: whole batches, one at least."""
        batch = self.rows_per_batch(samples)
        return batch * max(1, min(self.staleness, samples) // batch)

    def rows_per_batch(self, samples: int) -> int:
        """Return the rows of a batch; no more than there are, for it takes memory."""
        return max(1, min(self.batch, samples))

    def rows_per_window(self, samples: int) -> int:
        """Return the rows of a window: whole views, about `WINDOW_WORK`."""
        view = self.rows_per_view(samples)
        wanted = min(WINDOW_WORK / self.layout.touched(0), WINDOW_NUMBERS / max(self.layout.numbers, 1))
        wanted = min(wanted * (1 if self.batch == 1 else FASTER), WINDOW[1])
        return math.ceil(max(wanted, WINDOW[0]) / view) * view
