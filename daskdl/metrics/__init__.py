"""Metrics of a model: measure blocks of rows anywhere, merge the states in any order, finish one metrics object.

`measure(category, ...) -> State`, `State.merge(State) -> State`, `finish(category, state, ...) -> ModelMetrics`. A
state of no rows merges like any other. Metrics objects go to JSON and back with `to_dict` and `from_dict`. Pure NumPy,
float64.

Example:
    options = Options(domain=("no", "yes"))
    states = [measure("Binomial", y, p, w, options) for y, p, w in blocks]
    metrics = finish("Binomial", merged(states), options, Header("valid"))
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from types import ModuleType
from typing import Any

import numpy as np

from daskdl.metrics import autoencoder, binomial, multinomial, regression
from daskdl.metrics.autoencoder import AutoEncoderState, H2OAutoEncoderModelMetrics
from daskdl.metrics.base import UNNAMED, Header, MetricNotAvailable, ModelMetrics
from daskdl.metrics.binomial import BinomialState
from daskdl.metrics.binomial_metrics import H2OBinomialModelMetrics
from daskdl.metrics.confusion import ConfusionMatrix
from daskdl.metrics.cross_validation import cross_validation_summary
from daskdl.metrics.custom import CustomMetric, CustomRows, WithCustom, custom_metric
from daskdl.metrics.make import make_metrics
from daskdl.metrics.metric import Metric
from daskdl.metrics.multinomial import MultinomialState
from daskdl.metrics.multinomial_metrics import H2OMultinomialModelMetrics
from daskdl.metrics.options import PLAIN, Options
from daskdl.metrics.registry import METRICS, default_metric, history_columns, metric_named, metrics_of, stopping_value
from daskdl.metrics.regression import H2ORegressionModelMetrics, RegressionState
from frames.exceptions import H2OValueError

__all__ = [
    "CATEGORIES",
    "METRICS",
    "ConfusionMatrix",
    "CustomMetric",
    "CustomRows",
    "H2OAutoEncoderModelMetrics",
    "H2OBinomialModelMetrics",
    "H2OMultinomialModelMetrics",
    "H2ORegressionModelMetrics",
    "Header",
    "Metric",
    "MetricNotAvailable",
    "ModelMetrics",
    "Options",
    "State",
    "WithCustom",
    "cross_validation_summary",
    "custom_metric",
    "default_metric",
    "finish",
    "from_dict",
    "history_columns",
    "make_metrics",
    "measure",
    "merged",
    "metric_named",
    "metrics_of",
    "stopping_value",
]

State = BinomialState | MultinomialState | RegressionState | AutoEncoderState | WithCustom
CATEGORIES: dict[str, ModuleType] = {
    "Binomial": binomial,
    "Multinomial": multinomial,
    "Regression": regression,
    "AutoEncoder": autoencoder,
}
_OBJECTS: dict[str, Any] = {
    kind.category: kind
    for kind in (
        H2OBinomialModelMetrics,
        H2OMultinomialModelMetrics,
        H2ORegressionModelMetrics,
        H2OAutoEncoderModelMetrics,
    )
}


def measure(
    category: str,
    actual: np.ndarray | None,
    predicted: np.ndarray,
    weights: np.ndarray | None = None,
    options: Options = PLAIN,
) -> State:
    """Measure the rows of one block.

    `actual` (rows,): class codes (-1 or NaN missing) or numbers; None for an autoencoder. `predicted`: probabilities
    (rows, classes), for two classes also (rows,); numbers (rows,) for a regression; each row's reconstruction MSE
    (rows,) for an autoencoder. `weights` (rows,) or None. Left out are rows whose actual or prediction is missing or
    whose weight is 0 or missing.
    """
    kind = _kind(category)
    if kind is autoencoder:
        return autoencoder.measure(predicted, weights, options)
    if actual is None:
        raise H2OValueError(f"Metrics of a {category} model need the actual values; got None.")
    return kind.measure(actual, predicted, weights, options)


def merged(states: Iterable[State]) -> State:
    """Merge states of one category, at least one; the order does not matter."""
    return reduce(lambda left, right: left.merge(right), states)  # type: ignore[arg-type, return-value]


def finish(category: str, state: State, options: Options = PLAIN, header: Header = UNNAMED) -> ModelMetrics:
    """Make the metrics object of a state; `options` as given to `measure`."""
    if isinstance(state, WithCustom):
        header = header._replace(custom_name=state.custom.name, custom_value=state.custom.value(state.partial))
        state = state.state
    return _kind(category).finish(state, options, header)


def from_dict(values: dict[str, Any]) -> ModelMetrics:
    """Build the metrics object whose `to_dict` gave `values`."""
    _kind(values["category"])
    return _OBJECTS[values["category"]].from_dict(values)


def _kind(category: str) -> ModuleType:
    if category not in CATEGORIES:
        raise H2OValueError(f"A model category must be one of {list(CATEGORIES)}; got {category!r}.")
    return CATEGORIES[category]
