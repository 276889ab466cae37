"""Contributions of the inputs of a network to its outputs, by comparison with background rows.

Every row is compared with every background row. Multipliers are handed down from the output to the inputs: a layer's
weights pass them on, an activation by the ratio of the differences of its values and its inputs, a maximum by the
shares of the sums that compete for it. All inputs' contributions together are the difference of the two predictions.
Source: Lundberg and Lee 2017 (Deep SHAP); Shrikumar et al. 2017 (the rescale rule); docs/explain.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from daskdl.kernels.structs import Rows
from daskdl.scoring.predictor import Predictor

CELLS_AT_ONCE = 1 << 17  # numbers of a layer for all pairs of rows that are compared at a time: 1 MB stays in the cache
NEAR = 1e-6  # differences below this are widened to it: the ratio becomes the slope
SMALLEST_SHARE = 1e-300  # stands for the class share 0, whose logarithm is infinite


class Traced(NamedTuple):
    """Rows carried through a network in float64, and what every layer saw."""

    numbers: np.ndarray  # (rows, numeric inputs)
    levels: np.ndarray  # (rows, categorical columns): row of the table, -1 for none
    sums: tuple[np.ndarray, ...]  # of each hidden layer (rows, pieces, units)
    net: np.ndarray  # (rows, outputs)

    def part(self, low: int, high: int) -> Traced:
        """Return rows `low` to `high`."""
        cut = slice(low, high)
        return Traced(self.numbers[cut], self.levels[cut], tuple(one[cut] for one in self.sums), self.net[cut])


class Pairs(NamedTuple):
    """Contributions for pairs of a row and a background row, by input.

    What a categorical column contributes lies on two inputs: the level that the row has, and that of the background.
    """

    numbers: np.ndarray  # (rows, background, numeric inputs)
    gained: np.ndarray  # (rows, background, categorical columns): of the row's level
    lost: np.ndarray  # (rows, background, categorical columns): of the background row's level


@dataclass(frozen=True)
class Network:
    """A network whose predictions are to be explained: one number per row.

    target       the class whose probability is explained; of no meaning for a numeric response
    in_response  explain the response itself where it has a link (else the link of it: the log of a mean)
    """

    predictor: Predictor
    weights: np.ndarray
    target: int = 1
    in_response: bool = False

    @property
    def _is_number(self) -> bool:
        return self.predictor.category == "Regression"

    @cached_property
    def _buffer(self) -> np.ndarray:
        return self.weights.astype(np.float64)

    def trace(self, rows: Rows) -> Traced:
        """Return what the layers see of encoded rows, offsets left out."""
        layout, predictor = self.predictor.layout, self.predictor
        values, sums = rows.numbers.astype(np.float64), []
        for layer in range(1, layout.depth):
            total = predictor.sums(self._buffer, layer, values, rows.levels)
            sums.append(total.reshape(len(total), int(layout.channels[layer]), -1))
            values = self._activate(sums[-1].max(axis=1)) * self._kept(layer)
        net = predictor.sums(self._buffer, layout.depth, values, rows.levels)
        if predictor.correction is not None:  # shares as factors of probabilities are summands of the logits
            net += np.log(np.maximum(predictor.correction, SMALLEST_SHARE))
        return Traced(rows.numbers.astype(np.float64), rows.levels.copy(), tuple(sums), net)

    def explained(self, traced: Traced, offset: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the number per row that contributions add up to; `offset` as in the encoded rows."""
        if not self._is_number:
            return self.predictor.distribution.probabilities(traced.net)[:, self.target]
        return self._finish(traced.net[:, 0] + offset)

    def pairs(self, rows: Traced, background: Traced, offset: np.ndarray) -> Pairs:
        """Return the contributions for all pairs of rows; `offset` (rows,) is that of the rows."""
        layout = self.predictor.layout
        passed = self._output_multipliers(rows, background, offset)
        for layer in range(layout.depth, 1, -1):
            passed = passed @ layout.dense(self._buffer, layer) * self._kept(layer - 1)
            passed = self._below(passed, rows.sums[layer - 2], background.sums[layer - 2])
        numbers = passed @ layout.dense(self._buffer, 1)
        numbers *= rows.numbers[:, None] - background.numbers[None]
        return Pairs(numbers, *self._of_levels(passed, rows.levels, background.levels))

    def widest(self) -> int:
        """Return how many numbers a pair of rows takes in the widest layer."""
        layout = self.predictor.layout
        return int(max(*layout.heights, layout.numbers, 1))

    # ---- from the output down ----------------------------------------------------------------------------------
    def _output_multipliers(self, rows: Traced, background: Traced, offset: np.ndarray) -> np.ndarray:
        """Return d explained / d net of each pair (rows, background, outputs), as ratios of differences."""
        if self._is_number:
            x, r = (rows.net[:, 0] + offset)[:, None], background.net[None, :, 0] + offset[:, None]
            return ratios(self._finish, x, r)[:, :, None]
        x, r = rows.net[:, None], background.net[None]
        others = np.arange(x.shape[2]) != self.target
        log_x, log_r = (np.logaddexp.reduce(side[..., others], axis=2) for side in (x, r))
        # p is the logistic of the logit less the log of the others' sum of exponentials: each step by its ratio
        slope = ratios(_logistic, x[..., self.target] - log_x, r[..., self.target] - log_r)
        top = np.maximum(log_x, log_r)
        whole = ratios(np.exp, log_x - top, log_r - top)
        shares = ratios(np.exp, x[..., others] - top[..., None], r[..., others] - top[..., None])
        found = np.empty((*slope.shape, x.shape[2]))
        found[..., self.target] = slope
        found[..., others] = -(slope / whole)[..., None] * shares
        return found

    def _finish(self, net: np.ndarray) -> np.ndarray:
        """Return what is explained of a numeric response for net outputs."""
        plain = self.predictor.distribution.has_identity_link
        return self.predictor.respond(net) if plain or self.in_response else net

    def _below(self, passed: np.ndarray, x: np.ndarray, r: np.ndarray) -> np.ndarray:
        """Return multipliers of a hidden layer's sums (rows, background, pieces * units), from those of its values."""
        x, r = x[:, None], r[None]
        if x.shape[2] == 1:
            return passed * ratios(self._activate, x[:, :, 0], r[:, :, 0])
        passed = passed * ratios(self._activate, x.max(axis=2), r.max(axis=2))
        shared = passed[:, :, None] * shares_of_maximum(x, r)
        return shared.reshape(*shared.shape[:2], -1)

    def _of_levels(self, passed: np.ndarray, x: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        layout = self.predictor.layout
        if not x.shape[1]:
            empty = np.zeros((*passed.shape[:2], 0))
            return empty, empty
        table = np.vstack([layout.level_table(self._buffer), np.zeros((1, layout.heights[1]))])  # -1: no level
        changed = x[:, None] != r[None]
        gained = passed @ table[x].transpose(0, 2, 1)
        lost = (passed.transpose(1, 0, 2) @ table[r].transpose(0, 2, 1)).transpose(1, 0, 2)
        return gained * changed, -lost * changed

    def _kept(self, layer: int) -> float:
        dropout = self.predictor.hidden_dropout
        return 1.0 - (dropout[layer - 1] if dropout else 0.0)

    def _activate(self, sums: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return self.predictor.activation.activate(sums)


def ratios(formula: Callable[[np.ndarray], np.ndarray], x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return (formula(x) - formula(r)) / (x - r), where x and r hardly differ the slope between them.

    >>> ratios(np.square, np.array([3.0, 2.0]), np.array([1.0, 2.0])).round(6).tolist()
    [4.0, 4.0]
    """
    step = x - r
    near = np.abs(step) < NEAR
    if not near.any():
        return (formula(x) - formula(r)) / step
    step[near] = 1.0
    found = (formula(x) - formula(r)) / step
    middle = ((x + r) / 2)[near]
    found[near] = (formula(middle + NEAR / 2) - formula(middle - NEAR / 2)) / NEAR
    return found


def shares_of_maximum(x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return what each of the competing sums does to the largest, over its own difference.

    `x` (rows, 1, pieces, units) and `r` (1, background, pieces, units) give (rows, background, pieces, units). What the
    sums do are the Shapley values of the game in which each of them moves from `r` to `x`.
    """
    pieces = x.shape[2]
    found = np.empty((x.shape[0], r.shape[1], *x.shape[2:]))
    for own in range(pieces):
        high, low = x[:, :, own], r[:, :, own]
        near = np.abs(high - low) < NEAR
        middle = (high + low) / 2
        high, low = np.where(near, middle + NEAR / 2, high), np.where(near, middle - NEAR / 2, low)
        found[:, :, own] = sum(
            share * (np.maximum(high, others) - np.maximum(low, others)) for share, others in _coalitions(x, r, own)
        ) / (high - low)
    return found


def _coalitions(x: np.ndarray, r: np.ndarray, own: int) -> Iterator[tuple[float, np.ndarray]]:
    """Yield for every choice of other sums that have moved its weight, and the largest of the others."""
    rivals = [k for k in range(x.shape[2]) if k != own]
    count = len(rivals)
    for choice in range(1 << count):
        moved = choice.bit_count()
        largest = [x[:, :, k] if choice >> i & 1 else r[:, :, k] for i, k in enumerate(rivals)]
        top = largest[0]
        for one in largest[1:]:
            top = np.maximum(top, one)
        yield math.factorial(moved) * math.factorial(count - moved) / math.factorial(count + 1), top


def _logistic(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0.0, -x))
