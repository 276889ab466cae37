"""What distributions with a logarithmic link share."""

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.distributions.base import Distribution

# exp is capped so that a runaway net output stays finite long enough to be noticed
EXP_CAP = np.float32(1e19)
LOG_FLOOR = -19.0


class LogLink(Distribution):
    """A mean that is the exponential of the net output."""

    target = Range(0)

    def link(self, mean):
        return np.log(mean)

    def response(self, f):
        return np.minimum(np.exp(f), EXP_CAP)


def floored_log(values: np.ndarray) -> np.ndarray:
    """Return logarithms that are at least `LOG_FLOOR`, so that a zero costs much and not everything."""
    return np.maximum(np.log(values), LOG_FLOOR)
