"""Frames reduced to a few numbers: means, sums, spreads, quantiles, counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.placement import Place, client_at, summaries_at
from frames.cluster.reorder import recut, spread
from frames.cluster.sending import gather, resident
from frames.cluster.tasks import absent, as_float, carry_out, concatenate, derive, reduce, reduce_each
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import distinct_values, to_truth
from frames.table.cells import all_whole, as_cells, is_table
from frames.table.integers import EXACT, LONGEST, as_double, calculate, plain, size_of, total
from frames.table.small import literal, small_table
from frames.table.table import Table
from frames.verbs.quantiles import quantiles_of

PROBABILITIES = (0.01, 0.1, 0.25, 0.333, 0.5, 0.667, 0.75, 0.9, 0.99)
NUMBERS = ("int", "real", "time")


class Row(list):
    """A list of one value per column that can also be asked for its row, as a one-row frame can."""

    def getrow(self) -> list[float]:
        """Return the values as a plain list."""
        return list(self)


# ---- tasks -------------------------------------------------------------------------------------------------------
def _sum(values: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.nansum(as_float(values)))


def _total(values: np.ndarray) -> int:
    return total(values)


def _product(values: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.nanprod(as_float(values)))


def _nonzero(values: np.ndarray) -> tuple[int, int, int]:
    """Cells that are neither 0 nor missing, missing cells, all cells."""
    gaps = absent(values)
    return int(((values != 0) & ~gaps).sum()), int(gaps.sum()), len(values)


def _across(*arguments) -> list[np.ndarray]:
    """One value per row over several columns."""
    *columns, name, skip, exactly = arguments
    gaps = np.stack([absent(c) for c in columns])
    lost = np.zeros(gaps.shape[1], bool) if skip else gaps.any(axis=0)
    if exactly:
        return [np.where(lost, MISSING_INTEGER, _sum_across(*columns))]  # type: ignore[arg-type]
    with np.errstate(all="ignore"):
        result = np.where(gaps, 0.0, np.stack([as_float(c) for c in columns])).sum(axis=0)
        if name == "mean":
            result = result / (~gaps).sum(axis=0)
    return [np.where(lost, np.nan, result)]


def _sum_across(*columns) -> np.ndarray | None:
    """Run as a task: exact sums of the present cells of every row; None where int64 cannot hold one."""
    result: np.ndarray | None = np.zeros(len(columns[0]))
    for column in columns:
        result = None if result is None else calculate("+", result, np.where(absent(column), 0, column))
    return result


def _fits_across(*columns) -> bool:
    return _sum_across(*columns) is not None


def _counts(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distinct present values and how often (or with how much weight) they occur."""
    keep = ~absent(values)
    if weights is not None:
        keep &= ~absent(weights)
        found, inverse = np.unique(values[keep], return_inverse=True)
        return found, np.bincount(inverse, as_float(weights)[keep], len(found))
    found, counts = np.unique(values[keep], return_counts=True)
    return found, counts.astype(np.float64)


def merged_counts(pieces: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distinct values of all partitions and how often they occur; integers beyond 2**53 stay apart."""
    found, inverse = np.unique(concatenate([p[0] for p in pieces]), return_inverse=True)
    return found, np.bincount(inverse, np.concatenate([p[1] for p in pieces]), len(found))


def numeric(table: Table, call: str) -> list[Place]:
    """Return where the columns lie; raises H2OValueError, naming the call, where one does not hold numbers."""
    places = table.resolved
    wrong = [f"{n}:{p.type}" for n, p in zip(table.names, places, strict=True) if p.type not in NUMBERS]
    if wrong:
        raise H2OValueError(
            f"{call}() must be asked of columns of numbers; got {', '.join(wrong[:5])}. Select the others."
        )
    return list(places)


def one_row(table: Table, values: Sequence[float], names: Sequence[str] | None = None) -> Table:
    """Return a table of one row, under these names or those of the table."""
    made = derive(
        [],
        (1,),
        literal,
        types=[None] * len(values),
        domains=None,
        arguments=([as_cells(v) for v in values],),
        local=[()],
    )
    return table.new(table.names if names is None else names, made, (1,))


def per_column(table: Table, numbers: Sequence[float]) -> Row:
    """Numbers where a column holds numbers, NaN elsewhere."""
    return Row(v if p.type in NUMBERS else math.nan for v, p in zip(numbers, table.resolved, strict=True))


def mean(
    table: Table, skipna: bool = True, axis: int = 0, return_frame: bool = False, na_rm: bool | None = None
) -> Any:
    """Mean of every column as a list (NaN where not numbers); `axis=1`: frame `mean` with the mean of every row.

    `skipna=False`: NaN where anything is missing (`na_rm` is its older name). `return_frame=True`: a frame of one
    row. The list has getrow().
    """
    skipna = skipna if na_rm is None else na_rm
    if _axis(axis) == 1:
        return _row_wise(table, "mean", skipna)
    means = per_column(table, [s.mean if skipna or not s.missing else math.nan for s in table.summaries()])
    return one_row(table, means) if return_frame else means


def _row_wise(table: Table, name: str, skipna: bool) -> Table:
    places, rows = numeric(table, name), table.rows
    if not places:
        raise H2OValueError(f"{name}() over rows must be asked of a frame that has columns.")
    exactly = name == "sum" and all_whole(places)
    bound = sum(size_of(s) for s in table.summaries()) if exactly else 0
    exactly = bound > EXACT and (bound <= LONGEST or all(gather(reduce(places, rows, _fits_across))))
    return table.with_places(
        derive(places, rows, _across, types=[None], domains=None, arguments=(name, skipna, exactly)), [name]
    )


def sum_(
    table: Table, skipna: bool = True, axis: int = 0, return_frame: bool = False, na_rm: bool | None = None
) -> Any:
    """Sum over the whole frame as one float; `return_frame=True`: one row, per column; `axis=1`: per row.

    Sums of integers are exact: an int where a float cannot hold the sum.
    """
    skipna = skipna if na_rm is None else na_rm
    if _axis(axis) == 1:
        return _row_wise(table, "sum", skipna)
    gaps = [summary.missing > 0 for summary in table.summaries()]
    sums = [math.nan if gap and not skipna else v for v, gap in zip(_sums(table), gaps, strict=True)]
    return one_row(table, [plain(v) for v in sums]) if return_frame else plain(_added_up(sums))


def _sums(table: Table) -> list[float]:
    """Return the sum of every column: an int for integers, else a float."""
    places, rows, found = numeric(table, "sum"), table.rows, table.summaries()
    whole = [p.type in ("int", "time") and s.all_integer for p, s in zip(places, found, strict=True)]
    # Doubles add integers exactly as long as no sum can pass 2**53.
    long = [w and size_of(s) * s.rows > EXACT for w, s in zip(whole, found, strict=True)]
    sums: list[float] = [0] * len(places)
    for exactly, task in ((True, _total), (False, _sum)):
        at = [i for i, beyond in enumerate(long) if beyond == exactly]
        batches = gather(reduce_each([places[i] for i in at], rows, task))
        columns = [column for parts in batches for column in zip(*parts, strict=True)]
        for i, column in zip(at, columns, strict=True):
            with np.errstate(all="ignore"):
                sums[i] = sum(column) if exactly else float(np.sum(column))
    return [int(v) if w else v for v, w in zip(sums, whole, strict=True)]


def prod(table: Table, na_rm: bool = False) -> float:
    """Product over the whole frame; NaN if something is missing, unless `na_rm`."""
    if not na_rm and any(s.missing for s in table.summaries()):
        return math.nan
    batches = gather(reduce_each(numeric(table, "prod"), table.rows, _product))
    with np.errstate(all="ignore"):
        return float(np.prod([np.prod(parts) for parts in batches]))


def min_(table: Table) -> float:
    """Smallest present cell of the whole frame: a float, or an int where a float cannot hold it."""
    numeric(table, "min")
    return min((s.minimum for s in table.summaries() if s.present), default=math.nan)


def max_(table: Table) -> float:
    """Largest present cell of the whole frame: a float, or an int where a float cannot hold it."""
    numeric(table, "max")
    return max((s.maximum for s in table.summaries() if s.present), default=math.nan)


def nacnt(table: Table) -> list[int]:
    """Return number of missing cells of every column."""
    return [s.missing for s in table.summaries()]


def median(table: Table, na_rm: bool = False) -> Row:
    """Exact median of every column; NaN where not numbers, or something is missing and not `na_rm`."""
    found = iter(quantile_rows(table, (0.5,), "interpolate", None))
    values = [next(found)[0] if p.type in NUMBERS else math.nan for p in table.resolved]
    return Row(math.nan if s.missing and not na_rm else v for v, s in zip(values, table.summaries(), strict=True))


def quantile_rows(
    table: Table, probabilities: Sequence[float], method: str, weights: Place | None
) -> list[list[float]]:
    """Return exact quantiles of every column of numbers."""
    places = [p for p in table.resolved if p.type in NUMBERS]
    return quantiles_of(places, table.rows, probabilities, method, weights)


def quantile(
    table: Table,
    prob: float | Sequence[float] | None = None,
    combine_method: str = "interpolate",
    weights_column: str | Table | None = None,
) -> Table:
    """Exact quantiles: frame `Probs`, `<col>Quantiles` for every column of numbers.

    `combine_method` between two neighbours: interpolate, average, low or high. `weights_column`: name, or a frame
    of one column; a row of weight 2 counts as two rows.
    """
    probabilities = list(PROBABILITIES if prob is None else np.atleast_1d(np.asarray(prob, dtype=float)))
    if not all(0 <= p <= 1 for p in probabilities):
        raise H2OValueError(f"prob must be between 0 and 1; got {prob!r}.")
    if combine_method not in ("interpolate", "average", "avg", "low", "high"):
        raise H2OValueError(f"combine_method must be interpolate, average, low or high; got {combine_method!r}.")
    weights, subject = None, table
    if isinstance(weights_column, str):
        weights = table.resolved[table.index(weights_column)]
        subject = table.pick([i for i in range(table.ncol) if i != table.index(weights_column)])
    elif weights_column is not None:
        if not is_table(weights_column):
            raise H2OTypeError(f"weights_column must be a name or a frame; got {type(weights_column).__name__}.")
        if weights_column.nrow != table.nrow:
            raise H2OValueError(f"Weights must have {table.nrow} rows; got {weights_column.nrow}.")
        weights = recut([weights_column.only("Weights")], weights_column.rows, table.rows)[0]
    if weights is not None:
        _check_weights(weights)
    method = "average" if combine_method == "avg" else combine_method
    rows = quantile_rows(subject, probabilities, method, weights)
    names = [n for n, p in zip(subject.names, subject.resolved, strict=True) if p.type in NUMBERS]
    return small_table(["Probs", *[f"{n}Quantiles" for n in names]], [probabilities, *rows])


def _truth(table: Table) -> np.ndarray:
    """Return (true, missing, all) cells of the whole frame."""
    numbers = table.with_places(carry_out([to_truth(place) for place in table.resolved], table.rows))
    batches = gather(reduce_each(numeric(numbers, "any or all"), table.rows, _nonzero))
    return sum((np.sum(parts, axis=(0, 1)) for parts in batches), np.zeros(3, np.int64))


def any_(table: Table) -> bool:
    """Is any cell not 0, or missing?"""
    true, missing, _ = _truth(table)
    return bool(true or missing)


def any_na_rm(table: Table) -> bool:
    """Is any cell neither 0 nor missing?"""
    return bool(_truth(table)[0])


def all_(table: Table) -> bool:
    """Is every cell not 0, or missing?"""
    true, missing, cells = _truth(table)
    return bool(true + missing == cells)


def unique(table: Table, include_nas: bool = False) -> Table:
    """Return the distinct values of one column, sorted (enum: the levels that occur), as column `C1`."""
    place = table.only("unique()")
    found = gather(distinct_values([place], table.rows)[0])
    if include_nas and table.summaries()[0].missing:
        gap = {"i4": -1, "O": None, "i8": MISSING_INTEGER}.get(found.dtype.str[1:], np.nan)
        found = np.append(found, np.array([gap], found.dtype))
    rows = spread(len(found), max([*table.rows, 1]))
    ends = np.cumsum(rows)
    client = client_at([place])
    local = [(resident(found[end - n : end], client),) for end, n in zip(ends, rows, strict=True)]
    made = derive([], rows, _given, types=[place.type], domains=[place.domain], arguments=(), local=local)
    return table.new(["C1"], made, rows)


def _check_weights(place: Place) -> None:
    if place.type not in ("int", "real"):
        raise H2OValueError(f"Weights must be numbers; got a column of type {place.type}.")
    summary = summaries_at([place])[0]
    if summary.present and not (summary.minimum >= 0 and math.isfinite(summary.maximum)):
        raise H2OValueError(f"Weights must be finite and at least 0; got {summary.minimum:g} to {summary.maximum:g}.")


def _added_up(sums: Sequence[float]) -> float:
    """One sum of all, of ints exactly."""
    whole, rest = [v for v in sums if isinstance(v, int)], [v for v in sums if not isinstance(v, int)]
    with np.errstate(all="ignore"):
        return sum(whole) if not rest else float(np.sum([as_double(sum(whole)), *rest]))


def _given(array: np.ndarray) -> list[np.ndarray]:
    return [array]


def _axis(axis: int) -> int:
    if axis not in (0, 1):
        raise H2OValueError(f"axis must be 0 (columns) or 1 (rows); got {axis!r}.")
    return axis
