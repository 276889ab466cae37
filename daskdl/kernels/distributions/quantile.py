"""Quantile regression."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.distributions.base import Distribution
from daskdl.kernels.spec import Declared


class Quantile(Distribution):
    """Pinball loss: the conditional quantile `alpha`. Source: Koenker and Bassett 1978."""

    name = "quantile"
    place = 8
    losses = ("Quantile",)

    alpha: Annotated[float, Declared("quantile_alpha", Range(0, 1), "Which quantile to learn.")] = 0.5

    def loss(self, y, f):
        return self.alpha * (y - f) if y > f else (np.float32(1) - self.alpha) * (f - y)

    def gradient(self, y, f):
        return -self.alpha if y > f else np.float32(1) - self.alpha

    def deviance(self, y, mean):
        return np.where(y > mean, self.alpha * (y - mean), (1.0 - self.alpha) * (mean - y))
