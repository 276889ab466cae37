"""Maxout."""

import numpy as np

from daskdl.kernels.activations.base import Activation


class Maxout(Activation):
    """The larger of two weighted sums; ties choose the first. Source: Goodfellow et al. 2013."""

    name = "Maxout"
    place = 3
    rarity = 1
    flop = 400.0
    first_bias = (0.5, 1.0)
    pieces = 2
    reconstructs = False

    def activate(self, z):
        return z

    def slope(self, a):
        return np.float32(1)
