"""The mean of a network over the last part of a share: steps on single rows are noisy, their mean is less so.

Source: Polyak and Juditsky 1992. The parts depend on the rows alone, so that the mean has the same bits for any number
of threads.
"""

import math

import numpy as np

from daskdl.network.state import State

PART = 1 / 3  # of a share's samples
PIECES = 16  # networks that the mean is taken of, at most
LEAST = 64  # samples between two of them, at least


def edges(samples: int) -> list[int]:
    """Return where the samples of a share are cut: the first part, then the pieces of the tail, each of equal size.

    >>> edges(600), edges(200)
    ([0, 400, 466, 533, 600], [0, 200])
    """
    tail = math.ceil(samples * PART)
    pieces = min(PIECES, tail // LEAST)
    if pieces < 2:
        return [0, samples]
    return [0, *(samples - tail + tail * k // pieces for k in range(pieces + 1))]


class Tail:
    """The running mean of a state, weighted equally over the moments at which it was added."""

    def __init__(self) -> None:
        self.seen = 0
        self.mean: State | None = None

    def add(self, state: State) -> None:
        """Take the state as it is now."""
        self.seen += 1
        if self.mean is None:
            self.mean = state.copy()
            return
        share = np.float32(1.0 / self.seen)
        for mean, now in zip(self.mean, state, strict=True):
            mean += (now - mean) * share

    def put_into(self, state: State) -> None:
        """Make the mean the state; leave that alone where nothing was added."""
        if self.mean is not None:
            for mean, now in zip(self.mean, state, strict=True):
                now[:] = mean
