"""Exact quantiles in bounded memory: bins are counted, those that hold a quantile are counted finer, until few rows
are left; only these are brought together.

Values are looked at as *keys*, integers of 64 bits in the same order. A pass over the rows cuts the intervals of keys
that hold a quantile into about 4,096 bins altogether. Two passes, and one that brings the rest together, do for most
columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from frames.cluster.placement import Place, summaries_at
from frames.cluster.sending import gather, submit
from frames.cluster.tasks import absent, as_float, fits_long, reduce
from frames.table.integers import EXACT, plain, size_of

BIN_BITS, LEAST_BITS = 12, 4
"""A column has about 2**12 bins, but each of its intervals 2**4 at least."""

CELL_BITS = 16
"""Where a column has several intervals, its keys are looked up in 2**16 cells: a table that stays in the cache."""

FEW = 2**15
"""Rows of a column that may be brought together: 512 KiB of values and counts."""

COLUMNS_BYTES = 32 * 2**20
"""What the columns that are brought together at a time may weigh."""

_SIGN = np.uint64(1 << 63)


def keys_of(values: np.ndarray, whole: bool) -> np.ndarray:
    """Return present values as uint64 in the same order; with `whole` as integers, else as doubles.

    Zeros of both signs are one value.

    >>> keys = keys_of(np.array([-np.inf, -1.5, -0.0, 0.0, 2.0]), whole=False)
    >>> bool((np.diff(keys.astype(object)) > 0)[[0, 1, 3]].all()), bool(keys[2] == keys[3])
    (True, True)
    """
    if whole:
        return values.astype(np.int64, copy=False).view(np.uint64) ^ _SIGN
    bits = (as_float(values) + 0.0).view(np.uint64)
    flipped = (bits.view(np.int64) >> 63).view(np.uint64)  # of a negative number all bits
    flipped |= _SIGN
    bits ^= flipped
    return bits


def value_of(key: int, whole: bool) -> float:
    """Return the value that a key stands for: an int where the column is `whole`.

    >>> value_of(int(keys_of(np.array([2.5]), whole=False)[0]), whole=False)
    2.5
    """
    bits = np.array([key], np.uint64)
    if whole:
        return int((bits ^ _SIGN).view(np.int64)[0])
    return float(np.where(bits & _SIGN, bits ^ _SIGN, ~bits).view(np.float64)[0])


class Interval(NamedTuple):
    """Keys from `low` to `high`, both included; the weight of all rows `before` them and how many `rows` lie in."""

    low: int
    high: int
    before: float
    rows: int

    def shift(self, bits: int) -> int:
        """Return how many bits of a key do not tell its bin, of 2**bits at most."""
        return max(0, (self.high - self.low).bit_length() - bits)

    def bin(self, number: int, bits: int, before: float, rows: int) -> Interval:
        """Return one of its bins as an interval."""
        shift = self.shift(bits)
        low = self.low + (number << shift)
        return Interval(low, min(self.high, low + (1 << shift) - 1), before, rows)


class Asked(NamedTuple):
    """What is to be counted, or taken, of one column: intervals, each cut into at most 2**bits bins."""

    whole: bool
    bits: int
    intervals: tuple[Interval, ...]


class Bins(NamedTuple):
    """The rows of some intervals: per interval how many lie in each bin and, where rows have weights, these summed."""

    rows: list[np.ndarray]
    weights: list[np.ndarray] | None


def near(keys: np.ndarray, intervals: Sequence[Interval]) -> np.ndarray:
    """Return which keys may lie in some intervals, given in their order: all that do and few others.

    A look at each key tells, however many intervals there are.

    >>> near(np.array([7, 1, 2**40, 5], np.uint64), [Interval(5, 5, 0.0, 1), Interval(7, 9, 0.0, 1)]).tolist()
    [0, 3]
    """
    low, high = intervals[0].low, intervals[-1].high
    shift = max(0, (high - low).bit_length() - CELL_BITS)
    marked = np.zeros(((high - low) >> shift) + 2, bool)  # the last one is for what lies above all, or below
    for one in intervals:
        marked[(one.low - low) >> shift : ((one.high - low) >> shift) + 1] = True
    cells = keys - np.uint64(low)
    cells >>= np.uint64(shift)
    np.minimum(cells, np.uint64(len(marked) - 1), out=cells)
    return np.flatnonzero(marked[cells.view(np.int64)])


def counted(keys: np.ndarray, weights: np.ndarray | None, asked: Asked) -> Bins:
    """Return how many rows, and how much weight, lie in each bin of some intervals."""
    found = Bins([], None if weights is None else [])
    if len(asked.intervals) > 1:
        some = near(keys, asked.intervals)
        keys, weights = keys[some], None if weights is None else weights[some]
    for one in asked.intervals:
        inside = np.flatnonzero((keys >= np.uint64(one.low)) & (keys <= np.uint64(one.high)))
        shift = one.shift(asked.bits)
        bins = ((keys[inside] - np.uint64(one.low)) >> np.uint64(shift)).view(np.int64)
        size = ((one.high - one.low) >> shift) + 1
        found.rows.append(np.bincount(bins, minlength=size))
        if found.weights is not None and weights is not None:
            found.weights.append(np.bincount(bins, weights[inside], minlength=size))
    return found


def added(parts: Sequence[Bins]) -> Bins:
    """Return the bins of several sets of rows together."""
    rows = [np.sum(own, axis=0) for own in zip(*(part.rows for part in parts), strict=True)]
    weighed = [part.weights for part in parts if part.weights is not None]
    return Bins(rows, [np.sum(own, axis=0) for own in zip(*weighed, strict=True)] if weighed else None)


@dataclass
class Search:
    """The search for some quantiles of one column, narrowed pass by pass.

    `place` maps each rank that is looked for to the interval that holds its row: the first whose rows and all before
    it weigh more than the rank, or the last one of any weight.
    """

    whole: bool
    probabilities: tuple[float, ...]
    intervals: list[Interval]
    total: float | None = None
    place: dict[int, Interval] = field(default_factory=dict)

    @property
    def asked(self) -> Asked:
        """What the next pass looks at."""
        bits = max(LEAST_BITS, BIN_BITS - (len(self.intervals) - 1).bit_length())
        return Asked(self.whole, bits, tuple(self.intervals))

    @property
    def ready(self) -> bool:
        """Whether the rows of all intervals are few enough to be brought together."""
        many = sum(one.rows for one in self.intervals if one.low < one.high)
        return many <= FEW

    def ranks(self) -> set[int]:
        """Return the ranks, counted from 0, between which the quantiles lie."""
        assert self.total is not None  # the first pass counts all rows
        positions = [(self.total - 1) * p for p in self.probabilities]
        return {end(position) for position in positions for end in (math.floor, math.ceil)}

    def narrow(self, bins: Bins) -> None:
        """Go on with the bins that hold the ranks, once the intervals are counted."""
        weights = bins.rows if bins.weights is None else bins.weights
        if self.total is None:
            self.total = float(sum(own.sum() for own in weights))
            self.place = dict.fromkeys(self.ranks(), self.intervals[0])
        bits = self.asked.bits
        by_low = {one.low: k for k, one in enumerate(self.intervals)}
        for rank, one in self.place.items():
            at = by_low[one.low]
            self.place[rank] = _bin_of(rank, one, bits, weights[at], bins.rows[at])
        self.intervals = sorted(set(self.place.values()))

    def answers(self, values: np.ndarray, weights: np.ndarray, method: str) -> list[float]:
        """Return the quantiles, given the sorted distinct keys of the intervals and what their rows weigh."""
        if self.total is None:
            self.total = float(weights.sum())
            self.place = dict.fromkeys(self.ranks(), self.intervals[0])
        if self.total <= 0:
            return [math.nan] * len(self.probabilities)
        found = {rank: self._value(rank, one, values, weights) for rank, one in self.place.items()}
        result = []
        for p in self.probabilities:
            position = (self.total - 1) * p
            low, high = found[math.floor(position)], found[math.ceil(position)]
            result.append(between(low, high, position - math.floor(position), method))
        return result

    def _value(self, rank: int, one: Interval, keys: np.ndarray, weights: np.ndarray) -> float:
        if one.low == one.high:
            return value_of(one.low, self.whole)
        first, last = np.searchsorted(keys, np.array([one.low, one.high], np.uint64), side="left")
        last += int(last < len(keys) and int(keys[last]) == one.high)
        ends = one.before + np.cumsum(weights[first:last])
        k = min(int(np.searchsorted(ends, rank, side="right")), len(ends) - 1)
        return value_of(int(keys[first + k]), self.whole)


def _bin_of(rank: int, one: Interval, bits: int, weights: np.ndarray, rows: np.ndarray) -> Interval:
    """Return the bin of an interval that holds a rank."""
    filled = np.flatnonzero(rows)
    if not len(filled):
        return one._replace(rows=0)
    ends = one.before + np.cumsum(weights)
    k = int(filled[min(np.searchsorted(ends[filled], rank, side="right"), len(filled) - 1)])
    return one.bin(k, bits, before=float(ends[k - 1]) if k else one.before, rows=int(rows[k]))


def between(low: float, high: float, share: float, method: str) -> float:
    """Return a quantile between two neighbours: linear (type 7), or what `method` says.

    A cell of a column of integers comes back exactly, as an int where a float cannot hold it.
    """
    if method == "low" or low == high:
        return plain(low)
    if method == "high":
        return plain(high)
    share = 0.5 if method == "average" else share
    middle = (low + high) / 2 if method == "average" else low + (high - low) * share
    # Two large numbers of which only the distance or the sum is beyond doubles.
    wide = math.isfinite(low) and math.isfinite(high) and not math.isfinite(middle)
    return float(low * (1 - share) + high * share if wide else middle)


# ---- tasks -------------------------------------------------------------------------------------------------------
def _present(values: np.ndarray, weights: np.ndarray | None, whole: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the keys of the rows that count, and what they weigh."""
    keep = ~absent(values)
    if weights is None:
        return keys_of(values if keep.all() else values[keep], whole), None
    own = as_float(weights)
    keep &= own > 0  # false where a weight is missing
    return keys_of(values[keep], whole), own[keep]


def _count(*arguments) -> list[Bins]:
    """Run as a task: the bins of every column of a partition."""
    *columns, asks, weighed = arguments
    weights = columns.pop() if weighed else None
    return [
        counted(*_present(values, weights, asked.whole), asked) for values, asked in zip(columns, asks, strict=True)
    ]


def _take(*arguments) -> list[tuple[np.ndarray, np.ndarray]]:
    """Run as a task: distinct keys inside the intervals of every column of a partition, and what their rows weigh."""
    *columns, asks, weighed = arguments
    weights = columns.pop() if weighed else None
    result = []
    for values, asked in zip(columns, asks, strict=True):
        keys, own = _present(values, weights, asked.whole)
        some = near(keys, asked.intervals)
        keys, own = keys[some], None if own is None else own[some]
        inside = np.zeros(len(keys), bool)
        for one in asked.intervals:
            inside |= (keys >= np.uint64(one.low)) & (keys <= np.uint64(one.high))
        result.append(_distinct(keys[np.flatnonzero(inside)], None if own is None else own[inside]))
    return result


def _distinct(keys: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if weights is None:  # counting is twice as fast as telling where each one went
        distinct, counts = np.unique(keys, return_counts=True)
        return distinct, counts.astype(float)
    distinct, which = np.unique(keys, return_inverse=True)
    return distinct, np.bincount(which, weights, len(distinct))


def _together(*parts: list) -> list:
    """Run as a task: what `_count` or `_take` found in several partitions, column by column."""
    merged = []
    for pieces in zip(*parts, strict=True):
        if isinstance(pieces[0], Bins):
            merged.append(added(pieces))
            continue
        merged.append(_distinct(*(np.concatenate(own) for own in zip(*pieces, strict=True))))
    return merged


# ---- the search --------------------------------------------------------------------------------------------------
FAN_IN = 8


def quantiles_of(
    places: Sequence[Place],
    rows: Sequence[int],
    probabilities: Sequence[float],
    method: str = "interpolate",
    weights: Place | None = None,
) -> list[list[float]]:
    """Return exact quantiles (columns, probabilities) of columns of numbers; NaN for columns without a value.

    `method` says what lies between two neighbours: interpolate, average, low or high; `weights` is a column of weights
    of at least 0: a row of weight 2 counts as two rows. No task holds more than a partition and `FEW` rows a column.
    """
    size = max(1, COLUMNS_BYTES // (16 * min(FEW, max(sum(rows), 1))))
    result = []
    for first in range(0, len(places), size):
        result += _searched(places[first : first + size], rows, tuple(probabilities), method, weights)
    return result


def _searched(
    places: Sequence[Place],
    rows: Sequence[int],
    probabilities: tuple[float, ...],
    method: str,
    weights: Place | None,
) -> list[list[float]]:
    searches = [_begun(place, probabilities) for place in places]
    while open_ := [i for i, search in enumerate(searches) if not search.ready]:
        bins = _over_partitions(_count, [places[i] for i in open_], [searches[i] for i in open_], rows, weights)
        for i, own in zip(open_, bins, strict=True):
            searches[i].narrow(own)
    taken = _over_partitions(_take, places, searches, rows, weights)
    return [search.answers(keys, own, method) for search, (keys, own) in zip(searches, taken, strict=True)]


def _begun(place: Place, probabilities: tuple[float, ...]) -> Search:
    summary = summaries_at([place])[0]
    # Doubles tell integers apart up to 2**53: only beyond that partitions may hold them as integers.
    whole = summary.present > 0 and summary.all_integer and fits_long(summary) and size_of(summary) > EXACT
    if not summary.present:
        return Search(False, probabilities, [Interval(0, 0, 0.0, 0)], total=0.0)
    low, high = 0, 2**64 - 1
    if not whole:
        low, high = keys_of(np.array([summary.minimum, summary.maximum]), whole=False).tolist()
    return Search(whole, probabilities, [Interval(low, high, 0.0, summary.present)])


def _over_partitions(
    task, places: Sequence[Place], searches: Sequence[Search], rows: Sequence[int], weights: Place | None
) -> list:
    asks = tuple(search.asked for search in searches)
    inputs = [*places] if weights is None else [*places, weights]
    level = reduce(inputs, rows, task, (asks, weights is not None))
    while len(level) > 1:
        level = [submit(_together, *level[k : k + FAN_IN]) for k in range(0, len(level), FAN_IN)]
    return gather(level[0])
