"""Frames in another shape, and what depends on neighbours or extremes: transpose, differences, largest cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from frames.cluster.reorder import fetch, starts
from frames.cluster.sending import gather
from frames.cluster.tasks import absent, as_float, concatenate, derive, reduce, reduce_each
from frames.exceptions import H2OValueError
from frames.table.integers import EXACT, LONGEST, alike, calculate, compare, size_of
from frames.table.small import small_table
from frames.table.table import Table
from frames.verbs.arithmetic import not_equal
from frames.verbs.joins import sort
from frames.verbs.reductions import numeric, one_row
from frames.verbs.selection import rows_at

MAX_TRANSPOSED = 10_000
"""Rows that may become columns."""


def _last(values: np.ndarray) -> np.ndarray:
    return values[-1:]


def _difference(values: np.ndarray, before: np.ndarray, exactly: bool) -> list[Any]:
    """Run as a task: every cell minus the one above; None where int64 should hold it and cannot."""
    above = concatenate([before, values[:-1]]) if len(values) else values
    return [calculate("-", values, above) if exactly else as_float(values) - as_float(above)]


def _fits(*arguments) -> bool:
    return _difference(*arguments)[0] is not None


def _extreme(values: np.ndarray, largest: bool) -> tuple[float, int, bool]:
    """(extreme present value, its first row, is anything missing) of a piece; row -1 without values."""
    gaps = absent(values)
    if gaps.all():
        return float("nan"), -1, bool(gaps.any())
    rows = np.flatnonzero(~gaps)
    at = int(rows[np.argmax(values[rows]) if largest else np.argmin(values[rows])])
    return values[at].item(), at, bool(gaps.any())


def _extreme_across(*arguments) -> list[np.ndarray]:
    """Run as a task: per row the number of the first column with its extreme cell; missing without any."""
    *columns, largest, skip = arguments
    best, at = columns[0], np.zeros(len(columns[0]))
    gaps = [absent(column) for column in columns]
    for i, (column, gap) in enumerate(zip(columns[1:], gaps[1:], strict=True), 1):
        better = (compare(">" if largest else "<", column, best) | absent(best)) & ~gap
        column, best = alike(column, best)
        best, at = np.where(better, column, best), np.where(better, i, at)
    lost = np.logical_and.reduce(gaps) if skip else np.logical_or.reduce(gaps)
    return [np.where(lost, np.nan, at)]


def transpose(table: Table) -> Table:
    """Rows as columns C1, C2, ...: for frames of numbers with at most 10,000 rows."""
    numeric(table, "transpose")
    if not 0 < table.nrow <= MAX_TRANSPOSED:
        raise H2OValueError(f"transpose() must be asked of 1 to {MAX_TRANSPOSED} rows; got {table.nrow}.")
    cells = np.stack(alike(*fetch(table.places, table.rows)))
    names = [f"C{i + 1}" for i in range(table.nrow)]
    return small_table(names, list(cells.T))


def difflag1(table: Table) -> Table:
    """Every cell minus the cell above it, of one column of numbers; the first is missing."""
    table.only("difflag1()")
    (place,) = numeric(table, "difflag1")
    rows, local, before = table.rows, [], np.array([np.nan])
    for size, end in zip(rows, gather(reduce([place], rows, _last)), strict=True):
        local.append((before,))
        before = end if size else before
    summary = table.summaries()[0]
    exactly = place.type == "int" and 2 * size_of(summary) > EXACT
    if exactly and 2 * size_of(summary) > LONGEST:
        exactly = all(gather(reduce([place], rows, _fits, (True,), local)))
    return table.with_places(
        derive([place], rows, _difference, types=[None], domains=None, arguments=(exactly,), local=local)
    )


def idxmax(table: Table, skipna: bool = True, axis: int = 0) -> Table:
    """Row number of the largest cell of every column, a frame of one row; missing without any value.

    `skipna=False`: also missing where anything is. `axis=1`: a column `which.max` with, for every row, the number
    of the column with its largest cell.
    """
    return _position(table, True, skipna, axis)


def idxmin(table: Table, skipna: bool = True, axis: int = 0) -> Table:
    """Row number of the smallest cell of every column, a frame of one row; see idxmax()."""
    return _position(table, False, skipna, axis)


def _position(table: Table, largest: bool, skipna: bool, axis: int) -> Table:
    places = numeric(table, "idxmax" if largest else "idxmin")
    if axis == 1 and places:
        made = derive(places, table.rows, _extreme_across, types=["int"], domains=None, arguments=(largest, skipna))
        return table.new(["which.max" if largest else "which.min"], made)
    if axis != 0:
        raise H2OValueError(f"axis must be 0 (a row number per column) or 1 (per row); got {axis!r}.")
    result: list[float] = []
    first = starts(table.rows)
    for parts in gather(reduce_each(places, table.rows, _extreme, (largest,))):
        for column in zip(*parts, strict=True):
            found = [(v if largest else -v, -(s + at)) for (v, at, _), s in zip(column, first, strict=True) if at >= 0]
            lost = not found or (not skipna and any(missing for _, _, missing in column))
            result.append(float("nan") if lost else float(-max(found)[1]))
    return one_row(table, result)


def topN(table: Table, column: str | int = 0, nPercent: float = 10) -> Table:
    """Return the largest `nPercent` percent of a column: row numbers and values, largest first.

    The number of rows is `nPercent` percent of all rows, rounded, halves up; missing cells are left out. Raises
    H2OValueError where that would be less than one row.
    """
    return _front(table, column, nPercent, ascending=False)


def bottomN(table: Table, column: str | int = 0, nPercent: float = 10) -> Table:
    """Return the smallest `nPercent` percent of a column: row numbers and values, smallest first; see topN()."""
    return _front(table, column, nPercent, ascending=True)


def top_or_bottom(table: Table, column: str | int = 0, nPercent: float = 10, grabTopN: int = -1) -> Table:
    """Return the largest (`grabTopN=1`) or smallest (-1) `nPercent` percent of a column; see topN()."""
    if grabTopN not in (-1, 1):
        raise H2OValueError(f"grabTopN must be 1 (largest) or -1 (smallest); got {grabTopN!r}.")
    return _front(table, column, nPercent, ascending=grabTopN == -1)


def _front(table: Table, column: str | int, percent: float, ascending: bool) -> Table:
    one = table.pick([table.index(column)])
    numeric(one, "topN or bottomN")
    if not 0 < percent <= 100:
        raise H2OValueError(f"nPercent must be above 0 and at most 100; got {percent!r}.")
    count = table.nrow * percent / 100
    if count < 1:
        raise H2OValueError(f"nPercent must be large enough for one row of {table.nrow}; got {percent!r}.")
    local = list(zip(starts(table.rows), table.rows, strict=True))
    numbers = derive([], table.rows, _row_numbers, types=["int"], domains=None, arguments=(), local=local)
    both = table.new(["Original_Row_Indices", one.names[0]], [*numbers, *one.places])
    present = rows_at(both, not_equal(both.pick([1]), None))
    return rows_at(sort(present, 1, ascending=ascending), slice(math.floor(count + 0.5)))


def _row_numbers(start: int, rows: int) -> list[np.ndarray]:
    return [np.arange(start, start + rows)]
