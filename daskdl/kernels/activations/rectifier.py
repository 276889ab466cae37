"""The rectifier."""

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.activations.base import Activation


class Rectifier(Activation):
    """max(0, z). Source: Nair and Hinton 2010."""

    name = "Rectifier"
    place = 2
    rarity = 0
    flop = 50.0
    first_bias = (0.5, 1.0)
    averages = Range(0, ends="(]", message="Rectifier average activation must be positive.")

    def activate(self, z):
        return np.maximum(z, np.float32(0))

    def slope(self, a):
        return np.float32(1) if a > np.float32(0) else np.float32(0)
