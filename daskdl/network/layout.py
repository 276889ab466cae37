"""Where each layer of a network lies in one flat buffer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from daskdl.kernels.structs import Network
from daskdl.network.state import State


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
        """Return number of weights and biases that one row can touch: of the table one row per categorical column."""
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
        return Layout(
            levels=record["levels"],
            numbers=record["numbers"],
            hidden=hidden,
            outputs=record["outputs"],
            pieces=record["pieces"],
            slots=slots,
        )
