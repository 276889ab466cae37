"""All numbers that training moves, and how those of several workers are averaged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MAXIMUM_SIZE = 100_000_000  # weights and biases; docs/training.md 1.10


class State(NamedTuple):
    """All numbers that training moves. Every array is float32 and owned by one holder.

    `weights` is `(size,)`; `slots` is `(k, size)`: k numbers that the optimizer keeps for each weight; `activity` is
    `(hidden units,)`.
    """

    weights: np.ndarray
    slots: np.ndarray
    activity: np.ndarray

    def copy(self) -> State:
        """Return a state that shares no memory with this one."""
        return State(*(array.copy() for array in self))

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self)


def average(states: list[State], samples: list[float]) -> State:
    """Return the mean of several states weighted by the samples that each one trained on.

    Optimizer slots and mean activations are averaged exactly as weights are. The order of the list is the order of
    summation, so the same list gives the same bits.
    """
    shares = _shares(samples)
    result = State(*(array * shares[0] for array in states[0]))
    for state, share in zip(states[1:], shares[1:], strict=True):
        for mine, theirs in zip(result, state, strict=True):
            mine += theirs * share
    return result


def _shares(samples: list[float]) -> list[np.float32]:
    total = float(sum(samples))
    return [np.float32(n / total if total else 1.0 / len(samples)) for n in samples]
