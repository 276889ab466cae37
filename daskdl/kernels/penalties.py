"""What pulls on a weight besides the data: L1, L2 and, with elastic averaging, the consensus of all workers."""

from typing import NamedTuple

import numpy as np

from daskdl.kernels.jit import kernel, operation


class Penalties(NamedTuple):
    """Strengths of the penalties; `max_w2` caps the squared sum of a unit's incoming weights (infinity: no cap)."""

    l1: np.float32
    l2: np.float32
    max_w2: np.float32


@operation
def tether(spec, k, w):
    """Return the gradient that pulls weight number `k`, now `w`, to where the spec wants it."""
    raise NotImplementedError


class Free(NamedTuple):
    """No consensus to be pulled to."""

    def tether(self, k, w):
        return np.float32(0)


class Elastic(NamedTuple):
    """Pull towards the consensus of the workers. Source: Zhang, Choromanska, LeCun 2015; docs/training.md 10."""

    strength: np.float32
    consensus: np.ndarray

    def tether(self, k, w):
        return self.strength * (w - self.consensus[k])


@kernel
def decay(penalties, w):
    """Return the gradient of `l1 |w| + l2 w^2 / 2`."""
    side = np.float32(1) if w > np.float32(0) else (np.float32(-1) if w < np.float32(0) else np.float32(0))
    return penalties.l1 * side + penalties.l2 * w
