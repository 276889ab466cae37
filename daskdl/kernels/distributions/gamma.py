"""The gamma distribution."""

import numpy as np

from daskdl.kernels.distributions.log_link import EXP_CAP, LogLink, floored_log


class Gamma(LogLink):
    """Positive amounts, log link."""

    name = "gamma"
    place = 5

    def loss(self, y, f):
        return np.float32(2) * (f + y * np.minimum(np.exp(-f), EXP_CAP))

    def gradient(self, y, f):
        return np.float32(2) * (np.float32(1) - y * np.minimum(np.exp(-f), EXP_CAP))

    def deviance(self, y, mean):
        ratio = np.where((y == 0.0) & (mean == 0.0), 1.0, y / mean)
        return 2.0 * (ratio - 1.0 - floored_log(ratio))
