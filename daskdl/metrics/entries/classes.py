"""Rows whose class is predicted wrongly: with two classes at the default threshold, else the likeliest class."""

from collections.abc import Callable
from typing import Any

from daskdl.metrics.metric import Derived, Formula, Metric


def _error(name: str, of_many: Callable[[Any], float]) -> dict[str, Formula]:
    """Give the formulas of a number that follows from the confusion matrix."""
    return {"Binomial": Derived(lambda metrics: metrics.errors_at_default[name]), "Multinomial": Derived(of_many)}


ERR = Metric(
    "err",
    "share of rows whose class is predicted wrongly (classification)",
    _error("err", lambda metrics: metrics.error()),
    place=12,
    stopping="misclassification",
    column="classification_error",
    history={"Binomial": 7, "Multinomial": 4},
    label=None,
    raw=None,
    accessors=(),
)
MEAN_PER_CLASS_ERROR = Metric(
    "mean_per_class_error",
    "mean over the classes of each one's share of wrongly predicted rows (classification)",
    _error("mean_per_class_error", lambda metrics: metrics.mean_per_class_error()),
    place=7,
    history={},
    label="Mean Per-Class Error",
    accessors=(),
)
MEAN_PER_CLASS_ACCURACY = Metric(
    "mean_per_class_accuracy",
    "1 - mean_per_class_error (classification)",
    _error("mean_per_class_accuracy", lambda metrics: 1.0 - metrics.mean_per_class_error()),
    larger_is_better=True,
    place=24,
    stopping=None,
    history={},
    label=None,
    raw=None,
    accessors=(),
)
MAX_PER_CLASS_ERROR = Metric(
    "max_per_class_error",
    "largest share of wrongly predicted rows that a class has (classification)",
    _error("max_per_class_error", lambda metrics: metrics.largest_class_error()),
    place=25,
    stopping=None,
    history={},
    label=None,
    raw=None,
    accessors=(),
)
ERR_COUNT = Metric(
    "err_count",
    "weight of the rows whose class is predicted wrongly (classification)",
    _error("err_count", lambda metrics: metrics.wrong()),
    place=23,
    stopping=None,
    history={},
    label=None,
    raw=None,
    accessors=(),
)
ACCURACY = Metric(
    "accuracy",
    "share of rows whose class is predicted rightly (classification)",
    {
        "Binomial": Derived(lambda metrics: metrics.at_default("accuracy")),
        "Multinomial": Derived(lambda metrics: 1.0 - metrics.error()),
    },
    larger_is_better=True,
    place=22,
    stopping=None,
    history={},
    label=None,
    raw=None,
    accessors=(),
)
