"""Measurements of an autoencoder: the mean over rows of the reconstruction error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from daskdl.metrics.base import UNNAMED, Header, ModelMetrics
from daskdl.metrics.options import PLAIN, Options
from daskdl.metrics.registry import added, finish_all, sums_of
from daskdl.metrics.rows import usable_numbers


@dataclass(frozen=True, eq=False)
class AutoEncoderState:
    """Rows, the sum of their weights and the weighted sums behind means, by metric."""

    rows: int
    weight: float
    sums: dict[str, float]

    def merge(self, other: AutoEncoderState) -> AutoEncoderState:
        """Give the state of the rows of both."""
        return AutoEncoderState(self.rows + other.rows, self.weight + other.weight, added(self.sums, other.sums))


def measure(row_errors: np.ndarray, weights: np.ndarray | None = None, options: Options = PLAIN) -> AutoEncoderState:
    """Measure rows by their reconstruction MSE (rows,), taken over all expanded units in normalised space."""
    errors = np.asarray(row_errors, np.float64)
    rows = usable_numbers(errors, errors, weights)
    return AutoEncoderState(len(rows), rows.weight, sums_of("AutoEncoder", rows, rows, options))


@dataclass(frozen=True)
class WholeReconstruction:
    """What metrics of an autoencoder see when all rows are in."""

    state: AutoEncoderState
    options: Options
    scalars: dict[str, float]

    @property
    def weight(self) -> float:
        """The sum of the rows' weights."""
        return self.state.weight


def finish(state: AutoEncoderState, options: Options = PLAIN, header: Header = UNNAMED) -> H2OAutoEncoderModelMetrics:
    """Make the metrics object of a state."""
    return H2OAutoEncoderModelMetrics(
        header, state.rows, finish_all("AutoEncoder", WholeReconstruction(state, options, {}))
    )


class H2OAutoEncoderModelMetrics(ModelMetrics):
    """Metrics of an autoencoder: MSE and RMSE of the reconstruction."""

    category = "AutoEncoder"
    title = "ModelMetricsAutoEncoder"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> H2OAutoEncoderModelMetrics:
        """Build the measurement that `to_dict` wrote."""
        return cls(**cls._common(values))
