"""What one pass over a column can know: mergeable counts, mean, spread and extremes."""

import math
from typing import NamedTuple

import numpy as np

MISSING_INTEGER = -(2**63)
"""Stands for a missing value in a column of long integers (int64)."""


class Summary(NamedTuple):
    """Statistics of one column over some rows; `merge` gives those of the rows taken together.

    Missing values count only in `rows` and `missing`. `m2` is the sum of squared deviations from `mean`. Without any
    present value `mean` is NaN, `m2` 0.0 and the extremes are NaN. Enum columns are summarised by their codes, and
    `counts` (int64, one entry per level) says how often each level occurs; None for other types. Strings have counts of
    rows and missing values only. Extremes that float64 cannot hold are Python integers.

    >>> left, right = summarise([[1.0, 2.0]])[0], summarise([[6.0, float("nan")]])[0]
    >>> both = left.merge(right)
    >>> both.rows, both.missing, both.mean, both.maximum, round(both.sigma, 3)
    (4, 1, 3.0, 6.0, 2.646)
    """

    rows: int
    missing: int
    zeros: int
    mean: float
    m2: float
    minimum: float
    maximum: float
    all_integer: bool
    counts: np.ndarray | None = None

    @property
    def present(self) -> int:
        """Rows that are not missing."""
        return self.rows - self.missing

    @property
    def variance(self) -> float:
        """Sample variance (divisor n-1); NaN with fewer than two present values."""
        return self.m2 / (self.present - 1) if self.present > 1 else math.nan

    @property
    def sigma(self) -> float:
        """Sample standard deviation (divisor n-1); NaN with fewer than two present values."""
        return math.sqrt(self.variance) if self.present > 1 and self.m2 >= 0 else math.nan

    @property
    def is_constant(self) -> bool:
        """Whether the present values are all equal, or none is present; missing values are disregarded.

        A string column has no extremes: it never counts as constant unless it is missing throughout.
        """
        return self.present == 0 or self.minimum == self.maximum

    def merge(self, other: "Summary") -> "Summary":
        """Return the summary of both sets of rows (Chan, Golub and LeVeque 1979, pairwise update)."""
        counts = None if self.counts is other.counts is None else _add_counts(self.counts, other.counts)
        rows, missing, zeros = self.rows + other.rows, self.missing + other.missing, self.zeros + other.zeros
        own, more = self.rows - self.missing, other.rows - other.missing
        if not own or not more:
            filled = self if own else other
            return filled._replace(rows=rows, missing=missing, zeros=zeros, counts=counts)
        present = own + more
        # Python's floats, unlike NumPy's, let infinities make the mean infinite and the spread NaN without a warning
        ours, theirs = float(self.mean), float(other.mean)
        gap = theirs - ours
        mean = ours + gap * (more / present)
        if not math.isfinite(gap):  # infinite means, or a distance beyond doubles
            mean = ours * (own / present) + theirs * (more / present)
        m2 = float(self.m2) + float(other.m2) + gap * gap * (own * (more / present))
        return Summary(
            rows=rows,
            missing=missing,
            zeros=zeros,
            mean=mean,
            m2=m2,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            all_integer=self.all_integer and other.all_integer,
            counts=counts,
        )


def _add_counts(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    if left is None or right is None:
        return right if left is None else left
    if len(left) < len(right):
        left, right = right, left
    total = left.copy()
    total[: len(right)] += right
    return total


def summarise(tile: np.ndarray, integer: bool = False) -> list[Summary]:
    """Return one Summary per row of `tile` (columns, rows), float64 with NaN for missing.

    With `integer` the caller vouches that every value is a present integer, which saves two passes.

    >>> summarise([[0.0, 1.5]])[0].all_integer
    False
    """
    tile = np.asarray(tile, dtype=np.float64)
    columns, rows = tile.shape
    if rows == 0:
        return [_EMPTY] * columns
    with np.errstate(all="ignore"):
        missing = np.zeros(columns, np.int64) if integer else np.isnan(tile).sum(axis=1)
        zeros = rows - np.count_nonzero(tile, axis=1)
        minimum, maximum = np.fmin.reduce(tile, axis=1), np.fmax.reduce(tile, axis=1)
        mean, m2 = _moments(tile, missing, minimum)
    whole = np.ones(columns, bool) if integer else _whole(tile, minimum, maximum)
    table = (missing.tolist(), zeros.tolist(), mean.tolist(), m2.tolist(), minimum.tolist(), maximum.tolist())
    return [Summary._make((rows, *numbers, None)) for numbers in zip(*table, whole.tolist(), strict=True)]


_EMPTY = Summary(
    rows=0, missing=0, zeros=0, mean=math.nan, m2=0.0, minimum=math.nan, maximum=math.nan, all_integer=True
)


def _moments(tile: np.ndarray, missing: np.ndarray, minimum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sum of squared deviations per row of the tile, missing values left out."""
    present = tile.shape[1] - missing
    where = None
    if missing.any():
        where = ~np.isnan(tile)
        tile = np.where(where, tile, 0.0)
    mean = np.where(present > 0, tile.sum(axis=1) / np.maximum(present, 1), np.nan)
    deviation = tile - np.where(present > 0, mean, 0.0)[:, None]
    if where is not None:
        deviation *= where
    m2 = np.einsum("ij,ij->i", deviation, deviation)
    return mean, np.where(present > 0, m2, 0.0)


def _whole(tile: np.ndarray, minimum: np.ndarray, maximum: np.ndarray) -> np.ndarray:
    """Whether every present value of each row of the tile is a finite integer."""
    finite = np.isfinite(minimum) & np.isfinite(maximum)
    none = np.isnan(minimum)
    answer = finite | none
    for i in np.flatnonzero(finite):
        head = tile[i, :64]
        # Most real columns show themselves in their first rows; the full test is for the others.
        if not _is_whole(head) or not _is_whole(tile[i]):
            answer[i] = False
    return answer


def _is_whole(values: np.ndarray) -> bool:
    return bool(((np.rint(values) == values) | np.isnan(values)).all())


def summarise_integers(values: np.ndarray) -> Summary:
    """Return the summary of a column of long integers (int64 or uint64) that float64 may not hold.

    -2**63 counts as missing. The spread is computed from the distances to the smallest value, so that it is exact where
    those are below 2**53; the mean is rounded to float64, extremes are Python integers where float64 cannot hold them.

    >>> summarise_integers(np.array([2**60, 2**60 + 2])).m2
    2.0
    """
    rows = len(values)
    values = values[values != MISSING_INTEGER] if values.dtype == np.int64 else values
    missing = rows - len(values)
    if not len(values):
        return _EMPTY._replace(rows=rows, missing=missing)
    low, high = int(values.min()), int(values.max())
    if high - low < 2**53:
        part = summarise((values - values.dtype.type(low)).astype(np.float64)[None, :], integer=True)[0]
        part = part._replace(mean=float(low + part.mean))
    else:
        part = summarise(values.astype(np.float64)[None, :], integer=True)[0]
    return part._replace(
        rows=rows, missing=missing, zeros=int((values == 0).sum()), minimum=_exact(low), maximum=_exact(high)
    )


def _exact(value: int) -> float:
    return float(value) if float(value) == value else value


def summarise_levels(codes: np.ndarray, levels: int) -> Summary:
    """Return the summary of enum codes (-1 missing) of a domain of `levels` levels, computed from the counts.

    >>> summarise_levels(np.array([0, 2, -1], np.int32), 3).counts
    array([1, 0, 1])
    """
    all_counts = np.bincount(codes.astype(np.int64) + 1, minlength=levels + 1)
    counts = all_counts[1:].astype(np.int64)
    present = int(counts.sum())
    missing = len(codes) - present
    if not present:
        return _EMPTY._replace(rows=len(codes), missing=missing, counts=counts)
    code = np.arange(len(counts), dtype=np.float64)
    mean = float(counts @ code / present)
    used = np.flatnonzero(counts)
    m2 = float(counts @ (code - mean) ** 2)
    return Summary(
        rows=len(codes),
        missing=missing,
        zeros=int(counts[0]),
        mean=mean,
        m2=m2,
        minimum=float(used[0]),
        maximum=float(used[-1]),
        all_integer=True,
        counts=counts,
    )


def summarise_text(rows: int, missing: int) -> Summary:
    """Return the summary of a string column: how many rows, how many missing.

    >>> summarise_text(3, 1).present
    2
    """
    return Summary(
        rows=rows,
        missing=missing,
        zeros=0,
        mean=math.nan,
        m2=0.0,
        minimum=math.nan,
        maximum=math.nan,
        all_integer=False,
    )
