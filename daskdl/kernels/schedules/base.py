"""What a schedule is: a factor on the learning rate that follows the course of training."""

import numpy as np

from daskdl.kernels.spec import Spec


class Schedule(Spec):
    """How the learning rate changes while training goes on."""

    def factors(self, done: np.ndarray) -> np.ndarray:
        """Return the factor on the rate, from 0 to 1, where the share `done` in [0, 1] of training is over.

        Shapes (steps,) float64, both.
        """
        raise NotImplementedError
