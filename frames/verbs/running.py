"""Running sums, products, maxima and minima, down the rows or across the columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.placement import Place, summaries_at
from frames.cluster.sending import gather
from frames.cluster.tasks import absent, as_float, chain, derive, reduce
from frames.exceptions import H2OValueError
from frames.table.cells import all_whole
from frames.table.integers import EXACT, LONGEST, alike, calculate, reach, size_of, whole
from frames.table.table import Table
from frames.verbs.reductions import numeric

RUNNING: dict[str, np.ufunc] = {
    "cumsum": np.add, "cumprod": np.multiply, "cummax": np.maximum, "cummin": np.minimum,
}  # fmt: skip
GROWING = {"cumsum": ("+", 0), "cumprod": ("*", 1)}  # sign, neutral value; the others never leave the cells' range

BEYOND = "beyond int64"
"""Where a running integer ends that int64 cannot hold."""


# ---- tasks -------------------------------------------------------------------------------------------------------
def _run(values: np.ndarray, before: Any, name: str, exactly: bool) -> np.ndarray | None:
    """Return the running result of a piece that comes after `before` (None: after nothing); None where int64 is left.

    It starts from what comes before, so that doubles are rounded alike however the rows are cut.
    """
    if exactly:
        return _run_exactly(values, before, name)
    numbers = as_float(values)
    with np.errstate(all="ignore"):
        if before is None:
            return RUNNING[name].accumulate(numbers)
        return RUNNING[name].accumulate(np.concatenate([[float(before)], numbers]))[1:]


def _run_exactly(values: np.ndarray, before: Any, name: str) -> np.ndarray | None:
    found = whole(values)
    if found is None or before == BEYOND:
        return None
    sign, neutral = GROWING.get(name, ("", 0))
    cells, gaps = found
    lost = np.logical_or.accumulate(gaps) | (before is not None and before != before)
    cells = np.where(lost, neutral, cells)
    if before is not None:
        cells = np.concatenate([[np.int64(neutral if before != before else before)], cells])
    with np.errstate(over="ignore"):
        result = RUNNING[name].accumulate(cells)
    if sign:
        checked = calculate(sign, result[:-1], cells[1:])
        if checked is None or (checked != result[1:]).any():
            return None
    return np.where(lost, MISSING_INTEGER, result if before is None else result[1:])


def _ends(*arguments) -> list[Any]:
    """Run as a task: where every column of a partition ends, given where the one before it ended."""
    *columns, before, name, exactly = arguments
    return [_end(c, b, name, e) for c, b, e in zip(columns, before or [None] * len(columns), exactly, strict=True)]


def _end(values: np.ndarray, before: Any, name: str, exactly: bool) -> Any:
    if len(values) == 0:
        return before
    result = _run(values, before, name, exactly)
    if result is None:
        return BEYOND
    return float("nan") if absent(result[-1:])[0] else result[-1].item()


def _run_on(*arguments) -> list[Any]:
    *columns, before, name, exactly = arguments
    return [_run(c, b, name, e) for c, b, e in zip(columns, before or [None] * len(columns), exactly, strict=True)]


def _run_across(*arguments) -> list[Any]:
    """Run as a task: the running result over several columns; all None where it should be exact and int64 is left."""
    *columns, name, exactly = arguments
    result: list[Any] = [columns[0] if exactly else as_float(columns[0])]
    for column in columns[1:]:
        result.append(None if result[-1] is None else _joined(result[-1], column, name, exactly))
    return result


def _joined(left: np.ndarray, right: np.ndarray, name: str, exactly: bool) -> np.ndarray | None:
    if not exactly:
        with np.errstate(all="ignore"):
            return RUNNING[name](left, as_float(right))
    if name in GROWING:
        return calculate(GROWING[name][0], left, right)
    left, right = alike(left, right)
    hole = MISSING_INTEGER if left.dtype == np.int64 else np.nan
    return np.where(absent(left) | absent(right), hole, RUNNING[name](left, right))


def _fits_across(*arguments) -> bool:
    return _run_across(*arguments)[-1] is not None


def _running(table: Table, name: str, axis: int) -> Table:
    places, rows = numeric(table, name), table.rows
    if axis not in (0, 1):
        raise H2OValueError(f"axis must be 0 (down the rows) or 1 (across the columns); got {axis!r}.")
    if not places:
        return table.with_places(places)
    types: list = [None] * len(places)
    if axis == 1:
        options = (name, _exact_across(places, rows, name))
        return table.with_places(derive(places, rows, _run_across, types=types, domains=None, arguments=options))
    options = (name, _exact_down(places, rows, name))
    before = [None, *chain(places, rows[:-1], _ends, options)]
    return table.with_places(
        derive(places, rows, _run_on, types=types, domains=None, arguments=options, local=[(b,) for b in before])
    )


def cumsum(table: Table, axis: int = 0) -> Table:
    """Return running sum down the rows (axis 0) or across the columns (1); missing from the first missing cell on."""
    return _running(table, "cumsum", axis)


def cumprod(table: Table, axis: int = 0) -> Table:
    """Return running product."""
    return _running(table, "cumprod", axis)


def cummax(table: Table, axis: int = 0) -> Table:
    """Return running maximum."""
    return _running(table, "cummax", axis)


def cummin(table: Table, axis: int = 0) -> Table:
    """Return running minimum."""
    return _running(table, "cummin", axis)


# ---- when to leave doubles -----------------------------------------------------------------------------------------
def _bound(name: str, sizes: Sequence[int]) -> int:
    """Return a bound of what cells of these sizes run up to."""
    bound = sizes[0]
    for size in sizes[1:]:
        bound = reach(GROWING[name][0], bound, max(size, 1)) if name in GROWING else max(bound, size)
        if bound > 2**70:
            break
    return bound


def _exact_across(places: Sequence[Place], rows: Sequence[int], name: str) -> bool:
    if not all_whole(places) or (bound := _bound(name, [size_of(s) for s in summaries_at(places)])) <= EXACT:
        return False
    return bound <= LONGEST or all(gather(reduce(places, rows, _fits_across, (name, True))))


def _exact_down(places: Sequence[Place], rows: Sequence[int], name: str) -> list[bool]:
    """Per column: would doubles round, and int64 hold the result?"""
    count = sum(rows) if name == "cumsum" else 1
    repeats = 64 if name == "cumprod" else 1
    sizes = [size_of(s) if all_whole([p]) else 0 for p, s in zip(places, summaries_at(places), strict=True)]
    bounds = [_bound(name, [size * count] * repeats) for size in sizes]
    doubtful = [i for i, bound in enumerate(bounds) if bound > LONGEST]
    lost: set[int] = set()
    if doubtful:
        ends = chain([places[i] for i in doubtful], rows, _ends, (name, [True] * len(doubtful)))[-1]
        lost = {i for i, end in zip(doubtful, gather(ends), strict=True) if end == BEYOND}
    return [bound > EXACT and i not in lost for i, bound in enumerate(bounds)]
