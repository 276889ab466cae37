"""Measurements of a number: the state of a block of rows, its merge, and H2O's metrics object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from daskdl.metrics.base import UNNAMED, Header, ModelMetrics, ratio
from daskdl.metrics.bins import Bins, magnitude_keys, magnitudes, quantiles
from daskdl.metrics.options import PLAIN, Options
from daskdl.metrics.registry import added, finish_all, sums_of
from daskdl.metrics.rows import usable_numbers


@dataclass(frozen=True, eq=False)
class RegressionState:
    """Sums over rows, those of means by metric.

    `errors` gathers the absolute errors where the deviance needs a quantile of all of them (huber).
    mean and spread describe the actual values: weighted mean and weighted sum of squared distances from it.
    """

    rows: int
    weight: float
    mean: float
    spread: float
    sums: dict[str, float]
    deviance: float
    errors: Bins | None

    def merge(self, other: RegressionState) -> RegressionState:
        """Give the state of the rows of both."""
        if not self.rows or not other.rows:
            return self if self.rows else other
        weight = self.weight + other.weight
        apart = other.mean - self.mean
        errors = None if self.errors is None or other.errors is None else self.errors.merge(other.errors)
        return RegressionState(
            rows=self.rows + other.rows,
            weight=weight,
            mean=self.mean + apart * (other.weight / weight),
            spread=self.spread + other.spread + apart**2 * (self.weight * other.weight / weight),
            sums=added(self.sums, other.sums),
            deviance=self.deviance + other.deviance,
            errors=errors,
        )


def measure(
    actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None, options: Options = PLAIN
) -> RegressionState:
    """Measure rows: `actual` and `predicted` numbers (rows,) on the response's scale, NaN where missing.

    One pass serves every deviance; up to 200,000 distinct absolute errors are kept exactly for huber's delta (above,
    delta and deviance are exact to about 1e-4 of delta).
    """
    rows = usable_numbers(actual, predicted, weights)
    y, f = rows.actual, rows.predicted
    error = np.abs(y - f)
    weight = rows.weight
    mean = rows.total(y) / weight if len(rows) else 0.0
    gathers = options.distribution.error_quantile is not None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        deviance = math.nan if gathers else rows.total(options.distribution.deviance(y, f))
    return RegressionState(
        rows=len(rows),
        weight=weight,
        mean=mean,
        spread=rows.total((y - mean) ** 2),
        sums=sums_of("Regression", rows, rows, options),
        deviance=deviance,
        errors=Bins.of(magnitude_keys(error), np.zeros(len(rows), np.int16), rows.weights) if gathers else None,
    )


@dataclass(frozen=True)
class WholeRegression:
    """What metrics of a regression see when all rows are in."""

    state: RegressionState
    options: Options
    scalars: dict[str, float]

    @property
    def weight(self) -> float:
        """The sum of the rows' weights."""
        return self.state.weight

    def variance(self) -> float:
        """Give the variance of the actual values, 0 for a single row."""
        return self.state.spread / self.weight if self.weight and self.state.rows > 1 else 0.0

    def mean_deviance(self) -> float:
        """Give the mean deviance of the model's distribution."""
        state, distribution = self.state, self.options.distribution
        if state.errors is None or not state.rows:
            return ratio(state.deviance, self.weight)
        errors = magnitudes(state.errors.keys)
        at = quantiles(errors, state.errors.weights, np.array([distribution.error_quantile]), state.rows)[0]
        return ratio(float(distribution.deviance_of_errors(errors, at) @ state.errors.weights), self.weight)


def finish(state: RegressionState, options: Options = PLAIN, header: Header = UNNAMED) -> H2ORegressionModelMetrics:
    """Make the metrics object of a state; `options` as in `measure`."""
    scalars = finish_all("Regression", WholeRegression(state, options, {}))
    return H2ORegressionModelMetrics(header, state.rows, scalars)


class H2ORegressionModelMetrics(ModelMetrics):
    """Metrics of a regression; the mean residual deviance is that of the model's distribution."""

    category = "Regression"
    title = "ModelMetricsRegression"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> H2ORegressionModelMetrics:
        """Build the measurement that `to_dict` wrote."""
        return cls(**cls._common(values))
