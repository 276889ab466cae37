"""The metrics object of a two-class model, with h2o-py's accessors."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from daskdl.metrics.at_threshold import ALIASES, METHODS, AtThreshold
from daskdl.metrics.base import Header, ModelMetrics
from daskdl.metrics.confusion import ConfusionMatrix, error_values
from daskdl.metrics.curve import CRITERIA, Curve
from daskdl.metrics.gains import gains_table
from daskdl.metrics.plot import Drawing, draw_gains, draw_lines
from daskdl.metrics.table import H2OTwoDimTable
from frames.exceptions import H2OValueError

T = TypeVar("T")


class MetricValues(list):
    """Pairs [threshold, value]; `value` is the value of the only pair, or the list of values of several."""

    @property
    def value(self) -> Any:
        """The value without its threshold."""
        return self[0][1] if len(self) == 1 else [pair[1] for pair in self]


def _method(one: AtThreshold) -> Callable[..., MetricValues]:
    def ask(self: H2OBinomialModelMetrics, thresholds: Any = None) -> MetricValues:
        pairs = self.metric(one.criterion, thresholds)
        return MetricValues([[at, 1.0 - value] for at, value in pairs]) if one.complement else pairs

    best = "where it is smallest" if one.complement else "where it is largest"
    ask.__doc__ = f"Give the {one.meaning} as pairs [threshold, value], as `metric` does: for None {best}."
    ask.__name__, ask.__qualname__ = one.name, f"H2OBinomialModelMetrics.{one.name}"
    return ask


def _with_methods(cls: type[T]) -> type[T]:
    """Give a class what is asked at a threshold of one's own."""
    for name, one in METHODS.items():
        setattr(cls, name, _method(one))
    return cls


@_with_methods
class H2OBinomialModelMetrics(ModelMetrics):
    """Metrics of a two-class model.

    F1, accuracy, recall, ... at a threshold come from `daskdl.metrics.at_threshold.METHODS`.

    The whole threshold curve is held after a measurement; `to_dict` keeps at most 400 of its points, so chosen that all
    maxima, their thresholds and the default threshold stay the same. Thresholds are probabilities that occurred (lower
    edges of bins above 200,000 distinct ones, see `bins`).
    """

    category = "Binomial"
    title = "ModelMetricsBinomial"

    def __init__(
        self,
        header: Header,
        nobs: int,
        scalars: dict[str, float],
        domain: tuple[str, ...],
        *,
        curve: Curve,
        gainslift_bins: int = -1,
        gains: H2OTwoDimTable | None = None,
        ranked: int | None = None,
    ) -> None:
        super().__init__(header, nobs, scalars, domain)
        self._ranked = nobs if ranked is None else ranked  # rows of the two known classes
        self.curve = curve
        self.gainslift_bins = gainslift_bins
        if gains is not None:
            self._gains = gains

    @cached_property
    def points(self) -> Curve:
        """The at most 400 points of the curve that tables and look-ups use."""
        return self.curve.reduced()

    @cached_property
    def _gains(self) -> H2OTwoDimTable | None:
        return gains_table(self.curve, self._ranked, self.gainslift_bins)

    # -- numbers -------------------------------------------------------------------------------------------------------

    def default_threshold(self) -> float:
        """Give the threshold from which on class 1 is predicted: the first that maximises F1, else 0.5."""
        best = self.points.best("f1")
        return float(self.points.thresholds[best]) if best >= 0 else 0.5

    def values(self) -> dict[str, float]:
        """Give every scalar by its names, and the default threshold."""
        return super().values() | {"default_threshold": self.default_threshold()}

    def at_default(self, name: str) -> float:
        """Give one of the 18 criteria at the default threshold; NaN where no row was measured."""
        at = self.points.default()
        return math.nan if at < 0 else float(self._at_default.criterion(name)[0])

    @cached_property
    def _at_default(self) -> Curve:
        return self.points.take([self.points.default(), -1])  # the last point carries the totals

    @cached_property
    def errors_at_default(self) -> Mapping[str, float]:
        """What follows from the confusion matrix at the default threshold, by metric; NaN where no row was measured."""
        at = self.points.default()
        return defaultdict(lambda: math.nan) if at < 0 else error_values(self._cells(at))

    def _cells(self, at: int) -> list[list[float]]:
        tp, fp = float(self.points.tps[at]), float(self.points.fps[at])
        return [[self.points.negatives - fp, fp], [self.points.positives - tp, tp]]

    # -- values at thresholds ------------------------------------------------------------------------------------------

    def metric(self, metric: str, thresholds: float | Sequence[float] | str | None = None) -> MetricValues:
        """Give [[threshold, value], ...] of one of the 18 criteria.

        thresholds None: at the threshold of its maximum; "all": at every stored one; a number or a list: at the stored
        ones closest by. Raises H2OValueError for an unknown criterion or a threshold outside [0, 1].
        """
        name = _criterion(metric)
        if thresholds is None:
            best = self.points.best(name)
            if best < 0:
                return MetricValues([[math.nan, math.nan]])
            chosen = [best]
        elif isinstance(thresholds, str):
            if thresholds != "all":
                raise H2OValueError(f'thresholds must be None, "all", a number or a list; got {thresholds!r}.')
            chosen = list(range(len(self.points.thresholds)))
        else:
            chosen = [self.find_idx_by_threshold(t) for t in np.atleast_1d(np.asarray(thresholds, float))]
        values = self.points.criterion(name)
        return MetricValues([[float(self.points.thresholds[at]), float(values[at])] for at in chosen])

    def find_threshold_by_max_metric(self, metric: str) -> float:
        """Give the highest threshold at which a criterion is largest."""
        return self.metric(metric)[0][0]

    def find_idx_by_threshold(self, threshold: float) -> int:
        """Give the row of `thresholds_and_metric_scores` closest to a threshold in [0, 1]; say if none equals it."""
        if not 0.0 <= threshold <= 1.0:
            raise H2OValueError(f"A threshold must lie between 0 and 1; got {threshold}.")
        if not len(self.points.thresholds):
            raise H2OValueError("There is no threshold to look up: no row was measured.")
        at = int(np.abs(self.points.thresholds - threshold).argmin())
        closest = float(self.points.thresholds[at])
        if abs(closest - threshold) > 1e-8 * max(1e-300, abs(threshold)):
            print(f"Could not find exact threshold {threshold}; using closest threshold found {closest}.")
        return at

    # -- tables --------------------------------------------------------------------------------------------------------

    def confusion_matrix(
        self,
        metrics: str | Sequence[str] | None = None,
        thresholds: float | Sequence[float] | None = None,
    ) -> ConfusionMatrix | list[ConfusionMatrix]:
        """Give the confusion matrix where a criterion is largest (f1 by default) and/or at the closest thresholds.

        Several metrics and thresholds give a list, metrics first; metrics="all" means all 18.
        """
        named = [] if metrics is None else list(CRITERIA) if metrics == "all" else _listed(metrics)
        given = [] if thresholds is None else [float(at) for at in _listed(thresholds)]
        if not named and not given:
            named = ["f1"]
        found = [self._matrix_of(name) for name in named] + [self._matrix_at(at) for at in given]
        return found[0] if len(found) == 1 else found

    def _matrix_of(self, metric: str) -> ConfusionMatrix:
        name = _criterion(metric)
        at = self.points.default() if name == "f1" else self.points.best(name)
        if at < 0:
            return ConfusionMatrix(
                [[0.0, 0.0], [0.0, 0.0]], self._levels(), "Confusion Matrix (Act/Pred), no threshold"
            )
        where = f"for max {name} @ threshold = {float(self.points.thresholds[at])!r}"
        return ConfusionMatrix(self._cells(at), self._levels(), f"Confusion Matrix (Act/Pred) {where}")

    def _matrix_at(self, threshold: float) -> ConfusionMatrix:
        at = self.find_idx_by_threshold(threshold)
        title = f"Confusion Matrix (Act/Pred) @ threshold = {float(self.points.thresholds[at])!r}"
        return ConfusionMatrix(self._cells(at), self._levels(), title)

    def _levels(self) -> tuple[str, ...]:
        return self.domain or ("0", "1")

    def thresholds_and_metric_scores(self) -> H2OTwoDimTable:
        """Give the table of the 18 criteria by falling threshold, at most 400 rows, each exact at its threshold."""
        columns = [self.points.thresholds, *(self.points.criterion(name) for name in CRITERIA)]
        rows = [[*map(float, row), at] for at, row in enumerate(zip(*columns, strict=True))]
        return H2OTwoDimTable(
            "Metrics for Thresholds",
            "Binomial metrics as a function of classification thresholds",
            ["threshold", *CRITERIA, "idx"],
            ["double"] * (1 + len(CRITERIA)) + ["int"],
            rows,
        )

    def max_criteria(self) -> H2OTwoDimTable:
        """Give the table of maxima: metric, threshold, value, idx (the row of `thresholds_and_metric_scores`)."""
        rows = [[f"max {name}", *self.metric(name)[0], self.points.best(name)] for name in CRITERIA]
        return H2OTwoDimTable(
            "Maximum Metrics",
            "Maximum metrics at their respective thresholds",
            ["metric", "threshold", "value", "idx"],
            ["string", "double", "double", "int"],
            rows,
        )

    def roc(self) -> tuple[list[float], list[float]]:
        """Give the ROC curve: false and true positive rates by falling threshold, (0, 0) not included."""
        return self.fprs, self.tprs

    @property
    def fprs(self) -> list[float]:
        """False positive rates by falling threshold."""
        return self.points.criterion("fpr").tolist()

    @property
    def tprs(self) -> list[float]:
        """True positive rates by falling threshold."""
        return self.points.criterion("tpr").tolist()

    def gains_lift(self) -> H2OTwoDimTable | None:
        """Give the gains/lift table, None if gainslift_bins was 0."""
        return self._gains

    # -- drawings ------------------------------------------------------------------------------------------------------

    def plot(
        self, type: str = "roc", server: bool = False, save_plot_path: str | None = None, plot: bool = True
    ) -> Drawing | tuple[list[float], list[float]]:
        """Draw the ROC ("roc") or precision-recall ("pr") curve; with plot=False give its coordinates (x, y)."""
        if type == "roc":
            x, y, labels = *self.roc(), ("False positive rate", "True positive rate", "ROC curve", "AUC", self.auc())
        elif type == "pr":
            x, y = self.points.criterion("recall").tolist(), self.points.criterion("precision").tolist()
            labels = ("Recall", "Precision", "Precision-recall curve", "AUCPR", self.aucpr())
        else:
            raise H2OValueError(f'type must be "roc" or "pr"; got {type!r}.')
        if not plot:
            return x, y
        return draw_lines(x, y, labels, diagonal=type == "roc", server=server, save_plot_path=save_plot_path)

    def gains_lift_plot(
        self, type: str = "both", server: bool = False, save_plot_path: str | None = None, plot: bool = True
    ) -> Drawing:
        """Draw cumulative capture rate ("gains"), cumulative lift ("lift") or both over the share of rows.

        With plot=False, or `server`, no window opens.
        """
        if self._gains is None:
            raise H2OValueError("There is no gains/lift table to draw: gainslift_bins was 0 or no row was measured.")
        return draw_gains(self._gains, type, server=server or not plot, save_plot_path=save_plot_path)

    # -- report and JSON -----------------------------------------------------------------------------------------------

    @property
    def _metric_json(self) -> dict[str, Any]:
        return super()._metric_json | {
            "cm": {"table": self._matrix_of("f1").table},
            "thresholds_and_metric_scores": self.thresholds_and_metric_scores(),
            "max_criteria_and_metric_scores": self.max_criteria(),
            "gains_lift_table": self._gains,
        }

    def _tables(self) -> list[str | H2OTwoDimTable]:
        gains = [] if self._gains is None else [self._gains]
        return [self._matrix_of("f1").table, self.max_criteria(), *gains]

    def to_dict(self) -> dict[str, Any]:
        """Give the measurement as plain values: the scalars, at most 400 points of the curve, the gains/lift table."""
        return super().to_dict() | {
            "gainslift_bins": self.gainslift_bins,
            "curve": [part.tolist() for part in self.points],
            "gains": None if self._gains is None else self._gains.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> H2OBinomialModelMetrics:
        """Build the measurement that `to_dict` wrote."""
        gains = None if values["gains"] is None else H2OTwoDimTable.from_dict(values["gains"])
        curve = Curve(*(np.asarray(part, float) for part in values["curve"]))
        return cls(**cls._common(values), curve=curve, gainslift_bins=values["gainslift_bins"], gains=gains)


def _criterion(name: str) -> str:
    known = ALIASES.get(name, name)
    if known not in CRITERIA:
        raise H2OValueError(f"A threshold metric must be one of {[*CRITERIA, *ALIASES]}; got {name!r}.")
    return known


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]
