"""What an optimizer is: how weights move, what it keeps for each of them, and what the reports show of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from daskdl.kernels.jit import operation
from daskdl.kernels.spec import Spec


class Clock(NamedTuple):
    """When and where an optimizer is asked: how much was trained before, and how many steps come now."""

    samples: float = 0.0  # that all workers trained before
    batch: int = 1  # rows of a step
    layers: int = 1
    count: int = 1  # steps that come now
    pace: float = 1.0  # samples of all workers per sample of this one

    @property
    def steps(self) -> np.ndarray:
        """The numbers (count,) float64 of the steps that come now: how many this worker took before each of them."""
        return self.samples / (self.batch * self.pace) + np.arange(self.count)


class Figures(NamedTuple):
    """What the table of layers shows of an optimizer."""

    mean_rate: float
    deviation: float  # of the rates of a layer's weights
    momentum: float


class Optimizer(Spec):
    """How a weight moves along its gradient.

    `slots` names the numbers that it keeps for each weight and bias, float32 and zero at the start. They are averaged
    and saved as weights are, under these names. Formulas get and give them as a tuple, float32 values in and out.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    warns_of_others: ClassVar[str | None] = None  # the warning for a parameter of another optimizer, {} stands for it

    @classmethod
    def chosen(cls, parameters: Any) -> bool:
        """Tell whether the parameters ask for this optimizer."""
        raise NotImplementedError

    def at(self, clock: Clock) -> tuple[Spec, np.ndarray]:
        """Return what kernels work with at a time: a spec in single precision, and rates (layers + 1, count) float32.

        A row of rates per layer (layer 0, the input, is not used), a column per step that comes now. Here belongs what
        changes from step to step and not from weight to weight, such as the correction of a mean that began at zero:
        kernels then pay for it once per step. An optimizer whose weights have rates of their own gives zeros.
        """
        return self.compiled, np.zeros((clock.layers + 1, clock.count), np.float32)

    def step(self, w, slots, gradient, rate):
        """Return the new `(w, slots)` of a weight after one gradient; `rate` is that of layer and step from `at`."""
        raise NotImplementedError

    def bias_step(self, w, slots, gradient, q, rate):
        """Return the new `(w, slots)` of a bias; `q` is the mean squared gradient over the unit's inputs."""
        return step(self, w, slots, gradient, rate)

    def speed(self, slots, rate):
        """Return the factor on a gradient by which a weight with these slots moves now."""
        return rate

    @property
    def remembers(self) -> bool:
        """Whether a weight without a gradient may move or its slots may change."""
        return True

    @property
    def set_rate(self) -> float:
        """The rate that is set by hand; 0 where every weight finds its own."""
        return 0.0

    def figures(self, slots: Sequence[np.ndarray], layer: int, clock: Clock) -> Figures:
        """Return what the table of layers shows; `slots` are those of the weights of layer 1..., (weights,) each."""
        spec, rates = self.at(clock)
        found = np.asarray(speed(spec, tuple(slots), rates[layer, 0]))
        if not found.size:
            return Figures(0.0, 0.0, 0.0)
        return Figures(float(found.mean(dtype=np.float64)), float(found.std(dtype=np.float64)), 0.0)

    def record(self) -> dict[str, Any]:
        """Return name and numbers as a saved model tells them."""
        return {"optimizer": self.name, "optimizer_numbers": {name: getattr(self, name) for name in self.declared()}}


step = operation(Optimizer.step)
bias_step = operation(Optimizer.bias_step)
speed = operation(Optimizer.speed)
