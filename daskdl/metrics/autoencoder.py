"""Measurements of an autoencoder: the mean over rows of the reconstruction error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from daskdl.metrics.base import UNNAMED, Header, ModelMetrics, ratio
from daskdl.metrics.options import PLAIN, Options
from daskdl.metrics.rows import usable_numbers


@dataclass(frozen=True, eq=False)
class AutoEncoderState:
    """Rows, the sum of their weights and the weighted sum of their reconstruction MSE."""

    rows: int
    weight: float
    squared: float

    def merge(self, other: AutoEncoderState) -> AutoEncoderState:
        """Give the state of the rows of both."""
        return AutoEncoderState(self.rows + other.rows, self.weight + other.weight, self.squared + other.squared)


def measure(row_errors: np.ndarray, weights: np.ndarray | None = None, options: Options = PLAIN) -> AutoEncoderState:
    """Measure rows by their reconstruction MSE (rows,), taken over all expanded units in normalised space."""
    errors = np.asarray(row_errors, np.float64)
    rows = usable_numbers(errors, errors, weights)
    return AutoEncoderState(len(rows), rows.weight, rows.total(rows.actual))


def finish(state: AutoEncoderState, options: Options = PLAIN, header: Header = UNNAMED) -> H2OAutoEncoderModelMetrics:
    """Make the metrics object of a state."""
    mse = ratio(state.squared, state.weight)
    return H2OAutoEncoderModelMetrics(header, state.rows, {"mse": mse, "rmse": math.sqrt(mse)})


class H2OAutoEncoderModelMetrics(ModelMetrics):
    """Metrics of an autoencoder: MSE and RMSE of the reconstruction."""

    category = "AutoEncoder"
    title = "ModelMetricsAutoEncoder"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> H2OAutoEncoderModelMetrics:
        """Build the measurement that `to_dict` wrote."""
        return cls(**cls._common(values))
