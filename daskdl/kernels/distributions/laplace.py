"""The Laplace distribution."""

import numpy as np

from daskdl.kernels.distributions.base import Distribution


class Laplace(Distribution):
    """Absolute error: the conditional median."""

    name = "laplace"
    place = 7
    losses = ("Absolute",)

    def loss(self, y, f):
        return np.abs(y - f)

    def gradient(self, y, f):
        return np.float32(1) if f > y else np.float32(-1)

    def deviance(self, y, mean):
        return np.abs(y - mean)
