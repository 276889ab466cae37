"""Metrics of a model under h2o-py's names: no flag asks for training, one flag for that value, several for a dict."""

from collections.abc import Callable
from typing import Any

from frames.errors import H2OValueError

# Accessors that are asked without further arguments.
PLAIN = {
    "mse": "mean squared error",
    "rmse": "root of the mean squared error",
    "mae": "mean absolute error (regression)",
    "rmsle": "root mean squared logarithmic error (regression)",
    "r2": "coefficient of determination",
    "logloss": "logarithmic loss (classification)",
    "mean_residual_deviance": "mean residual deviance (regression)",
    "auc": "area under the ROC curve (classification)",
    "aucpr": "area under the precision-recall curve (classification)",
    "gini": "2 AUC - 1 (two classes)",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov statistic (two classes)",
    "gains_lift": "table of gains and lift (two classes)",
    "roc": "false and true positive rates, two lists (two classes)",
    "thresholds_and_metric_scores": "table of every threshold's metrics (two classes)",
    "hit_ratio_table": "table of top-K hit ratios (more than two classes)",
    "multinomial_auc_table": "table of AUC per class or pair (more than two classes)",
    "multinomial_aucpr_table": "table of AUCPR per class or pair (more than two classes)",
}
# Accessors of a two-class model that take thresholds (None: the best one).
BY_THRESHOLD = {
    "F1": "F1 score",
    "F2": "F2 score",
    "F0point5": "F0.5 score",
    "accuracy": "accuracy",
    "error": "share of wrong rows",
    "precision": "precision",
    "recall": "recall",
    "sensitivity": "sensitivity (recall)",
    "specificity": "specificity",
    "tpr": "true positive rate",
    "tnr": "true negative rate",
    "fnr": "false negative rate",
    "fpr": "false positive rate",
    "fallout": "fallout (false positive rate)",
    "missrate": "miss rate (false negative rate)",
    "mcc": "Matthews correlation coefficient",
    "max_per_class_error": "larger of the class errors",
    "mean_per_class_error": "mean of the class errors (for more than two classes a number)",
}


class MetricAccessors:
    """The metric methods of an estimator; `_trained()` gives the model or raises."""

    _trained: Callable[[], Any]

    def _by_source(self, ask: Callable[[Any], Any], train: bool, valid: bool, xval: bool) -> Any:
        """Ask the metrics chosen by the flags; None where the model has none of that source."""
        model = self._trained()
        sources = {
            "train": model.training_metrics,
            "valid": model.validation_metrics,
            "xval": model.cross_validation_metrics,
        }
        flags = {"train": train, "valid": valid, "xval": xval}
        wanted = [name for name, flag in flags.items() if flag] or ["train"]
        values = {name: None if sources[name] is None else ask(sources[name]) for name in wanted}
        return values if len(values) > 1 else values[wanted[0]]

    def metric(
        self, metric: str, thresholds: Any = None, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Return a two-class metric by name: pairs [threshold, value]."""
        return self._by_source(lambda m: m.metric(metric, thresholds), train, valid, xval)

    def residual_deviance(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the mean residual deviance (regression), the number grids sort by under this name."""
        return self.mean_residual_deviance(train=train, valid=valid, xval=xval)  # type: ignore[attr-defined]

    def confusion_matrix(
        self,
        metrics: Any = None,
        thresholds: Any = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
        data: Any = None,
    ) -> Any:
        """Return the confusion matrix.

        Two classes: a ConfusionMatrix, at the threshold of the best `metrics` (default F1) or at `thresholds`; a list
        if several are asked for. More classes: a table; a frame (first argument or `data`) is scored for it.
        """
        frame = metrics if hasattr(metrics, "frame_id") else data
        if frame is not None:
            scored = self._trained().performance(frame)
            return scored.confusion_matrix()
        if metrics is None and thresholds is None:
            return self._by_source(lambda m: m.confusion_matrix(), train, valid, xval)
        return self._by_source(lambda m: m.confusion_matrix(metrics, thresholds), train, valid, xval)

    def find_threshold_by_max_metric(
        self, metric: str, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Return the first threshold at which a two-class metric is largest."""
        return self._by_source(lambda m: m.find_threshold_by_max_metric(metric), train, valid, xval)

    def find_idx_by_threshold(
        self, threshold: float, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Return the row of `thresholds_and_metric_scores` that is nearest to a threshold."""
        return self._by_source(lambda m: m.find_idx_by_threshold(threshold), train, valid, xval)

    def default_threshold(self) -> float:
        """Return the probability from which on predict() answers the second class: the best F1 on validation rows if
        there are any, else on training rows."""
        model = self._trained()
        if model.category != "Binomial":
            raise H2OValueError(f"A threshold belongs to two classes; this is a {model.category} model.")
        return (model.validation_metrics or model.training_metrics).default_threshold()

    def gains_lift_plot(
        self, type: str = "both", xval: bool = False, server: bool = False, save_plot_path: str | None = None
    ) -> Any:
        """Draw cumulative gains and lift (two classes); returns an object with figure()."""
        return self._by_source(lambda m: m.gains_lift_plot(type, server, save_plot_path), not xval, False, xval)


def _plain(name: str, meaning: str) -> Callable[..., Any]:
    def ask(self: MetricAccessors, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        return self._by_source(lambda m: getattr(m, name)(), train, valid, xval)

    ask.__doc__ = f"Return the {meaning}."
    return _named(ask, name)


def _by_threshold(name: str, meaning: str) -> Callable[..., Any]:
    def ask(
        self: MetricAccessors, thresholds: Any = None, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        def of(metrics: Any) -> Any:
            return getattr(metrics, name)() if thresholds is None else getattr(metrics, name)(thresholds)

        return self._by_source(of, train, valid, xval)

    ask.__doc__ = f"Return the {meaning} as pairs [threshold, value]: at the best threshold, at those given, or 'all'."
    return _named(ask, name)


def _named(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    method.__name__ = name
    method.__qualname__ = f"MetricAccessors.{name}"
    return method


for _name, _meaning in PLAIN.items():
    setattr(MetricAccessors, _name, _plain(_name, _meaning))
for _name, _meaning in BY_THRESHOLD.items():
    setattr(MetricAccessors, _name, _by_threshold(_name, _meaning))
MetricAccessors.pr_auc = MetricAccessors.aucpr  # type: ignore[attr-defined]
