"""Frames reduced to a few numbers: means, sums, spreads, quantiles, counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from frames.body import FrameBody
from frames.conversion import distinct_values, to_truth
from frames.errors import H2OValueError
from frames.placement import Place
from frames.rows import recut, spread
from frames.tasks import absent, as_float, carry_out, derive, gather, reduce, reduce_each, resident, submit

if TYPE_CHECKING:
    from frames.frame import H2OFrame

PROBABILITIES = (0.01, 0.1, 0.25, 0.333, 0.5, 0.667, 0.75, 0.9, 0.99)
NUMBERS = ("int", "real", "time")


class Row(list):
    """A list of one value per column that can also be asked for its row, as a one-row frame can."""

    def getrow(self) -> list[float]:
        """The values as a plain list."""
        return list(self)


# ---- tasks -------------------------------------------------------------------------------------------------------
def _sum(values: np.ndarray) -> float:
    return float(np.nansum(as_float(values)))


def _product(values: np.ndarray) -> float:
    return float(np.nanprod(as_float(values)))


def _nonzero(values: np.ndarray) -> tuple[int, int, int]:
    """Cells that are neither 0 nor missing, missing cells, all cells."""
    gaps = absent(values)
    return int(((values != 0) & ~gaps).sum()), int(gaps.sum()), len(values)


def _across(*arguments) -> list[np.ndarray]:
    """One value per row over several columns."""
    *columns, name, skip = arguments
    table = np.stack([as_float(c) for c in columns])
    gaps = np.isnan(table)
    with np.errstate(all="ignore"):
        if name == "mean":
            result = np.where(gaps, 0.0, table).sum(axis=0) / (~gaps).sum(axis=0)
        else:
            result = np.where(gaps, 0.0, table).sum(axis=0)
    return [result if skip else np.where(gaps.any(axis=0), np.nan, result)]


def _moments(*arguments) -> tuple[np.ndarray, np.ndarray, int]:
    """Sums of products of shifted columns over complete rows, sums, and their number."""
    *columns, shifts = arguments
    table = np.stack([as_float(c) for c in columns]) - np.asarray(shifts)[:, None]
    table = table[:, ~np.isnan(table).any(axis=0)]
    return table @ table.T, table.sum(axis=1), table.shape[1]


def _counts(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distinct present values and how often (or with how much weight) they occur."""
    values = as_float(values)
    keep = ~np.isnan(values)
    if weights is not None:
        keep &= ~np.isnan(weights)
        found, inverse = np.unique(values[keep], return_inverse=True)
        return found, np.bincount(inverse, weights[keep], len(found))
    found, counts = np.unique(values[keep], return_counts=True)
    return found, counts.astype(np.float64)


def _quantiles(probabilities, method, *pieces) -> list[float]:
    """A task: quantiles of the merged distinct values."""
    found, inverse = np.unique(np.concatenate([p[0] for p in pieces]), return_inverse=True)
    counts = np.bincount(inverse, np.concatenate([p[1] for p in pieces]), len(found))
    keep = counts > 0
    found, ends = found[keep], np.cumsum(counts[keep])
    return [_quantile(found, ends, p, method) for p in probabilities]


def _quantiles_each(probabilities, method, *parts) -> list[list[float]]:
    return [_quantiles(probabilities, method, *pieces) for pieces in zip(*parts, strict=True)]


def _quantile(found: np.ndarray, ends: np.ndarray, probability: float, method: str) -> float:
    """Quantile of values with cumulated counts: linear between the two neighbours (type 7), or what `method` says."""
    if len(found) == 0:
        return math.nan
    position = (ends[-1] - 1) * probability
    last = len(found) - 1
    low = found[min(np.searchsorted(ends, math.floor(position), side="right"), last)]
    high = found[min(np.searchsorted(ends, math.ceil(position), side="right"), last)]
    share = position - math.floor(position)
    if method == "low" or low == high:
        return float(low)
    if method == "high":
        return float(high)
    return float((low + high) / 2 if method == "average" else low + (high - low) * share)


class Reductions(FrameBody):
    """Methods that give numbers or small frames; only these come to the client."""

    def _numeric(self, call: str) -> list[Place]:
        places = self._resolved()
        wrong = [f"{n}:{p.type}" for n, p in zip(self._body.names, places, strict=True) if p.type not in NUMBERS]
        if wrong:
            raise H2OValueError(
                f"{call}() must be asked of columns of numbers; got {', '.join(wrong[:5])}. Select the others."
            )
        return list(places)

    def _one_row(self, values: Sequence[float], names: Sequence[str] | None = None) -> H2OFrame:
        made = derive([], (1,), _literal, [None] * len(values), None, ([np.array([v], float) for v in values],), [()])
        return self._new(self._body.names if names is None else names, made, (1,))

    def _per_column(self, numbers: Sequence[float]) -> Row:
        """Numbers where a column holds numbers, NaN elsewhere."""
        return Row(v if p.type in NUMBERS else math.nan for v, p in zip(numbers, self._resolved(), strict=True))

    def mean(self, skipna: bool = True, axis: int = 0, return_frame: bool = False, na_rm: bool | None = None) -> Any:
        """Mean of every column as a list (NaN where not numbers); `axis=1`: frame `mean` with the mean of every row.

        `skipna=False`: NaN where anything is missing (`na_rm` is its older name). `return_frame=True`: a frame of one
        row. The list has getrow().
        """
        skipna = skipna if na_rm is None else na_rm
        if _axis(axis) == 1:
            return self._row_wise("mean", skipna)
        means = self._per_column([s.mean if skipna or not s.missing else math.nan for s in self._summaries()])
        return self._one_row(means) if return_frame else means

    def _row_wise(self, name: str, skipna: bool) -> H2OFrame:
        places = self._numeric(name)
        return self._replace(derive(places, self._body.rows, _across, [None], None, (name, skipna)), [name])

    def sum(self, skipna: bool = True, axis: int = 0, return_frame: bool = False, na_rm: bool | None = None) -> Any:
        """Sum over the whole frame as one float; `return_frame=True`: one row, per column; `axis=1`: per row."""
        skipna = skipna if na_rm is None else na_rm
        if _axis(axis) == 1:
            return self._row_wise("sum", skipna)
        places = self._numeric("sum")
        batches = gather(reduce_each(places, self._body.rows, _sum))
        sums = [v for parts in batches for v in np.sum(parts, axis=0)]
        sums = [
            math.nan if s.missing and not skipna else float(v) for v, s in zip(sums, self._summaries(), strict=True)
        ]
        return self._one_row(sums) if return_frame else float(math.fsum(sums))

    def prod(self, na_rm: bool = False) -> float:
        """Product over the whole frame; NaN if something is missing, unless `na_rm`."""
        if not na_rm and any(s.missing for s in self._summaries()):
            return math.nan
        batches = gather(reduce_each(self._numeric("prod"), self._body.rows, _product))
        return float(np.prod([np.prod(parts) for parts in batches]))

    def min(self) -> float:
        """Smallest cell of the whole frame."""
        self._numeric("min")
        return float(np.nanmin([math.inf] + [s.minimum for s in self._summaries()])) if self._some() else math.nan

    def max(self) -> float:
        """Largest cell of the whole frame."""
        self._numeric("max")
        return float(np.nanmax([-math.inf] + [s.maximum for s in self._summaries()])) if self._some() else math.nan

    def _some(self) -> bool:
        return any(s.present for s in self._summaries())

    def sd(self, na_rm: bool = False) -> Row:
        """Standard deviation (n-1) of every column; NaN where not numbers, or something is missing and not `na_rm`."""
        return self._per_column([s.sigma if na_rm or not s.missing else math.nan for s in self._summaries()])

    def nacnt(self) -> list[int]:
        """Number of missing cells of every column."""
        return [s.missing for s in self._summaries()]

    def median(self, na_rm: bool = False) -> Row:
        """Exact median of every column; NaN where not numbers, or something is missing and not `na_rm`."""
        found = iter(self._quantile_rows((0.5,), "interpolate", None))
        values = [next(found)[0] if p.type in NUMBERS else math.nan for p in self._resolved()]
        return Row(math.nan if s.missing and not na_rm else v for v, s in zip(values, self._summaries(), strict=True))

    def _quantile_rows(self, probabilities: Sequence[float], method: str, weights: Place | None) -> list[list[float]]:
        """Exact quantiles of every column of numbers: distinct values with counts, merged on a worker."""
        places, rows = [p for p in self._resolved() if p.type in NUMBERS], self._body.rows
        asked = (list(probabilities), method)
        if weights is not None:
            return gather([submit(_quantiles, *asked, *reduce([p, weights], rows, _counts)) for p in places])
        parts = reduce_each(places, rows, _counts)
        return [row for batch in gather([submit(_quantiles_each, *asked, *own) for own in parts]) for row in batch]

    def quantile(
        self,
        prob: float | Sequence[float] | None = None,
        combine_method: str = "interpolate",
        weights_column: str | H2OFrame | None = None,
    ) -> H2OFrame:
        """Exact quantiles: frame `Probs`, `<col>Quantiles` for every column of numbers.

        `combine_method` between two neighbours: interpolate, average, low or high. `weights_column`: name, or a frame
        of one column; a row of weight 2 counts as two rows.
        """
        probabilities = list(PROBABILITIES if prob is None else np.atleast_1d(np.asarray(prob, dtype=float)))
        if not all(0 <= p <= 1 for p in probabilities):
            raise H2OValueError(f"prob must be between 0 and 1; got {prob!r}.")
        if combine_method not in ("interpolate", "average", "avg", "low", "high"):
            raise H2OValueError(f"combine_method must be interpolate, average, low or high; got {combine_method!r}.")
        weights, subject = None, self
        if isinstance(weights_column, str):
            weights = self._resolved()[self._index(weights_column)]
            subject = self._pick([i for i in range(self.ncol) if i != self._index(weights_column)])
        elif weights_column is not None:
            weights = recut([weights_column._only("Weights")], weights_column._body.rows, self._body.rows)[0]
        method = "average" if combine_method == "avg" else combine_method
        rows = subject._quantile_rows(probabilities, method, weights)
        names = [n for n, p in zip(subject._body.names, subject._resolved(), strict=True) if p.type in NUMBERS]
        return self._small(["Probs", *[f"{n}Quantiles" for n in names]], [probabilities, *rows])

    def _small(self, names: Sequence[str], columns: Sequence[Any], types=None, domains=None) -> H2OFrame:
        """A new frame of one partition from a few values computed here; floats unless types say otherwise."""
        kinds: dict[Any, Any] = {"enum": np.int32, "string": object, "uuid": object}
        types = list(types or [None] * len(columns))
        arrays = [
            c if getattr(c, "dtype", None) == np.int64 else np.asarray(c, kinds.get(t, float))
            for c, t in zip(columns, types, strict=True)
        ]
        count = len(arrays[0]) if arrays else 0
        arguments = ([resident(array) for array in arrays],)
        return self._new(names, derive([], (count,), _literal, types, domains, arguments, [()]), (count,))

    # ---- spreads of several columns ------------------------------------------------------------------------------
    def _covariance(self, y: Any, na_rm: bool, use: str | None, call: str) -> tuple[np.ndarray, list[str], list[str]]:
        use = use or ("complete.obs" if na_rm else "everything")
        if use not in ("everything", "all.obs", "complete.obs"):
            raise H2OValueError(f"use must be everything, all.obs or complete.obs; got {use!r}.")
        left, both = self._numeric(call), self
        if y is not None:
            if y.nrow != self.nrow:
                raise H2OValueError(
                    f"Frames under {call}() must have the same number of rows; got {self.nrow}, {y.nrow}."
                )
            both = self._replace(
                [*left, *recut(y._numeric(call), y._body.rows, self._body.rows)],
                [f"C{i}" for i in range(self.ncol + y.ncol)],
            )
        found = both._summaries()
        gaps = np.array([s.missing > 0 for s in found])
        if gaps.any() and use == "all.obs":
            raise H2OValueError(f"{call}() with use='all.obs' must be given no missing cells. Use 'complete.obs'.")
        shifts = [0.0 if math.isnan(s.mean) else s.mean for s in found]
        pieces = gather(reduce(both._resolved(), self._body.rows, _moments, (shifts,)))
        products, sums, count = (sum(part) for part in zip(*pieces, strict=True))
        with np.errstate(all="ignore"):
            table = (products - np.outer(sums, sums) / np.float64(count)) / np.float64(count - 1)
        if use == "everything":
            table[gaps, :] = table[:, gaps] = math.nan
        return table, list(self._body.names), list(self._body.names if y is None else y._body.names)

    def var(self, y: H2OFrame | None = None, na_rm: bool = False, use: str | None = None) -> Any:
        """Variance of one column as a float, or the covariances of several columns (or with those of `y`) as a frame.

        `use`: "everything" (NaN where something is missing), "all.obs" (missing is an error), "complete.obs" (only
        complete rows; the default with `na_rm`).
        """
        table, rows, columns = self._covariance(y, na_rm, use, "var")
        return self._matrix(table if y is None else table[: len(rows), len(rows) :], columns)

    def cor(
        self, y: H2OFrame | None = None, na_rm: bool = False, use: str | None = None, method: str = "Pearson"
    ) -> Any:
        """Pearson correlations: a float for one column with one, else a frame; arguments as for var()."""
        if str(method).lower() != "pearson":
            raise H2OValueError(f"method must be 'Pearson'; got {method!r}. Rank the columns first for Spearman's.")
        table, rows, columns = self._covariance(y, na_rm, use, "cor")
        scale = np.sqrt(np.diag(table))
        with np.errstate(all="ignore"):
            table = table / np.outer(scale, scale)
        return self._matrix(table if y is None else table[: len(rows), len(rows) :], columns)

    def _matrix(self, table: np.ndarray, columns: Sequence[str]) -> Any:
        return float(table[0, 0]) if table.shape == (1, 1) else self._small(columns, list(table.T))

    # ---- truth and variety -----------------------------------------------------------------------------------------
    def _truth(self) -> np.ndarray:
        """(true, missing, all) cells of the whole frame."""
        numbers = self._replace(carry_out([to_truth(place) for place in self._resolved()], self._body.rows))
        batches = gather(reduce_each(numbers._numeric("any or all"), self._body.rows, _nonzero))
        return sum((np.sum(parts, axis=(0, 1)) for parts in batches), np.zeros(3, np.int64))

    def any(self) -> bool:
        """Is any cell not 0, or missing?"""
        true, missing, _ = self._truth()
        return bool(true or missing)

    def any_na_rm(self) -> bool:
        """Is any cell neither 0 nor missing?"""
        return bool(self._truth()[0])

    def all(self) -> bool:
        """Is every cell not 0, or missing?"""
        true, missing, cells = self._truth()
        return bool(true + missing == cells)

    def unique(self, include_nas: bool = False) -> H2OFrame:
        """The distinct values of one column, sorted (enum: the levels that occur), as column `C1`."""
        place = self._only("unique()")
        found = gather(distinct_values([place], self._body.rows)[0])
        if include_nas and self._summaries()[0].missing:
            gap = {"enum": -1, "string": None, "uuid": None}.get(place.type or "real", np.nan)
            found = np.append(found.astype(float) if gap is np.nan else found, [gap]).astype(
                {"enum": np.int32}.get(place.type or "real", found.dtype if gap is None else float)
            )
        rows = spread(len(found), max([*self._body.rows, 1]))
        ends = np.cumsum(rows)
        local = [(resident(found[end - n : end]),) for end, n in zip(ends, rows, strict=True)]
        made = derive([], rows, _given, [place.type], [place.domain], (), local)
        return self._new(["C1"], made, rows)


def _literal(arrays: list[np.ndarray]) -> list[np.ndarray]:
    return arrays


def _given(array: np.ndarray) -> list[np.ndarray]:
    return [array]


def _axis(axis: int) -> int:
    if axis not in (0, 1):
        raise H2OValueError(f"axis must be 0 (columns) or 1 (rows); got {axis!r}.")
    return axis
