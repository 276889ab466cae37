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
BATCHES = 8  # between two of them, at least: meanwhile other threads can only pass rows


def edges(samples: int, batch: int = 1) -> list[int]:
    """Return where the samples of a share are cut: the first part, then the pieces of the tail, of nearly equal size.

    Cuts lie between whole batches.

    >>> edges(600), edges(200), edges(6000, batch=64)
    ([0, 400, 466, 533, 600], [0, 200], [0, 3968, 4608, 5312, 6000])
    """
    tail = math.ceil(samples * PART)
    pieces = min(PIECES, tail // max(LEAST, BATCHES * batch if batch > 1 else 1))
    if pieces < 2:
        return [0, samples]
    cuts = [(samples - tail + tail * k // pieces) // batch * batch for k in range(pieces)]
    return [0, *cuts, samples]


class Tail:
    """The running mean of a state, weighted equally over the moments at which it was added.

    `moments` are the samples of a share after which it is to be added.
    """

    def __init__(self, samples: int, batch: int) -> None:
        self.cuts = edges(samples, batch)
        self.moments = frozenset(self.cuts[2:])
        self.seen = 0
        self.mean: State | None = None
        self._space: State | None = None

    def add(self, state: State) -> None:
        """Take the state as it is now."""
        self.seen += 1
        if self.mean is None:
            self.mean, self._space = state.copy(), state.copy()
            return
        assert self._space is not None  # made with the mean, so that nothing is allocated later
        share = np.float32(1.0 / self.seen)
        for mean, now, change in zip(self.mean, state, self._space, strict=True):
            np.subtract(now, mean, out=change)
            change *= share
            mean += change

    def put_into(self, state: State) -> None:
        """Make the mean the state; leave that alone where nothing was added."""
        if self.mean is not None:
            for mean, now in zip(self.mean, state, strict=True):
                now[:] = mean
