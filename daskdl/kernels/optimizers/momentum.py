"""A learning rate set by hand, with momentum: the classical form, and H2O's form of Nesterov's."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.optimizers.base import Clock, Figures, Optimizer
from daskdl.kernels.spec import Declared

POSITIVE, FINITE, BELOW_1 = Range(0, ends="()"), Range(0, ends="[)"), Range(0, 1, "[)")


class Momentum(Optimizer):
    """Classical momentum: velocity in weight units. Source: Polyak 1964."""

    name = "momentum"
    place = 3
    slots = ("first",)
    choice = "sgd"
    scheduled = True
    accelerated = False

    rate: Annotated[float, Declared("rate", POSITIVE, "Learning rate.")] = 0.005
    rate_annealing: Annotated[float, Declared("rate_annealing", FINITE, "Divides the rate by 1 + this * samples.")] = (
        1e-6
    )
    rate_decay: Annotated[float, Declared("rate_decay", POSITIVE, "Factor on the rate from one layer to the next.")] = (
        1.0
    )
    start: Annotated[float, Declared("momentum_start", BELOW_1, "Momentum at the beginning.")] = 0.0
    ramp: Annotated[float, Declared("momentum_ramp", Range(0), "Samples over which momentum grows.")] = 1e6
    stable: Annotated[float, Declared("momentum_stable", BELOW_1, "Momentum after the ramp.")] = 0.0
    momentum: float = 0.0  # at the time that kernels work at

    @classmethod
    def chosen(cls, parameters):
        return super().chosen(parameters) and parameters.nesterov_accelerated_gradient == cls.accelerated

    def momentum_at(self, samples: float) -> float:
        """Return the momentum after so many samples: a linear ramp from start to stable, then constant."""
        if self.ramp <= 0 or samples >= self.ramp:
            return self.stable if self.ramp > 0 else self.start
        return self.start + (self.stable - self.start) * samples / self.ramp

    def rate_at(self, samples: float, layer: int) -> float:
        """Return the rate of layer 1... after so many samples, before momentum takes its share of it."""
        return self.rate / (1.0 + self.rate_annealing * samples) * self.rate_decay ** (layer - 1)

    def at(self, clock: Clock):
        momentum = self.momentum_at(clock.samples)
        rates = [self.rate_at(clock.samples, layer) * (1.0 - momentum) for layer in range(1, clock.layers + 1)]
        spec = type(self)(**self._asdict() | {"momentum": momentum})
        return spec.compiled, (np.array([[0.0, *rates]]).T * clock.factors).astype(np.float32)

    def step(self, w, slots, gradient, rate):
        velocity = self.momentum * slots[0] - rate * gradient
        return w + velocity, (velocity,)

    @property
    def remembers(self):
        return bool(self.start or self.stable)

    @property
    def set_rate(self):
        return self.rate

    def figures(self, slots, layer: int, clock: Clock):
        rate = self.rate_at(clock.samples, layer) * float(clock.factors[0])
        return Figures(rate, 0.0, self.momentum_at(clock.samples))

    def record(self):
        numbers = {name: getattr(self, name) for name in self.declared()}
        return {"optimizer": "momentum", "optimizer_numbers": {**numbers, "nesterov": float(self.accelerated)}}


class Nesterov(Momentum):
    """H2O's accelerated form: velocity in gradient units, applied at `rate * (1 - momentum)`."""

    name = "nesterov"
    place = 2
    rarity = 1
    accelerated = True

    def step(self, w, slots, gradient, rate):
        velocity = self.momentum * slots[0] - gradient
        return w + rate * velocity, (velocity,)
