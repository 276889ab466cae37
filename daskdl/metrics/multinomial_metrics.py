"""The metrics object of a model of more than two classes, with h2o-py's accessors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from daskdl.metrics.base import Header, MetricNotAvailable, ModelMetrics, ratio
from daskdl.metrics.confusion import class_errors, confusion_table
from daskdl.metrics.metric import Metric
from daskdl.metrics.table import H2OTwoDimTable

_NO_TABLE = {
    "auc": "AUC table was not computed: auc_type is AUTO or NONE, or there are more than 50 classes.",
    "aucpr": "AUCPR table was not computed: auc_type is AUTO or NONE, or there are more than 50 classes.",
}


class H2OMultinomialModelMetrics(ModelMetrics):
    """Metrics of a model of more than two classes; confusion and error shares are weighted.

    Rows whose label is not in the domain count as errors of the whole, not of a class.
    """

    category = "Multinomial"
    title = "ModelMetricsMultinomial"

    def __init__(
        self,
        header: Header,
        nobs: int,
        scalars: dict[str, float],
        domain: tuple[str, ...],
        *,
        weights: np.ndarray,
        errors: np.ndarray,
        hits: np.ndarray,
        confusion: np.ndarray | None,
        areas: dict[str, H2OTwoDimTable],
    ) -> None:
        super().__init__(header, nobs, scalars, domain)
        self._weights, self._errors, self._hits = weights, errors, hits
        self._confusion, self._areas = confusion, areas

    def error(self, thresholds: None = None) -> float:
        """Give the share of wrongly predicted weight."""
        _no_thresholds("error", thresholds)
        return ratio(float(self._errors.sum()), float(self._weights.sum()))

    def mean_per_class_error(self, thresholds: None = None) -> float:
        """Give the mean over the classes of each one's share of errors; an empty class counts 0."""
        _no_thresholds("mean_per_class_error", thresholds)
        return float(self._class_errors().mean())

    def largest_class_error(self) -> float:
        """Give the largest of the classes' shares of errors."""
        return float(self._class_errors().max())

    def wrong(self) -> float:
        """Give the weight of the wrongly predicted rows."""
        return float(self._errors.sum())

    def _class_errors(self) -> np.ndarray:
        return class_errors(self._errors[:-1], self._weights[:-1]) if self._weights.sum() else np.array([math.nan])

    def _reports(self, metric: Metric) -> bool:
        return bool(self._areas) or not metric.accessors or metric.accessors[0] not in _NO_TABLE

    def confusion_matrix(self, metrics: None = None, thresholds: None = None) -> H2OTwoDimTable:
        """Give the table actual x predicted; the first column names the actual class, the last row holds totals."""
        _no_thresholds("confusion_matrix", metrics if thresholds is None else thresholds)
        if self._confusion is None:
            raise MetricNotAvailable(
                f"A confusion matrix is kept for up to 1000 classes; got {len(self.domain or ())}. "
                f"Use error() and mean_per_class_error()."
            )
        return confusion_table(self._confusion, self.domain or ())

    def hit_ratio_table(self) -> H2OTwoDimTable | None:
        """Give the share of weight whose actual class is among the k most probable ones; None for max_hit_ratio_k=0."""
        if not len(self._hits):
            return None
        rows = [[rank + 1, float(hit)] for rank, hit in enumerate(self._hits)]
        return H2OTwoDimTable(f"Top-{len(rows)} Hit Ratios", None, ["k", "hit_ratio"], ["int", "double"], rows)

    def multinomial_auc_table(self) -> H2OTwoDimTable:
        """Give the table of AUC by class and by pair; MetricNotAvailable unless auc_type asked for one."""
        return self._area_table("auc")

    def multinomial_aucpr_table(self) -> H2OTwoDimTable:
        """Give the table of AUCPR by class and by pair; MetricNotAvailable unless auc_type asked for one."""
        return self._area_table("aucpr")

    def _area_table(self, name: str) -> H2OTwoDimTable:
        if name not in self._areas:
            raise MetricNotAvailable(
                f"{_NO_TABLE[name]} Set auc_type to macro_ovr, weighted_ovr, macro_ovo or weighted_ovo."
            )
        return self._areas[name]

    @property
    def _metric_json(self) -> dict[str, Any]:
        return super()._metric_json | {
            "cm": None if self._confusion is None else {"table": self.confusion_matrix()},
            "hit_ratio_table": self.hit_ratio_table(),
            "multinomial_auc_table": self._areas.get("auc"),
            "multinomial_aucpr_table": self._areas.get("aucpr"),
        }

    def _tables(self) -> list[str | H2OTwoDimTable]:
        areas = [self._areas.get(name, sentence) for name, sentence in _NO_TABLE.items()]
        matrix = [] if self._confusion is None else [self.confusion_matrix()]
        ranks = self.hit_ratio_table()
        return [*areas, *matrix, *([] if ranks is None else [ranks])]

    def to_dict(self) -> dict[str, Any]:
        """Give the measurement as plain values."""
        return super().to_dict() | {
            "weights": self._weights.tolist(),
            "errors": self._errors.tolist(),
            "hits": self._hits.tolist(),
            "confusion": None if self._confusion is None else self._confusion.tolist(),
            "areas": {name: table.to_dict() for name, table in self._areas.items()},
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> H2OMultinomialModelMetrics:
        """Build the measurement that `to_dict` wrote."""
        confusion = values["confusion"]
        return cls(
            **cls._common(values),
            weights=np.asarray(values["weights"], float),
            errors=np.asarray(values["errors"], float),
            hits=np.asarray(values["hits"], float),
            confusion=None if confusion is None else np.asarray(confusion, float),
            areas={name: H2OTwoDimTable.from_dict(table) for name, table in values["areas"].items()},
        )


def _no_thresholds(name: str, given: object) -> None:
    if given is not None:
        raise MetricNotAvailable(
            f"{name}() of more than two classes has no thresholds: the likeliest class is predicted; got {given!r}. "
            f"Ask without."
        )
