"""Measurements of a number: the state of a block of rows, its merge, and H2O's metrics object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from daskdl.kernels.distributions import Distribution
from daskdl.metrics.base import UNNAMED, Header, ModelMetrics, r_squared, ratio
from daskdl.metrics.bins import Bins, magnitude_keys, magnitudes, quantiles
from daskdl.metrics.options import PLAIN, Options
from daskdl.metrics.rows import usable_numbers


@dataclass(frozen=True, eq=False)
class RegressionState:
    """Sums over rows; `errors` gathers the absolute errors where the deviance needs a quantile of all of them (huber).

    mean and spread describe the actual values: weighted mean and weighted sum of squared distances from it.
    """

    rows: int
    weight: float
    mean: float
    spread: float
    squared: float
    absolute: float
    squared_log: float
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
            self.rows + other.rows,
            weight,
            self.mean + apart * (other.weight / weight),
            self.spread + other.spread + apart**2 * (self.weight * other.weight / weight),
            self.squared + other.squared,
            self.absolute + other.absolute,
            self.squared_log + other.squared_log,
            self.deviance + other.deviance,
            errors,
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
        len(rows),
        weight,
        mean,
        rows.total((y - mean) ** 2),
        rows.total(error**2),
        rows.total(error),
        _squared_log(y, f, rows.total),
        deviance,
        Bins.of(magnitude_keys(error), np.zeros(len(rows), np.int16), rows.weights) if gathers else None,
    )


def _squared_log(y: np.ndarray, f: np.ndarray, total: Any) -> float:
    if len(y) and (y.min() < -1.0 or f.min() < -1.0):
        return math.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return total((np.log1p(f) - np.log1p(y)) ** 2)


def finish(state: RegressionState, options: Options = PLAIN, header: Header = UNNAMED) -> H2ORegressionModelMetrics:
    """Make the metrics object of a state; `options` as in `measure`."""
    weight = state.weight
    mse = ratio(state.squared, weight)
    variance = state.spread / weight if weight and state.rows > 1 else 0.0
    scalars = {
        "mse": mse,
        "rmse": math.sqrt(mse),
        "mae": ratio(state.absolute, weight),
        "rmsle": math.sqrt(ratio(state.squared_log, weight)),
        "r2": r_squared(mse, variance),
        "mean_residual_deviance": ratio(_deviance(state, options.distribution), weight),
    }
    return H2ORegressionModelMetrics(header, state.rows, scalars)


def _deviance(state: RegressionState, distribution: Distribution) -> float:
    if state.errors is None or not state.rows:
        return state.deviance
    errors = magnitudes(state.errors.keys)
    at = quantiles(errors, state.errors.weights, np.array([distribution.error_quantile]), state.rows)[0]
    return float(distribution.deviance_of_errors(errors, at) @ state.errors.weights)


class H2ORegressionModelMetrics(ModelMetrics):
    """Metrics of a regression; the mean residual deviance is that of the model's distribution."""

    category = "Regression"
    title = "ModelMetricsRegression"

    def mae(self) -> float:
        """Give the mean absolute error."""
        return self.scalars["mae"]

    def rmsle(self) -> float:
        """Give the root mean squared error of ln(1 + value), NaN if any actual or prediction is below -1."""
        return self.scalars["rmsle"]

    def r2(self) -> float:
        """Give 1 - MSE / variance of the response."""
        return self.scalars["r2"]

    def mean_residual_deviance(self) -> float:
        """Give the mean deviance of the model's distribution."""
        return self.scalars["mean_residual_deviance"]

    residual_deviance = mean_residual_deviance

    def _derived(self) -> dict[str, float]:
        deviance = self.mean_residual_deviance()
        return {"deviance": deviance, "residual_deviance": deviance}

    @property
    def _metric_json(self) -> dict[str, Any]:
        return super()._metric_json | {
            "r2": self.r2(),
            "mae": self.mae(),
            "rmsle": self.rmsle(),
            "mean_residual_deviance": self.mean_residual_deviance(),
        }

    def _lines(self) -> list[tuple[str, float]]:
        own = [("MAE", self.mae()), ("RMSLE", self.rmsle()), ("Mean Residual Deviance", self.mean_residual_deviance())]
        return [*super()._lines(), *own]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> H2ORegressionModelMetrics:
        """Build the measurement that `to_dict` wrote."""
        return cls(**cls._common(values))
