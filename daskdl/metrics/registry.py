"""Every scalar metric by name: where it is defined, which way is better, whether it stops training or sorts a grid."""

from __future__ import annotations

from dataclasses import dataclass

from daskdl.metrics.base import MetricNotAvailable, ModelMetrics
from frames.errors import H2OValueError

CLASSIFICATION = ("Binomial", "Multinomial")
ALL = (*CLASSIFICATION, "Regression", "AutoEncoder")
AUTO = {"Binomial": "logloss", "Multinomial": "logloss", "Regression": "deviance", "AutoEncoder": "MSE"}


@dataclass(frozen=True)
class Metric:
    """One scalar: `key` in `ModelMetrics.values()`, the categories that define it, its direction.

    `stopping` tells that it may decide early stopping, `sorting` that a grid may be sorted by it, `bounded` that it is
    never below zero.
    """

    name: str
    key: str
    categories: tuple[str, ...]
    larger_is_better: bool = False
    bounded: bool = True
    stopping: bool = False
    sorting: bool = False

    @property
    def zero_is_best(self) -> bool:
        """Whether 0 cannot be improved on (the stopping rule ends there)."""
        return self.bounded and not self.larger_is_better

    def value(self, metrics: ModelMetrics) -> float:
        """Give the scalar; raises MetricNotAvailable for a category that does not define it."""
        values = metrics.values()
        if metrics.category not in self.categories or self.key not in values:
            defined = sorted(name for name in names(metrics.category) if METRICS[name].key in values)
            raise MetricNotAvailable(
                f"The metric of a {metrics.category} model must be one of {defined}; got {self.name!r}."
            )
        return values[self.key]


_SORTED = {"sorting": True}
_BOTH = {"stopping": True, "sorting": True}
_HIGH = {"larger_is_better": True, "sorting": True}
_REGRESSION, _BINOMIAL = ("Regression",), ("Binomial",)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mse", "mse", ALL, **_BOTH),
        Metric("rmse", "rmse", ALL, **_BOTH),
        Metric("logloss", "logloss", CLASSIFICATION, **_BOTH),
        Metric("auc", "auc", CLASSIFICATION, stopping=True, **_HIGH),
        Metric("aucpr", "pr_auc", CLASSIFICATION, stopping=True, **_HIGH),
        Metric("pr_auc", "pr_auc", CLASSIFICATION, stopping=True, **_HIGH),
        Metric("r2", "r2", (*CLASSIFICATION, "Regression"), bounded=False, **_HIGH),
        Metric("accuracy", "accuracy", CLASSIFICATION, **_HIGH),
        Metric("err", "err", CLASSIFICATION, **_SORTED),
        Metric("err_count", "err_count", CLASSIFICATION, **_SORTED),
        Metric("misclassification", "err", CLASSIFICATION, stopping=True),
        Metric("classification_error", "err", CLASSIFICATION),
        Metric("mean_per_class_error", "mean_per_class_error", CLASSIFICATION, **_BOTH),
        Metric("mean_per_class_accuracy", "mean_per_class_accuracy", CLASSIFICATION, **_HIGH),
        Metric("max_per_class_error", "max_per_class_error", CLASSIFICATION, **_SORTED),
        Metric("f1", "f1", _BINOMIAL, **_HIGH),
        Metric("f2", "f2", _BINOMIAL, **_HIGH),
        Metric("f0point5", "f0point5", _BINOMIAL, **_HIGH),
        Metric("precision", "precision", _BINOMIAL, **_HIGH),
        Metric("recall", "recall", _BINOMIAL, **_HIGH),
        Metric("specificity", "specificity", _BINOMIAL, **_HIGH),
        Metric("mcc", "mcc", _BINOMIAL, bounded=False, **_HIGH),
        Metric("gini", "gini", _BINOMIAL, larger_is_better=True, bounded=False),
        Metric("kolmogorov_smirnov", "kolmogorov_smirnov", _BINOMIAL, larger_is_better=True),
        Metric("lift_top_group", "lift_top_group", _BINOMIAL, stopping=True, **_HIGH),
        Metric("lift", "lift_top_group", _BINOMIAL, larger_is_better=True),
        Metric("residual_deviance", "mean_residual_deviance", _REGRESSION, **_SORTED),
        Metric("deviance", "mean_residual_deviance", _REGRESSION, stopping=True),
        Metric("mean_residual_deviance", "mean_residual_deviance", _REGRESSION),
        Metric("mae", "mae", _REGRESSION, **_BOTH),
        Metric("rmsle", "rmsle", _REGRESSION, **_BOTH),
        Metric("custom", "custom", (*CLASSIFICATION, "Regression"), bounded=False, stopping=True),
        Metric("custom_increasing", "custom", (*CLASSIFICATION, "Regression"), True, False, stopping=True),
    )
}


def names(category: str, *, use: str = "any") -> list[str]:
    """Give the names that a category defines; `use` is any, stopping or sorting.

    Example: `"auc" in names("Binomial", use="sorting")`
    """
    if category not in ALL:
        raise H2OValueError(f"A model category must be one of {list(ALL)}; got {category!r}.")
    return [
        name
        for name, metric in METRICS.items()
        if category in metric.categories and (use == "any" or getattr(metric, use))
    ]


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
        known = AUTO[category].lower()
    if known not in METRICS:
        raise H2OValueError(f"A metric must be one of AUTO, {', '.join(METRICS)}; got {name!r}.")
    metric = METRICS[known]
    if category is not None and category not in metric.categories:
        raise MetricNotAvailable(f"The metric of a {category} model must be one of {names(category)}; got {name!r}.")
    return metric


def stopping_value(metrics: ModelMetrics, name: str = "AUTO") -> float:
    """Give the value of a stopping (or any) metric of a measurement; AUTO is the category's default.

    Example: `stopping_value(metrics, "AUC") == metrics.auc()`
    """
    return metric_named(name, metrics.category).value(metrics)
