"""The hyperbolic tangent."""

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.activations.base import Activation
from daskdl.kernels.elementary import tanh


class Tanh(Activation):
    """Hyperbolic tangent, bounded in (-1, 1)."""

    name = "Tanh"
    place = 1
    rarity = 1
    averages = Range(-1, 1, "()")

    def activate(self, z):
        return tanh(z)

    def slope(self, a):
        return np.float32(1) - a * a
