"""Methods that ask every model of a grid and answer with a dict model id -> answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from daskdl.estimators.deeplearning import H2ODeepLearningEstimator
from daskdl.metrics import METRICS
from daskdl.metrics.at_threshold import METHODS

T = TypeVar("T")


def _ask_all(name: str) -> Callable[..., dict[str, Any]]:
    own = getattr(H2ODeepLearningEstimator, name)

    def ask(self: GridAccessors, *arguments: Any, **keywords: Any) -> dict[str, Any]:
        return {model.model_id: getattr(model, name)(*arguments, **keywords) for model in self.models}

    # the class is declared to return one answer; here it is a dict of them
    ask.__signature__ = inspect.signature(own).replace(return_annotation=dict[str, Any])  # type: ignore[attr-defined]
    ask.__name__ = name
    ask.__qualname__ = f"GridAccessors.{name}"
    ask.__doc__ = f"Ask {name}(...) of every model and return a dict model id -> answer.\n\n    {own.__doc__}"
    return ask


def with_metrics(cls: type[T]) -> type[T]:
    """Give a class a method for each metric, and for each that is asked at a threshold."""
    for name in [*(name for metric in METRICS.values() for name in metric.accessors), *METHODS]:
        setattr(cls, name, _ask_all(name))
    return cls


@with_metrics
class GridAccessors:
    """What can be asked of all models at once; arguments are those of the estimator's method.

    Metrics (mse, auc, F1, ...) come from `daskdl.metrics.METRICS` and `daskdl.metrics.at_threshold.METHODS`.
    """

    models: list[Any]

    predict = _ask_all("predict")
    model_performance = _ask_all("model_performance")
    scoring_history = _ask_all("scoring_history")
    varimp = _ask_all("varimp")
    weights = _ask_all("weights")
    biases = _ask_all("biases")
    deepfeatures = _ask_all("deepfeatures")
    anomaly = _ask_all("anomaly")
    normmul = _ask_all("normmul")
    normsub = _ask_all("normsub")
    respmul = _ask_all("respmul")
    respsub = _ask_all("respsub")
    catoffsets = _ask_all("catoffsets")
    confusion_matrix = _ask_all("confusion_matrix")
    find_threshold_by_max_metric = _ask_all("find_threshold_by_max_metric")

    is_cross_validated = _ask_all("is_cross_validated")
    xval_keys = _ask_all("xval_keys")
    get_xval_models = _ask_all("get_xval_models")

    def xvals(self) -> dict[str, Any]:
        """Return the fold models of every model, a dict model id -> list or None."""
        return {model.model_id: model.xvals for model in self.models}

    null_deviance = _ask_all("null_deviance")
    hit_ratio_table = _ask_all("hit_ratio_table")
    roc = _ask_all("roc")
    gains_lift = _ask_all("gains_lift")
    metric = _ask_all("metric")
