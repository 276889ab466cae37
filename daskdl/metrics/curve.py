"""The threshold curve of a two-class prediction: who is caught at or above each threshold, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from daskdl.metrics.bins import Bins, probabilities

TABLE_ROWS = 400


class Curve(NamedTuple):
    """Cumulated weights by falling threshold; index i counts the rows whose probability is >= thresholds[i].

    All float64 of shape (thresholds,). The last entry counts every row, so it holds the totals.
    """

    thresholds: np.ndarray
    tps: np.ndarray
    fps: np.ndarray

    @staticmethod
    def of(bins: Bins) -> Curve:
        """Cumulate bins of probability keys whose label 1 marks the positive rows."""
        keys, weights = bins.by_label(2)
        weights = np.cumsum(weights[::-1], axis=0)
        return Curve(probabilities(keys)[::-1].copy(), weights[:, 1].copy(), weights[:, 0].copy())

    @property
    def positives(self) -> float:
        """Weight of the positive rows."""
        return float(self.tps[-1]) if len(self.tps) else 0.0

    @property
    def negatives(self) -> float:
        """Weight of the negative rows."""
        return float(self.fps[-1]) if len(self.fps) else 0.0

    def take(self, at: np.ndarray | list[int] | slice) -> Curve:
        """Give the curve at some indices; the totals hold only if the last index is among them."""
        return Curve(self.thresholds[at], self.tps[at], self.fps[at])

    def criterion(self, name: str) -> np.ndarray:
        """Give one of CRITERIA at every threshold (thresholds,); NaN where it is undefined."""
        counts = Counts(self.tps, self.fps, self.negatives - self.fps, self.positives - self.tps)
        with np.errstate(divide="ignore", invalid="ignore"):
            return CRITERIA[name](counts)

    def best(self, name: str) -> int:
        """Give the first index (highest threshold) where a criterion is largest, -1 if it is defined nowhere."""
        values = self.criterion(name)
        return -1 if not len(values) or np.isnan(values).all() else int(np.nanargmax(values))

    def default(self) -> int:
        """Give the index of the default threshold: largest F1, else the last threshold >= 0.5; -1 for no rows."""
        best = self.best("f1")
        return best if best >= 0 else self._half()

    def reduced(self, rows: int = TABLE_ROWS) -> Curve:
        """Give at most `rows` of the points, none of them altered.

        Kept are the ends, the best threshold of every criterion and the default one; the rest are spread evenly along
        the ROC curve. So every maximum of the whole curve is found again at the same threshold.
        """
        if len(self.thresholds) <= rows:
            return self
        needed = {0, len(self.thresholds) - 1, self.default(), self._half(), *map(self.best, CRITERIA)} - {-1}
        along = self.tps / max(self.positives, 1e-300) + self.fps / max(self.negatives, 1e-300)
        steps = np.linspace(0.0, along[-1], rows - len(needed))
        spread = np.minimum(np.searchsorted(along, steps), len(along) - 1)
        return self.take(np.union1d(spread, sorted(needed)))

    def _half(self) -> int:
        if not len(self.thresholds):
            return -1
        return max(int((self.thresholds >= 0.5).sum()) - 1, 0)


class Counts(NamedTuple):
    """Weights of true and false positives and negatives, each of shape (thresholds,)."""

    tps: np.ndarray
    fps: np.ndarray
    tns: np.ndarray
    fns: np.ndarray


def _precision(c: Counts) -> np.ndarray:
    return c.tps / (c.tps + c.fps)


def _recall(c: Counts) -> np.ndarray:
    return c.tps / (c.tps + c.fns)


def _specificity(c: Counts) -> np.ndarray:
    return c.tns / (c.tns + c.fps)


def _f_score(beta2: float) -> Callable[[Counts], np.ndarray]:
    def score(c: Counts) -> np.ndarray:
        precision, recall = _precision(c), _recall(c)
        return (1.0 + beta2) * precision * recall / (beta2 * precision + recall)

    return score


def correlation(c: Counts) -> np.ndarray:
    """Give Matthews' correlation with its sign, 0 where its numerator is 0, within [-1, 1]."""
    above = c.tps * c.tns - c.fps * c.fns
    below = np.sqrt(c.tps + c.fps) * np.sqrt(c.tps + c.fns) * np.sqrt(c.tns + c.fps) * np.sqrt(c.tns + c.fns)
    return np.where(above == 0.0, 0.0, np.clip(above / below, -1.0, 1.0))


CRITERIA: dict[str, Callable[[Counts], np.ndarray]] = {
    "f1": _f_score(1.0),
    "f2": _f_score(4.0),
    "f0point5": _f_score(0.25),
    "accuracy": lambda c: (c.tps + c.tns) / (c.tps + c.tns + c.fps + c.fns),
    "precision": _precision,
    "recall": _recall,
    "specificity": _specificity,
    "absolute_mcc": lambda c: np.abs(correlation(c)),
    "min_per_class_accuracy": lambda c: np.minimum(_recall(c), _specificity(c)),
    "mean_per_class_accuracy": lambda c: (_recall(c) + _specificity(c)) / 2.0,
    "tns": lambda c: c.tns,
    "fns": lambda c: c.fns,
    "fps": lambda c: c.fps,
    "tps": lambda c: c.tps,
    "tnr": _specificity,
    "fnr": lambda c: c.fns / (c.fns + c.tps),
    "fpr": lambda c: c.fps / (c.fps + c.tns),
    "tpr": _recall,
}


def area_under_roc(tps: np.ndarray, fps: np.ndarray) -> np.ndarray:
    """Give the area under the ROC curve by trapezoids from (0, 0).

    Arrays (thresholds, ...) are weights cumulated by falling threshold; areas have the shape of the other axes.

    1 where there are no negatives, 0 where there are no positives, NaN where there are no rows.
    """
    tps, fps = np.broadcast_arrays(tps, fps)
    if not len(tps):
        return np.full(tps.shape[1:], np.nan)
    before_tps, before_fps = _before(tps), _before(fps)
    area = ((fps - before_fps) * (tps + before_tps)).sum(axis=0) / 2.0
    return _limits(area, tps[-1], fps[-1], tps[-1] * fps[-1])


def area_under_pr(tps: np.ndarray, fps: np.ndarray) -> np.ndarray:
    """Give the area under the precision-recall curve, exact between points.

    False positives grow linearly with true ones there (so precision does not).

    Shapes and limits as in `area_under_roc`.
    """
    tps, fps = np.broadcast_arrays(tps, fps)
    if not len(tps):
        return np.full(tps.shape[1:], np.nan)
    before_tps, before_fps = _before(tps), _before(fps)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (fps - before_fps) / (tps - before_tps)
        a, b = 1.0 + slope, (before_fps - slope * before_tps) / tps[-1]
        x, start = tps / tps[-1], before_tps / tps[-1]
        # a x + b is (tp + fp) / P: taking the sums themselves loses no digits where a and b are large
        bend = np.where(b == 0.0, 0.0, b / a * np.log((tps + fps) / (before_tps + before_fps)))
        area = np.where(tps > before_tps, (x - start - bend) / a, 0.0).sum(axis=0)
    return _limits(area, tps[-1], fps[-1], np.ones_like(area))


def _before(cumulated: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros_like(cumulated[:1]), cumulated[:-1]])


def _limits(area: np.ndarray, positives: np.ndarray, negatives: np.ndarray, scale: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        area = np.where(negatives > 0.0, np.where(positives > 0.0, area / scale, 0.0), 1.0)
    return np.where((positives > 0.0) | (negatives > 0.0), area, np.nan)
