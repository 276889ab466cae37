"""Activations of hidden units: one file each, found by belonging to this folder."""

import sys

from daskdl.kernels.activations.base import Activation, activate, slope
from daskdl.kernels.spec import specs_in

__all__ = ["ACTIVATIONS", "Activation", "activate", "slope"]

ACTIVATIONS: dict[str, type[Activation]] = specs_in(sys.modules[__name__], Activation)
