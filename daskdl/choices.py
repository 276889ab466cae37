"""From the name of an optimizer to the spec that kernels are compiled for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from daskdl.kernels import optimizers

f4 = np.float32


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
