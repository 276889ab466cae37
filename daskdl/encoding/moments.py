"""Weighted means and spreads of columns, mergeable over partitions. Source: docs/training.md 1.3.

Weights act as H2O has them: mean = sum(w x) / sum(w), variance = n / (n - 1) * sum(w (x - mean)^2) / sum(w), where n
counts the rows with a value and a weight above 0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from daskdl.encoding.encoder import Moments


class WeightedMoments(NamedTuple):
    """Moments of some rows of one column."""

    count: int
    weight: float
    mean: float
    m2: float  # sum of w (x - mean)^2
    minimum: float
    maximum: float

    def merge(self, other: WeightedMoments) -> WeightedMoments:
        """Return the moments of both sets of rows."""
        if not self.count or not other.count:
            return self if self.count else other
        weight = self.weight + other.weight
        apart = other.mean - self.mean
        return WeightedMoments(
            count=self.count + other.count,
            weight=weight,
            mean=self.mean + apart * other.weight / weight,
            m2=self.m2 + other.m2 + apart**2 * self.weight * other.weight / weight,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
        )

    def moments(self) -> Moments:
        """Return mean, deviation and extremes.

        >>> weighted_moments(np.array([1.0, 3.0]), np.array([1.0, 1.0])).moments().mean
        2.0
        """
        spread = self.m2 / self.weight * self.count / (self.count - 1) if self.count > 1 else math.nan
        return Moments(self.mean, math.sqrt(spread), self.minimum, self.maximum)


def weighted_moments(values: np.ndarray, weights: np.ndarray) -> WeightedMoments:
    """Return the moments of `values` (rows,) float64, NaN missing, under `weights` (rows,); weight 0 skips a row.

    >>> weighted_moments(np.array([1.0, 4.0, np.nan]), np.array([2.0, 1.0, 1.0])).mean
    2.0
    """
    kept = ~np.isnan(values) & (weights > 0)
    x, w = values[kept], weights[kept]
    if not len(x):
        return WeightedMoments(count=0, weight=0.0, mean=math.nan, m2=0.0, minimum=math.nan, maximum=math.nan)
    total = float(w.sum())
    mean = float(w @ x / total)
    return WeightedMoments(
        count=len(x),
        weight=total,
        mean=mean,
        m2=float(w @ (x - mean) ** 2),
        minimum=float(x.min()),
        maximum=float(x.max()),
    )


def level_weights(codes: np.ndarray, levels: int, weights: np.ndarray) -> np.ndarray:
    """Return (2, levels + 1): rows with a weight above 0 and summed weights of each level, missing (-1) last.

    >>> level_weights(np.array([0, 1, 1, -1]), 2, np.array([1.0, 2.0, 0.0, 4.0])).tolist()
    [[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]]
    """
    kept = weights > 0
    codes = np.where(codes[kept] < 0, levels, codes[kept])
    counts = np.bincount(codes, minlength=levels + 1).astype(np.float64)
    return np.stack([counts, np.bincount(codes, weights[kept], levels + 1)])


def level_responses(codes: np.ndarray, levels: int, response: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return (2, levels): summed weights and summed weighted responses of each level; add over partitions.

    >>> level_responses(np.array([0, 1, 1]), 2, np.array([1.0, 2.0, 4.0]), np.ones(3)).tolist()
    [[1.0, 2.0], [1.0, 6.0]]
    """
    kept = (codes >= 0) & ~np.isnan(response) & (weights > 0)
    total = np.bincount(codes[kept], weights[kept], levels)
    return np.stack([total, np.bincount(codes[kept], weights[kept] * response[kept], levels)])
