"""Metrics of a model under h2o-py's names: no flag asks for training, one flag for that value, several for a dict."""

from collections.abc import Callable
from typing import Any, TypeVar

from daskdl.metrics import METRICS
from daskdl.metrics.at_threshold import METHODS
from daskdl.model.apply import performance
from frames.exceptions import H2OValueError

T = TypeVar("T")


def _plain(name: str, meaning: str) -> Callable[..., Any]:
    def ask(self: "MetricAccessors", train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        return self._by_source(lambda m: getattr(m, name)(), train, valid, xval)

    ask.__doc__ = f"Return the {meaning}."
    return _named(ask, name)


def _by_threshold(name: str, meaning: str) -> Callable[..., Any]:
    def ask(
        self: "MetricAccessors", thresholds: Any = None, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        if isinstance(thresholds, bool):  # h2o-py's form for more than two classes has no thresholds
            thresholds, train, valid, xval = None, thresholds, train, valid

        def of(metrics: Any) -> Any:
            return getattr(metrics, name)() if thresholds is None else getattr(metrics, name)(thresholds)

        return self._by_source(of, train, valid, xval)

    ask.__doc__ = (
        f"Return the {meaning}.\n\n    Two classes: pairs [threshold, value] at the best threshold, at those given, "
        "or at 'all'. More classes, where they have it: a number."
    )
    return _named(ask, name)


def _named(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    method.__name__ = name
    method.__qualname__ = f"MetricAccessors.{name}"
    return method


def with_metrics(cls: type[T]) -> type[T]:
    """Give a class a method for each metric, but for those that it writes itself, and for what thresholds are given."""
    for metric in METRICS.values():
        for name in metric.accessors:
            if name in vars(cls):
                continue
            setattr(cls, name, _plain(name, metric.meaning))
    for name, one in METHODS.items():
        setattr(cls, name, _by_threshold(name, one.meaning))
    return cls


@with_metrics
class MetricAccessors:
    """The metric methods of an estimator; `_trained()` gives the model or raises.

    Those without further arguments (mse, auc, ...) are made from the entries of `daskdl.metrics.METRICS`, those of two
    classes at a threshold (F1, recall, ...) from `daskdl.metrics.at_threshold.METHODS`.
    """

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
        """Return the mean deviance of the model's distribution (regression); None for other models, as in h2o-py."""
        regression = self._trained().category == "Regression"
        return self._by_source(lambda m: m.mean_residual_deviance() if regression else None, train, valid, xval)

    def null_deviance(self, train: bool = False, valid: bool = False, xval: bool = False) -> None:
        """Return None: a network has no null model (h2o-py answers the same)."""
        self._trained()

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
            scored = performance(self._trained(), frame)
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
        return model.default_threshold

    def gains_lift_plot(
        self,
        type: str = "both",
        xval: bool = False,
        server: bool = False,
        save_plot_path: str | None = None,
        plot: bool = True,
    ) -> Any:
        """Draw cumulative gains and lift (two classes); returns an object with figure()."""
        return self._by_source(lambda m: m.gains_lift_plot(type, server, save_plot_path, plot), not xval, False, xval)

    # ---- asked without further arguments
    gains_lift = _plain("gains_lift", "table of gains and lift (two classes)")
    roc = _plain("roc", "false and true positive rates, two lists (two classes)")
    thresholds_and_metric_scores = _plain(
        "thresholds_and_metric_scores", "table of every threshold's metrics (two classes)"
    )
    hit_ratio_table = _plain("hit_ratio_table", "table of top-K hit ratios (more than two classes)")
    multinomial_auc_table = _plain("multinomial_auc_table", "table of AUC per class or pair (more than two classes)")
    multinomial_aucpr_table = _plain(
        "multinomial_aucpr_table", "table of AUCPR per class or pair (more than two classes)"
    )
