"""Huber's distribution."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.distributions.base import Distribution
from daskdl.kernels.spec import Declared

BEYOND = "Quantile of |error| beyond which Huber's loss is linear."


class Huber(Distribution):
    """Squared error up to a distance, linear beyond. Source: Huber 1964.

    The gradient's distance is `delta`, in the units of a standardised response; that of the deviance is the `alpha`
    quantile of the absolute errors of all rows.
    """

    name = "huber"
    place = 9
    losses = ("Huber",)

    delta: float = 1.0
    alpha: Annotated[float, Declared("huber_alpha", Range(0, 1), BEYOND)] = 0.9

    def loss(self, y, f):
        distance = np.abs(y - f)
        linear = self.delta * (np.float32(2) * distance - self.delta)
        return (y - f) * (y - f) if distance <= self.delta else linear

    def gradient(self, y, f):
        return np.float32(2) * np.minimum(np.maximum(f - y, -self.delta), self.delta)

    @property
    def error_quantile(self):
        return self.alpha

    def deviance_of_errors(self, errors, quantile):
        return np.where(errors <= quantile, errors**2, (2.0 * errors - quantile) * quantile)
