"""Optimizers: one file each, found by belonging to this folder."""

import sys
from typing import Any

from daskdl.kernels.optimizers.base import Clock, Figures, Optimizer, asked, bias_step, speed, step
from daskdl.kernels.spec import specs_in

__all__ = ["OPTIMIZERS", "Clock", "Figures", "Optimizer", "asked", "bias_step", "optimizer_of", "speed", "step"]

OPTIMIZERS: dict[str, type[Optimizer]] = specs_in(sys.modules[__name__], Optimizer)


def optimizer_of(parameters: Any) -> Optimizer:
    """Return the optimizer that the parameters choose, with its numbers."""
    return next(kind for kind in OPTIMIZERS.values() if kind.chosen(parameters)).of(parameters)
