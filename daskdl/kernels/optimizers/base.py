"""What an optimizer is: how weights move, what it keeps for each of them, and what the reports show of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from daskdl.kernels.jit import operation
from daskdl.kernels.spec import Spec


class Clock(NamedTuple):
    """When and where an optimizer is asked: samples that all workers trained before, rows of a step, layers."""

    samples: float = 0.0
    batch: int = 1
    layers: int = 1

    @property
    def steps(self) -> float:
        """How many steps that were."""
        return self.samples / self.batch


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
        """Return what kernels work with at a time: a spec in single precision, and each layer's rate (layers + 1,).

        The rate of layer 0, the input, is not used; an optimizer whose weights have rates of their own gives zeros.
        """
        return self.compiled, np.zeros(clock.layers + 1, np.float32)

    def step(self, w, slots, gradient, rate):
        """Return the new `(w, slots)` of a weight after one gradient; `rate` is the layer's."""
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
        found = np.asarray(speed(spec, tuple(slots), rates[layer]))
        if not found.size:
            return Figures(0.0, 0.0, 0.0)
        return Figures(float(found.mean(dtype=np.float64)), float(found.std(dtype=np.float64)), 0.0)

    def record(self) -> dict[str, Any]:
        """Return name and numbers as a saved model tells them."""
        return {"optimizer": self.name, "optimizer_numbers": {name: getattr(self, name) for name in self.declared()}}


step = operation(Optimizer.step)
bias_step = operation(Optimizer.bias_step)
speed = operation(Optimizer.speed)
