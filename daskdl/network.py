"""The network as data: where each layer lies in one flat buffer, how it starts, and how networks are averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from daskdl.kernels.structs import Network

MAXIMUM_SIZE = 100_000_000  # weights and biases; training section 1.10


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


@dataclass(frozen=True)
class Layout:
    """Where each layer of a network lies in the flat buffer.

    `levels` categorical units come first (a table with one row per level), `numbers` numeric inputs feed a dense block.
    `pieces` is 2 for maxout hidden layers; the output layer always has one. `slots` counts the numbers that the
    optimizer keeps for each weight.

    >>> Layout(levels=0, numbers=3, hidden=(2,), outputs=1).size
    11
    """

    levels: int
    numbers: int
    hidden: tuple[int, ...]
    outputs: int
    pieces: int = 1
    slots: int = 2  # as many as ADADELTA has

    @property
    def depth(self) -> int:
        """Number of layers with weights (hidden layers and the output)."""
        return len(self.hidden) + 1

    @property
    def inputs(self) -> int:
        """Number of input units, categorical ones included."""
        return self.levels + self.numbers

    @cached_property
    def units(self) -> np.ndarray:
        """`(depth + 1,)` int64: numeric inputs, hidden sizes, outputs."""
        return np.array([self.numbers, *self.hidden, self.outputs], dtype=np.int64)

    @cached_property
    def channels(self) -> np.ndarray:
        """`(depth + 1,)` int64: competing sums per unit."""
        return np.array([1, *[self.pieces] * len(self.hidden), 1], dtype=np.int64)

    @cached_property
    def heights(self) -> np.ndarray:
        """`(depth + 1,)` int64: rows of each layer's weight block."""
        return self.units * self.channels

    @cached_property
    def starts(self) -> np.ndarray:
        """`(depth + 1,)` int64: where the dense block of each layer begins; `starts[0]` is the table."""
        return self._cuts[0]

    @cached_property
    def biases(self) -> np.ndarray:
        """`(depth + 1,)` int64: where the biases of each layer begin."""
        return self._cuts[1]

    @cached_property
    def size(self) -> int:
        """Number of weights and biases."""
        return int(self._cuts[2])

    @cached_property
    def _cuts(self) -> tuple[np.ndarray, np.ndarray, int]:
        starts = np.zeros(self.depth + 1, np.int64)
        biases = np.zeros(self.depth + 1, np.int64)
        position = int(self.levels * self.heights[1])
        for layer in range(1, self.depth + 1):
            starts[layer] = position
            position += int(self.heights[layer] * self.units[layer - 1])
            biases[layer] = position
            position += int(self.heights[layer])
        return starts, biases, position

    @property
    def table(self) -> int:
        """Number of weights in the categorical table."""
        return int(self.levels * self.heights[1])

    def touched(self, columns: int) -> int:
        """Number of weights and biases that one row can touch: of the table one row per categorical column."""
        return self.size - self.table + columns * int(self.heights[1])

    def network(self, state: State) -> Network:
        """Return the kernels' view of `state`; it shares the state's memory."""
        return Network(*state, self.units, self.channels, self.starts, self.biases, self.levels)

    def dense(self, buffer: np.ndarray, layer: int) -> np.ndarray:
        """Return the dense block of layer 1..depth as a view `(channels * units, width below)`."""
        start, height, width = self.starts[layer], self.heights[layer], self.units[layer - 1]
        return buffer[start : start + height * width].reshape(height, width)

    def bias(self, buffer: np.ndarray, layer: int) -> np.ndarray:
        """Return the biases of layer 1..depth as a view `(channels * units,)`."""
        return buffer[self.biases[layer] : self.biases[layer] + self.heights[layer]]

    def level_table(self, buffer: np.ndarray) -> np.ndarray:
        """Return the categorical table as a view `(levels, channels * units of layer 1)`."""
        return buffer[: self.table].reshape(self.levels, self.heights[1])

    def matrix(self, buffer: np.ndarray, layer: int) -> np.ndarray:
        """Return a copy of the full weight matrix `(channels * units, inputs)` of a layer, categorical inputs first."""
        dense = self.dense(buffer, layer)
        if layer > 1 or self.levels == 0:
            return dense.copy()
        return np.hstack([self.level_table(buffer).T, dense])

    def set_matrix(self, buffer: np.ndarray, layer: int, matrix: np.ndarray) -> None:
        """Write a full weight matrix `(channels * units, inputs)` into `buffer`."""
        split = self.levels if layer == 1 else 0
        self.dense(buffer, layer)[:] = matrix[:, split:]
        if split:
            self.level_table(buffer)[:] = matrix[:, :split].T

    def empty(self) -> State:
        """Return a state of zeros."""
        weights, slots = np.zeros(self.size, np.float32), np.zeros((self.slots, self.size), np.float32)
        return State(weights, slots, np.zeros(sum(self.hidden), np.float32))

    def to_dict(self) -> dict:
        """Return the layout as JSON; the slots are the optimizer's to tell."""
        return {
            "levels": self.levels,
            "numbers": self.numbers,
            "hidden": list(self.hidden),
            "outputs": self.outputs,
            "pieces": self.pieces,
        }

    @staticmethod
    def from_dict(record: dict, slots: int) -> Layout:
        """Return the layout that `to_dict` described, for an optimizer with so many slots."""
        hidden = tuple(record["hidden"])
        return Layout(record["levels"], record["numbers"], hidden, record["outputs"], record["pieces"], slots)


class Start(NamedTuple):
    """How weights begin. Source: training section 3, without its factor 4 on a classifier's output layer.

    That factor cost half a percent of error on digits, and the small tables were worse with it too (h2o_differences).
    """

    distribution: str = "UniformAdaptive"  # or Uniform, Normal
    scale: float = 1.0
    hidden_bias: tuple[float, float] = (0.5, 1.0)  # first hidden layer, later ones; (0, 0) for tanh


def initialise(layout: Layout, start: Start, seed: int) -> State:
    """Return a fresh state; the same seed gives the same weights on every machine.

    >>> initialise(Layout(levels=0, numbers=2, hidden=(), outputs=1), Start("Uniform", 0.5), seed=1).weights.shape
    (3,)
    """
    state = layout.empty()
    for layer in range(1, layout.depth + 1):
        key = np.array([seed & 0xFFFF_FFFF_FFFF_FFFF, layer], np.uint64)  # a list would turn negative seeds into floats
        rng = np.random.Generator(np.random.Philox(key=key))
        below = layout.inputs if layer == 1 else int(layout.units[layer - 1])
        shape = (int(layout.heights[layer]), below)
        layout.set_matrix(state.weights, layer, _draw(rng, start, shape, int(layout.units[layer])))
        if layer < layout.depth:
            layout.bias(state.weights, layer)[:] = start.hidden_bias[0 if layer == 1 else 1]
    return state


def _draw(rng: np.random.Generator, start: Start, shape: tuple[int, int], units: int) -> np.ndarray:
    if start.distribution == "Normal":
        return start.scale * rng.standard_normal(shape, dtype=np.float32)
    reach = start.scale if start.distribution == "Uniform" else math.sqrt(6.0 / (shape[1] + units))
    return (rng.random(shape, dtype=np.float32) * np.float32(2) - np.float32(1)) * np.float32(reach)


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
