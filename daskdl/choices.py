"""From the names of choices to the specs that kernels are compiled for: one table per family of choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from daskdl import parameter_rules
from daskdl.kernels import distributions, optimizers

f4 = np.float32

# family of the response -> spec made from its number (Tweedie's power, the quantile, Huber's delta; or NaN)
FAMILIES: dict[str, Callable[[float], Any]] = {
    "gaussian": lambda number: distributions.Gaussian(),
    "laplace": lambda number: distributions.Laplace(),
    "quantile": lambda number: distributions.Quantile(f4(number)),
    "huber": lambda number: distributions.Huber(f4(number)),
    "poisson": lambda number: distributions.Poisson(),
    "gamma": lambda number: distributions.Gamma(),
    "tweedie": lambda number: distributions.Tweedie(f4(number)),
}
LOG_LINK = frozenset(parameter_rules.LOG_LINK)
SOFTMAX: dict[str, Any] = {
    "CrossEntropy": distributions.CrossEntropy(),
    "Quadratic": distributions.SquaredProbability(),
}


def distribution_of(family: str, number: float, loss: str) -> Any:
    """Return the spec of a response family; bernoulli and multinomial are softmax heads chosen by their loss."""
    if family in ("bernoulli", "multinomial"):
        return SOFTMAX[loss]
    return FAMILIES[family](number)


def momentum_at(numbers: Mapping[str, float], samples: float) -> float:
    """Return the momentum after so many samples: a linear ramp from start to stable, then constant (training 7.3)."""
    ramp = numbers["ramp"]
    if ramp <= 0 or samples >= ramp:
        return numbers["stable"] if ramp > 0 else numbers["start"]
    return numbers["start"] + (numbers["stable"] - numbers["start"]) * samples / ramp


def optimizer_at(name: str, numbers: Mapping[str, float], depth: int, samples: float) -> tuple[Any, np.ndarray]:
    """Return the optimizer spec and the learning rate of each layer `(depth + 1,)` after so many samples.

    Rates are 0 for ADADELTA, which has its own for every weight. Source: training 7.
    """
    rates = np.zeros(depth + 1, f4)
    if name == "adadelta":
        return optimizers.Adadelta(f4(numbers["rho"]), f4(numbers["epsilon"])), rates
    momentum = momentum_at(numbers, samples)
    annealed = numbers["rate"] / (1.0 + numbers["rate_annealing"] * samples)
    for layer in range(1, depth + 1):
        rates[layer] = annealed * numbers["rate_decay"] ** (layer - 1) * (1.0 - momentum)
    spec = optimizers.Nesterov if numbers["nesterov"] else optimizers.Momentum
    return spec(f4(momentum)), rates
