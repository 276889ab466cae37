"""Areas under the curve of more than two classes: each class against the rest, and each pair of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from daskdl.metrics.bins import Bins
from daskdl.metrics.curve import area_under_pr, area_under_roc
from daskdl.metrics.table import H2OTwoDimTable

Area = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Areas(NamedTuple):
    """`rest` (classes,): class c against all others; `pair` (classes, classes): c against j; both scored by p_c.

    `weights` (classes,) is the weight of each actual class.
    """

    rest: np.ndarray
    pair: np.ndarray
    weights: np.ndarray

    @staticmethod
    def of(bins: Sequence[Bins], area: Area) -> Areas:
        """Compute all areas; `bins[c]` holds the keys of p_c labelled by the actual class."""
        classes = len(bins)
        rest, pair = np.empty(classes), np.full((classes, classes), np.nan)
        weights = np.zeros(classes)
        for c, held in enumerate(bins):
            _, by_class = held.by_label(classes)
            cumulated = np.cumsum(by_class[::-1], axis=0)
            own = cumulated[:, c]
            others = np.delete(cumulated, c, axis=1).sum(axis=1)
            rest[c] = area(own, others)
            pair[c] = area(own[:, None], cumulated)
            weights[c] = own[-1] if len(own) else 0.0
        return Areas(rest, pair, weights)

    def between(self, i: int, j: int) -> float:
        """Give the area of the pair: the mean of i against j scored by p_i and of j against i scored by p_j."""
        return float((self.pair[i, j] + self.pair[j, i]) / 2.0)

    def value(self, kind: str) -> float:
        """Give one of the four means: MACRO_OVR, WEIGHTED_OVR, MACRO_OVO, WEIGHTED_OVO."""
        if kind.endswith("OVR"):
            return _mean(self.rest, None if kind.startswith("MACRO") else self.weights)
        pairs = list(combinations(range(len(self.rest)), 2))
        values = np.array([self.between(i, j) for i, j in pairs])
        shares = np.array([self.weights[i] + self.weights[j] for i, j in pairs])
        return _mean(values, None if kind.startswith("MACRO") else shares)


def _mean(values: np.ndarray, weights: np.ndarray | None) -> float:
    if not len(values):
        return float("nan")
    if weights is None:
        return float(values.mean())
    return float((values * weights).sum() / weights.sum()) if weights.sum() else float("nan")


def areas_table(areas: Areas, domain: Sequence[str], column: str) -> H2OTwoDimTable:
    """Build H2O's table of all areas; `column` is auc or aucpr."""
    rows: list[list[object]] = [[f"{name} vs Rest", name, None, float(areas.rest[c])] for c, name in enumerate(domain)]
    rows += [
        ["Macro OVR", None, None, areas.value("MACRO_OVR")],
        ["Weighted OVR", None, None, areas.value("WEIGHTED_OVR")],
    ]
    for i, j in combinations(range(len(domain)), 2):
        rows.append([f"{domain[i]} vs {domain[j]}", domain[i], domain[j], areas.between(i, j)])
    rows += [
        ["Macro OVO", None, None, areas.value("MACRO_OVO")],
        ["Weighted OVO", None, None, areas.value("WEIGHTED_OVO")],
    ]
    return H2OTwoDimTable(
        f"Multinomial {column} values",
        None,
        ["type", "first_class_domain", "second_class_domain", column],
        ["string", "string", "string", "double"],
        rows,
    )


AREAS: dict[str, Area] = {"auc": area_under_roc, "aucpr": area_under_pr}
