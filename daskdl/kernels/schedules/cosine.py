"""A learning rate that falls along half a cosine, at once or after a warm-up."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import OnRestart, Range
from daskdl.kernels.schedules.base import Schedule
from daskdl.kernels.spec import Declared

RISING = Range(0, 1, "()")


class Cosine(Schedule):
    """From the full rate to none along half a cosine. Source: Loshchilov and Hutter 2017, without restarts."""

    name = "cosine"
    place = 2

    def factors(self, done):
        return 0.5 + 0.5 * np.cos(np.pi * done)


class WarmupCosine(Schedule):
    """A linear rise to the full rate, then half a cosine down. Source: Goyal et al. 2017 for the rise."""

    name = "warmup_cosine"
    place = 3

    warmup: Annotated[
        float, Declared("rate_warmup", RISING, "Share of training in which the rate rises.", OnRestart.FREE)
    ] = 0.05

    def factors(self, done):
        falling = np.maximum(done - self.warmup, 0.0) / (1.0 - self.warmup)
        return np.minimum(done / self.warmup, 0.5 + 0.5 * np.cos(np.pi * falling))
