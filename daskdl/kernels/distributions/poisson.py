"""The Poisson distribution."""

import numpy as np

from daskdl.kernels.distributions.log_link import EXP_CAP, LogLink, floored_log


class Poisson(LogLink):
    """Counts, log link."""

    name = "poisson"
    place = 4

    def loss(self, y, f):
        return np.float32(2) * (np.minimum(np.exp(f), EXP_CAP) - y * f)

    def gradient(self, y, f):
        return np.float32(2) * (np.minimum(np.exp(f), EXP_CAP) - y)

    def deviance(self, y, mean):
        return 2.0 * (np.where(y == 0.0, 0.0, y * floored_log(y / mean)) - y + mean)
