"""Optimizers: one file each, found by belonging to this folder."""

import sys
from typing import Any

from daskdl.kernels.optimizers.base import Clock, Figures, Optimizer, bias_step, speed, step
from daskdl.kernels.spec import specs_in

__all__ = ["OPTIMIZERS", "Clock", "Figures", "Optimizer", "bias_step", "optimizer_of", "speed", "step"]

OPTIMIZERS: dict[str, type[Optimizer]] = specs_in(sys.modules[__name__], Optimizer)


def optimizer_of(parameters: Any) -> Optimizer:
    """Return the optimizer that the parameters choose; one that H2O does not have is asked before H2O's own."""
    return next(kind for kind in reversed(OPTIMIZERS.values()) if kind.chosen(parameters)).of(parameters)
