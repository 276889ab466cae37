"""Weights gathered per distinct value (and label): the part of a metric's state that keeps an order of rows.

Values are held as 64-bit integers in the same order: the bits of the number, with probabilities above one half
mirrored so that both ends of [0, 1] are resolved equally. A set that outgrows `limit` drops low bits of every key, as
few as suffice. Dropping bits is nested, and a subset never needs more of it than the whole, so the result does not
depend on how the rows were split. Between limit/2 and limit bins remain; each stands at its lower edge, so counts of
"value >= edge" stay exact and only ties inside a bin are new: an area under the curve is off by at most half the sum
over bins of (share of positives x share of negatives), about 1e-5 for 100,000 bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LIMIT = 200_000
_HALF = int(np.array(0.5).view(np.int64))


def probability_keys(values: np.ndarray) -> np.ndarray:
    """Turn float64 probabilities in [0, 1] into int64 keys of the same order; values from 0.5 on are mirrored."""
    low = np.where(values <= 0.5, values, 1.0 - values) + 0.0  # + 0.0 turns -0.0 into 0.0, whose bits are zero
    keys = low.view(np.int64)
    return np.where(values <= 0.5, keys, 2 * _HALF - keys)


def probabilities(keys: np.ndarray) -> np.ndarray:
    """Give back the probabilities of `probability_keys`, exact."""
    mirrored = keys > _HALF
    values = np.where(mirrored, 2 * _HALF - keys, keys).view(np.float64)
    return np.where(mirrored, 1.0 - values, values)


def magnitude_keys(values: np.ndarray) -> np.ndarray:
    """Turn float64 numbers >= 0 into int64 keys of the same order."""
    return (np.asarray(values, np.float64) + 0.0).view(np.int64)


def magnitudes(keys: np.ndarray) -> np.ndarray:
    """Give back the numbers of `magnitude_keys`, exact."""
    return np.ascontiguousarray(keys).view(np.float64)


@dataclass(frozen=True, eq=False)
class Bins:
    """Sum of weights per (key, label), sorted by key, then label; at most `limit` of them, `level` low bits dropped."""

    keys: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    level: int
    limit: int

    @staticmethod
    def of(keys: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, limit: int = LIMIT) -> Bins:
        """Gather rows: int64 keys, small integer labels, weights (None: one each), all of shape (rows,)."""
        return _shrunk(*_gathered(keys, labels.astype(np.int16, copy=False), weights), 0, limit)

    def merge(self, other: Bins) -> Bins:
        """Give the bins of the rows of both."""
        level = max(self.level, other.level)
        keys = np.concatenate([_dropped(self.keys, level), _dropped(other.keys, level)])
        labels = np.concatenate([self.labels, other.labels])
        weights = np.concatenate([self.weights, other.weights])
        return _shrunk(*_gathered(keys, labels, weights), level, min(self.limit, other.limit))

    def by_label(self, classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the distinct keys (d,), rising, and their weights (d, classes)."""
        fresh = np.ones(len(self.keys), bool)
        fresh[1:] = self.keys[1:] != self.keys[:-1]
        rows = np.cumsum(fresh) - 1
        weights = np.zeros((int(fresh.sum()), classes))
        weights[rows, self.labels] = self.weights
        return self.keys[fresh], weights


def _gathered(
    keys: np.ndarray, labels: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.lexsort((labels, keys))
    keys, labels = keys[order], labels[order]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = (keys[1:] != keys[:-1]) | (labels[1:] != labels[:-1])
    starts = np.flatnonzero(fresh)
    if weights is None:
        sums = np.diff(np.append(starts, len(keys))).astype(np.float64)
    else:
        sums = np.add.reduceat(weights[order], starts) if len(starts) else np.zeros(0)
    return keys[starts], labels[starts], sums


def _shrunk(keys: np.ndarray, labels: np.ndarray, weights: np.ndarray, level: int, limit: int) -> Bins:
    if len(keys) > limit:
        order = np.lexsort((keys, labels))
        low, high = level, 63
        while low + 1 < high:  # the smallest level whose distinct (key, label) pairs fit; the count falls as it grows
            middle = (low + high) // 2
            low, high = (low, middle) if _distinct(keys[order], labels[order], middle) <= limit else (middle, high)
        level = high
        keys, labels, weights = _gathered(_dropped(keys, level), labels, weights)
    return Bins(keys, labels, weights, level, limit)


def _dropped(keys: np.ndarray, level: int) -> np.ndarray:
    return (keys >> level) << level if level else keys


def _distinct(keys: np.ndarray, labels: np.ndarray, level: int) -> int:
    cut = keys >> level
    return 1 + int(((cut[1:] != cut[:-1]) | (labels[1:] != labels[:-1])).sum())


def quantiles(values: np.ndarray, weights: np.ndarray, probabilities: np.ndarray, rows: int) -> np.ndarray:
    """Give interpolated quantiles of `values` (rising, distinct) that weigh `weights` and stand for `rows` rows.

    A whole-numbered weight counts as that many rows (the usual rule h = (n - 1) p between neighbours). Weights that
    average below one are first scaled to average one, else a light data set would have no spread left.
    """
    if not len(values):
        return np.full(len(probabilities), np.nan)
    cumulated = np.cumsum(weights)
    if cumulated[-1] < rows:
        cumulated = cumulated * (rows / cumulated[-1])
    place = probabilities * max(cumulated[-1] - 1.0, 0.0)
    below = np.floor(place)
    last = len(values) - 1
    low = values[np.minimum(np.searchsorted(cumulated, below, side="right"), last)]
    high = values[np.minimum(np.searchsorted(cumulated, below + 1.0, side="right"), last)]
    part = place - below
    return np.where((part == 0.0) | (low == high), low, low + part * (high - low))
