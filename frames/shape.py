"""Frames in another shape, and what depends on neighbours or extremes: transpose, differences, largest cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from frames.body import FrameBody
from frames.errors import H2OValueError
from frames.rows import fetch, starts
from frames.summary import Summary
from frames.tasks import absent, as_float, derive, gather, reduce, reduce_each

if TYPE_CHECKING:
    from frames.frame import H2OFrame

MAX_TRANSPOSED = 10_000
"""Rows that may become columns."""


def _last(values: np.ndarray) -> float:
    return float(as_float(values)[-1]) if len(values) else float("nan")


def _difference(values: np.ndarray, before: float) -> list[np.ndarray]:
    return [np.diff(as_float(values), prepend=before)]


def _extreme(values: np.ndarray, largest: bool) -> tuple[float, int, bool]:
    """(extreme present value, its first row, is anything missing) of a piece; row -1 without values."""
    gaps = absent(values)
    if gaps.all():
        return float("nan"), -1, bool(gaps.any())
    numbers = as_float(values)
    at = int(np.nanargmax(numbers) if largest else np.nanargmin(numbers))
    return float(numbers[at]), at, bool(gaps.any())


def _power_sums(values: np.ndarray, mean: float) -> tuple[float, float]:
    deviations = as_float(values) - mean
    return float(np.nansum(deviations**3)), float(np.nansum(deviations**4))


class Shape(FrameBody):
    """transpose, difflag1, idxmax, idxmin, topN, bottomN, skewness, kurtosis."""

    def transpose(self) -> H2OFrame:
        """Rows as columns C1, C2, ...: for frames of numbers with at most 10,000 rows."""
        self._numeric("transpose")  # type: ignore[attr-defined]
        if not 0 < self.nrow <= MAX_TRANSPOSED:
            raise H2OValueError(f"transpose() must be asked of 1 to {MAX_TRANSPOSED} rows; got {self.nrow}.")
        table = np.stack([as_float(c) for c in fetch(self._body.places, self._body.rows)])
        names = [f"C{i + 1}" for i in range(self.nrow)]
        return self._small(names, list(table.T))  # type: ignore[attr-defined]

    def difflag1(self) -> H2OFrame:
        """Every cell minus the cell above it, of one column of numbers; the first is missing."""
        self._only("difflag1()")
        (place,) = self._numeric("difflag1")  # type: ignore[attr-defined]
        before, local = float("nan"), []
        for rows, end in zip(self._body.rows, gather(reduce([place], self._body.rows, _last)), strict=True):
            local.append((before,))
            before = end if rows else before
        return self._replace(derive([place], self._body.rows, _difference, [None], None, (), local))

    def idxmax(self, skipna: bool = True, axis: int = 0) -> H2OFrame:
        """Row number of the largest cell of every column, a frame of one row; missing without any value."""
        return self._position(True, skipna, axis)

    def idxmin(self, skipna: bool = True, axis: int = 0) -> H2OFrame:
        """Row number of the smallest cell of every column, a frame of one row; missing without any value."""
        return self._position(False, skipna, axis)

    def _position(self, largest: bool, skipna: bool, axis: int) -> H2OFrame:
        places = self._numeric("idxmax" if largest else "idxmin")  # type: ignore[attr-defined]
        if axis != 0:
            raise H2OValueError(f"axis must be 0 (a row number per column); got {axis!r}.")
        result: list[float] = []
        first = starts(self._body.rows)
        for parts in gather(reduce_each(places, self._body.rows, _extreme, (largest,))):
            for column in zip(*parts, strict=True):
                found = [
                    (v if largest else -v, -(s + at)) for (v, at, _), s in zip(column, first, strict=True) if at >= 0
                ]
                lost = not found or (not skipna and any(missing for _, _, missing in column))
                result.append(float("nan") if lost else float(-max(found)[1]))
        return self._one_row(result)  # type: ignore[attr-defined]

    def topN(self, column: str | int = 0, nPercent: float = 10) -> H2OFrame:
        """The largest `nPercent` percent of a column: row numbers and values, largest first."""
        return self._front(column, nPercent, ascending=False)

    def bottomN(self, column: str | int = 0, nPercent: float = 10) -> H2OFrame:
        """The smallest `nPercent` percent of a column: row numbers and values, smallest first."""
        return self._front(column, nPercent, ascending=True)

    def _front(self, column: str | int, percent: float, ascending: bool) -> H2OFrame:
        one = self._pick([self._index(column)])
        one._numeric("topN or bottomN")  # type: ignore[attr-defined]
        if not 0 < percent <= 100:
            raise H2OValueError(f"nPercent must be above 0 and at most 100; got {percent!r}.")
        local = list(zip(starts(self._body.rows), self._body.rows, strict=True))
        numbers = derive([], self._body.rows, _row_numbers, ["int"], None, (), local)
        both = self._new(["Original_Row_Indices", one._body.names[0]], [*numbers, *one._body.places])
        present = both[both[1].isna() == 0]  # type: ignore[index]
        count = round(self.nrow * percent / 100)
        return present.sort(1, ascending=ascending)[:count, :]

    def skewness(self, na_rm: bool = False) -> list[float]:
        """Third standardised moment of every column (deviations over sigma with n-1); NaN as for sd()."""
        return [v[0] for v in self._moments(na_rm)]

    def kurtosis(self, na_rm: bool = False) -> list[float]:
        """Fourth standardised moment of every column (3 for a normal one); NaN as for sd()."""
        return [v[1] for v in self._moments(na_rm)]

    def _moments(self, na_rm: bool) -> list[tuple[float, float]]:
        result = []
        for place, summary in zip(self._resolved(), self._summaries(), strict=True):
            if not place.is_number or (summary.missing and not na_rm) or not summary.sigma > 0:
                result.append((float("nan"), float("nan")))
                continue
            sums = np.sum(gather(reduce([place], self._body.rows, _power_sums, (summary.mean,))), axis=0)
            result.append(_standardised(sums, summary))
        return result


def _standardised(sums: np.ndarray, summary: Summary) -> tuple[float, float]:
    n, sigma = summary.present, summary.sigma
    return float(sums[0] / n / sigma**3), float(sums[1] / n / sigma**4)


def _row_numbers(start: int, rows: int) -> list[np.ndarray]:
    return [np.arange(start, start + rows)]
