"""Every metric by name: where it is defined, which way is better, whether it stops training or sorts a grid."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from daskdl.metrics import entries
from daskdl.metrics.metric import ALL, Finished, Mean, Metric
from daskdl.metrics.rows import ScoredRows
from frames.exceptions import H2OValueError

if TYPE_CHECKING:
    from daskdl.metrics.options import Options


class Measured(Protocol):
    """A measurement: the category of the model that was measured, and its numbers, which metrics know how to find."""

    category: ClassVar[str]


class MetricNotAvailable(H2OValueError, KeyError, AttributeError):
    """A metric was asked of a kind of model, or of a measurement, that does not have it."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


def _found() -> dict[str, Metric]:
    """Return the metrics of the folder by their own name, in the order of lists; raises TypeError for a name twice."""
    found: list[Metric] = []
    for module in pkgutil.iter_modules(entries.__path__, f"{entries.__name__}."):
        values = vars(importlib.import_module(module.name)).values()
        found += [value for value in values if isinstance(value, Metric) and not any(value is one for one in found)]
    ordered = {one.name: one for one in sorted(found, key=lambda one: (one.place, one.name))}
    if len(ordered) < len(found):
        raise TypeError(f"A metric must have a name of its own; got {sorted(one.name for one in found)}.")
    return ordered


METRICS: dict[str, Metric] = _found()
_NAMED = {alias: metric for metric in reversed(METRICS.values()) for alias in metric.aliases} | METRICS


def metrics_of(category: str) -> list[Metric]:
    """Give the metrics that a category of model has, in the order of lists."""
    if category not in ALL:
        raise H2OValueError(f"A model category must be one of {list(ALL)}; got {category!r}.")
    return [metric for metric in METRICS.values() if category in metric.formulas]


def names(category: str, *, use: str = "name") -> list[str]:
    """Give the names that the metrics of a category have for a use: name, stopping or sorting.

    Example: `"auc" in names("Binomial", use="sorting")`
    """
    return [name for metric in metrics_of(category) if (name := getattr(metric, use)) is not None]


def history_columns(category: str) -> list[Metric]:
    """Give the metrics that have a column in the scoring history of a category, in their order there."""
    placed = [(place, metric) for metric in metrics_of(category) if (place := metric.place_in_history(category))]
    return [metric for _, metric in sorted(placed, key=lambda pair: (pair[0], pair[1].name))]


def default_metric(category: str) -> Metric:
    """Give the metric that AUTO stands for in a category."""
    return next(metric for metric in metrics_of(category) if category in metric.default_of)


def judge_of_columns(category: str) -> Metric:
    """Give the metric by which permutation_importance() judges the columns of a category where it is not told."""
    return next(metric for metric in metrics_of(category) if category in metric.judges_columns_of)


def metric_named(name: str, category: str | None = None) -> Metric:
    """Give a metric by any of its names, upper or lower case; AUTO needs the category and gives its default.

    Raises H2OValueError for an unknown name, MetricNotAvailable for one that the category does not define.

    Example: `metric_named("AUC").larger_is_better`
    """
    known = name.lower()
    if known == "auto":
        if category is None:
            raise H2OValueError(
                "The metric AUTO stands for a different metric in each model category; name a category."
            )
        return default_metric(category)
    if known not in _NAMED:
        raise H2OValueError(f"A metric must be one of AUTO, {', '.join(METRICS)}; got {name!r}.")
    metric = _NAMED[known]
    if category is not None and category not in metric.formulas:
        raise MetricNotAvailable(f"The metric of a {category} model must be one of {names(category)}; got {name!r}.")
    return metric


def metric_value(metric: Metric, metrics: Measured) -> float:
    """Give a metric of a measurement; raises MetricNotAvailable where that has none."""
    value = metric.of(metrics) if metrics.category in metric.formulas else None
    if value is None:
        defined = [one.name for one in metrics_of(metrics.category) if one.of(metrics) is not None]
        raise MetricNotAvailable(
            f"The metric of a {metrics.category} model must be one of {defined}; got {metric.name!r}."
        )
    return float(value)


def stopping_value(metrics: Measured, name: str = "AUTO") -> float:
    """Give the value of a stopping (or any) metric of a measurement; AUTO is the category's default.

    Example: `stopping_value(metrics, "AUC") == metrics.auc()`
    """
    return metric_value(metric_named(name, metrics.category), metrics)


# ---- computing -------------------------------------------------------------------------------------------------------
def sums_of(category: str, seen: Any, total: ScoredRows, options: Options) -> dict[str, float]:
    """Give the weighted sums behind every mean of a category; `seen` is what the formulas see of the rows."""
    found = {}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for metric in metrics_of(category):
            formula = metric.formulas[category]
            if isinstance(formula, Mean):
                found[metric.name] = total.total(formula.rows(seen, options))
    return found


def added(left: dict[str, float], right: dict[str, float]) -> dict[str, float]:
    """Give the sums of two sets of rows together."""
    return {name: value + right[name] for name, value in left.items()}


def finish_all(category: str, whole: Any) -> dict[str, float]:
    """Give the numbers of a measurement whose rows are all in; `whole` has `state.sums`, `weight` and `scalars`."""
    for metric in metrics_of(category):
        formula = metric.formulas[category]
        if isinstance(formula, Mean):
            mean = whole.state.sums[metric.name] / whole.weight if whole.weight else float("nan")
            whole.scalars[metric.name] = float(formula.then(mean))
        elif isinstance(formula, Finished):
            whole.scalars[metric.name] = float(formula.of(whole))
    return whole.scalars
