"""The Tweedie distribution."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.distributions.log_link import EXP_CAP, LogLink
from daskdl.kernels.spec import Declared

POWER = Range(1, 2, "()", "tweedie_power must lie strictly between 1 and 2. Use poisson for 1 and gamma for 2.")


class Tweedie(LogLink):
    """Compound Poisson-gamma with variance power `power` in (1, 2), log link. Source: Jorgensen 1987."""

    name = "tweedie"
    place = 6

    power: Annotated[
        float, Declared("tweedie_power", POWER, "Variance power of the Tweedie distribution.", always=True)
    ] = 1.5

    def loss(self, y, f):
        one, two = np.float32(1) - self.power, np.float32(2) - self.power
        grown = np.minimum(np.exp(f * two), EXP_CAP) / two
        return np.float32(2) * (grown - y * np.minimum(np.exp(f * one), EXP_CAP) / one)

    def gradient(self, y, f):
        one, two = np.float32(1) - self.power, np.float32(2) - self.power
        grown = np.minimum(np.exp(f * two), EXP_CAP)
        return np.float32(2) * (grown - y * np.minimum(np.exp(f * one), EXP_CAP))

    def deviance(self, y, mean):
        one, two = 1.0 - self.power, 2.0 - self.power
        cross = np.where(y == 0.0, 0.0, y * mean**one) / one
        return 2.0 * (y**two / (one * two) - cross + mean**two / two)
