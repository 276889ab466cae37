"""Adam, with a decay of the weights that its rates do not scale."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.optimizers.base import Clock, Optimizer
from daskdl.kernels.spec import Declared

POSITIVE, FINITE, BELOW_1 = Range(0, ends="()"), Range(0, ends="[)"), Range(0, 1, "[)")


class Adam(Optimizer):
    """Running means of gradients and squared gradients. Source: Kingma and Ba 2015, section 2, the efficient order.

    Weight decay is decoupled from the gradient: Loshchilov and Hutter 2019, algorithm 2. Both means begin at zero; what
    corrects that is part of the rate of each step, so nothing is kept for it.
    """

    name = "adam"
    rarity = 1
    slots = ("mean", "square")
    scheduled = True
    usual_schedule = "warmup_cosine"  # its first steps have seen few gradients, whose squares it divides by
    steps_per_epoch = 1000

    rate: Annotated[float, Declared("adam_rate", POSITIVE, "Adam: learning rate.")] = 0.003
    beta1: Annotated[float, Declared("adam_beta1", BELOW_1, "Adam: memory of past gradients.")] = 0.9
    beta2: Annotated[float, Declared("adam_beta2", BELOW_1, "Adam: memory of past squared gradients.")] = 0.99
    epsilon: Annotated[float, Declared("adam_epsilon", POSITIVE, "Adam: floor under the root of the latter.")] = 1e-8
    decay: Annotated[
        float, Declared("weight_decay", FINITE, "Adam: share of a weight that decays in a step, times the rate.")
    ] = 0.0
    shrink: float = 0.0  # of a weight in each step, at the time that kernels work at

    def at(self, clock: Clock):
        factors, steps = clock.factors, clock.steps + 1.0
        rates = self.rate * factors * np.sqrt(1.0 - self.beta2**steps) / (1.0 - self.beta1**steps)
        spec = type(self)(**self._asdict() | {"shrink": self.rate * float(factors.mean()) * self.decay})
        return spec.compiled, np.repeat(rates[None].astype(np.float32), clock.layers + 1, axis=0)

    def step(self, w, slots, gradient, rate):
        mean, square = slots
        mean = self.beta1 * mean + (np.float32(1) - self.beta1) * gradient
        square = self.beta2 * square + (np.float32(1) - self.beta2) * gradient * gradient
        return w - rate * mean / (np.sqrt(square) + self.epsilon) - self.shrink * w, (mean, square)

    def speed(self, slots, rate):
        return rate / (np.sqrt(slots[1]) + self.epsilon)
