"""What an optimizer is: how weights move, what it keeps for each of them, and what the reports show of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from daskdl.kernels.jit import operation
from daskdl.kernels.schedules import Schedule
from daskdl.kernels.schedules.constant import Constant
from daskdl.kernels.spec import Spec


class Clock(NamedTuple):
    """When and where an optimizer is asked: how much was trained before, and how many steps come now."""

    samples: float = 0.0  # that all workers trained before
    batch: int = 1  # rows of a step
    layers: int = 1
    count: int = 1  # steps that come now
    pace: float = 1.0  # samples of all workers per sample of this one
    target: float = 0.0  # samples that the whole training has
    schedule: Schedule = Constant()

    @property
    def factors(self) -> np.ndarray:
        """The factors (count,) float64 by which the schedule takes the rates of the steps that come now.

        A step is where its middle is, so that neither the first nor the last one has no rate at all.
        """
        middle = self.samples + (np.arange(self.count) + 0.5) * self.batch * self.pace
        return self.schedule.factors(np.clip(middle / self.target if self.target else 0.0 * middle, 0.0, 1.0))

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
    choice: ClassVar[str | None] = None  # what `optimizer` says where it may mean this one; None: its name
    scheduled: ClassVar[bool] = False  # has a rate that a schedule can change
    usual_schedule: ClassVar[str] = "constant"  # where `rate_schedule` leaves it open
    steps_per_epoch: ClassVar[int | None] = None  # where `mini_batch_size` is "auto"; None: a step for each row

    @classmethod
    def asked_as(cls) -> str:
        """Return what the parameter `optimizer` says where it may mean this one."""
        return cls.choice or cls.name

    @classmethod
    def chosen(cls, parameters: Any) -> bool:
        """Tell whether the parameters ask for this optimizer."""
        return asked(parameters) == cls.asked_as()

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


def asked(parameters: Any) -> str:
    """Return which optimizer the parameters ask for; where they leave it open, `adaptive_rate` says it, as in H2O."""
    if parameters.optimizer != "auto":
        return parameters.optimizer
    return "adadelta" if parameters.adaptive_rate else "sgd"


step = operation(Optimizer.step)
bias_step = operation(Optimizer.bias_step)
speed = operation(Optimizer.speed)
