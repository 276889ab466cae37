"""Predictions of a network for windows of rows, in NumPy alone: no compiler is needed to use a model.

Source: docs/training.md 4, 5, 16, 18.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daskdl.kernels.activations import Activation
from daskdl.kernels.distributions import Distribution
from daskdl.kernels.structs import Rows
from daskdl.network.layout import Layout


@dataclass(frozen=True)
class Predictor:
    """All that turns encoded rows into predictions, besides the weights.

    `hidden_dropout` has one share per hidden layer: test-time values are scaled by what was kept. `correction` holds
    prior/model class shares where training rows were balanced.
    """

    layout: Layout
    category: str  # Binomial, Multinomial, Regression, AutoEncoder
    activation: Activation
    distribution: Distribution
    hidden_dropout: tuple[float, ...] = ()
    sub: float = 0.0
    mul: float = 1.0
    correction: tuple[float, ...] | None = None

    def hidden_values(self, weights: np.ndarray, rows: Rows, depth: int | None = None) -> np.ndarray:
        """Return the values (rows, units) of hidden layer `depth` (1-based; default the last; 0: the dense input)."""
        layout = self.layout
        depth = len(layout.hidden) if depth is None else depth
        values = rows.numbers
        for layer in range(1, depth + 1):
            values = self._fire(self.sums(weights, layer, values, rows.levels), layer)
            dropped = self.hidden_dropout[layer - 1] if self.hidden_dropout else 0.0
            if dropped > 0:
                values *= np.float32(1.0 - dropped)
        return values

    def net_outputs(self, weights: np.ndarray, rows: Rows) -> np.ndarray:
        """Return the outputs (rows, outputs) float32: linear, or activated for an autoencoder."""
        below = self.hidden_values(weights, rows)
        sums = self.sums(weights, self.layout.depth, below, rows.levels)
        if self.category == "AutoEncoder":
            return self._fire(sums, self.layout.depth)
        if self.category == "Regression":
            sums[:, 0] += rows.offset
        return sums

    def predict(self, weights: np.ndarray, rows: Rows) -> np.ndarray:
        """Return float64 (rows, classes) probabilities, (rows,) responses or (rows, units) reconstructions."""
        with np.errstate(over="ignore", invalid="ignore"):  # weights that ran away show as NaN, which the model reports
            outputs = self.net_outputs(weights, rows).astype(np.float64)
        if self.category == "AutoEncoder":
            return outputs
        if self.category == "Regression":
            return self.respond(outputs[:, 0])
        with np.errstate(invalid="ignore"):
            return self.correct(self.distribution.probabilities(outputs))

    def respond(self, net: np.ndarray) -> np.ndarray:
        """Return the response for net outputs: inverse link, or the scale of the response undone."""
        if self.distribution.has_identity_link:
            return net / self.mul + self.sub
        with np.errstate(over="ignore"):
            return self.distribution.response(net)

    def correct(self, p: np.ndarray) -> np.ndarray:
        """Return probabilities with the class shares of balanced training undone (training 16)."""
        if self.correction is None:
            return p
        p = p * np.array(self.correction)
        return p / p.sum(axis=1, keepdims=True)

    def clean_input(self, rows: Rows) -> np.ndarray:
        """Return the input an autoencoder should reconstruct: (rows, units), level indicators first."""
        count, units = len(rows.numbers), self.layout.levels
        result = np.zeros((count, self.layout.inputs), np.float32)
        for k in range(rows.levels.shape[1]):
            active = rows.levels[:, k]
            has = np.flatnonzero(active >= 0)
            result[has, active[has]] += 1
        result[:, units:] = rows.numbers
        return result

    def sums(self, weights: np.ndarray, layer: int, values: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return the sums (rows, pieces * units) into `layer` (1-based) of the values below and the levels."""
        layout = self.layout
        sums = values @ layout.dense(weights, layer).T
        sums += layout.bias(weights, layer)
        if layer == 1 and layout.levels:
            table = layout.level_table(weights)
            for k in range(levels.shape[1]):
                active = levels[:, k]
                has = active >= 0
                sums[has] += table[active[has]]
        return sums

    def _fire(self, sums: np.ndarray, layer: int) -> np.ndarray:
        pieces = int(self.layout.channels[layer])
        if pieces > 1:
            sums = sums.reshape(len(sums), pieces, -1).max(axis=1)
        with np.errstate(over="ignore"):  # formulas are written for the whole line: exp may pass through infinity
            return self.activation.activate(sums)
