"""Columns and rows selected with [], and cells assigned with []= ."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from frames.cluster.placement import PEEKED_ROWS, Place, client_at
from frames.cluster.reorder import fetch, peek, pick_mask, pick_numbers, pick_slice, recut, starts
from frames.cluster.sending import resident
from frames.cluster.tasks import Step, absent, carry_out
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import to_truth
from frames.table.cells import (
    agreeing,
    constant,
    fitting,
    is_table,
    mixed_type,
    put_column_masked,
    put_masked,
    put_rows,
)
from frames.table.literals import build_table
from frames.table.table import Table


def select(table: Table, item: Any) -> Any:
    """Columns by name, number, slice or list; rows by a mask; `fr[rows, columns]` both.

    Row and column both scalar give the cell as a Python value (NaN for missing). Raises H2OValueError for unknown
    columns and rows out of range.
    """
    if isinstance(item, tuple):
        if len(item) != 2:
            raise H2OValueError(f"A frame must be indexed as [rows, columns]; got {len(item)} indices.")
        return _cells_at(table, *item)
    if is_table(item) or (isinstance(item, np.ndarray | pd.Series) and item.dtype == bool):
        return rows_at(table, item)
    return table.pick(table.indices(item))


def _cells_at(table: Table, rows: Any, columns: Any) -> Any:
    chosen = table.pick(table.indices(columns))
    if isinstance(rows, Integral) and not isinstance(rows, bool):
        number = _row_number(table, rows)
        if isinstance(columns, str | Integral):
            return cell_of(chosen, number)
        return rows_at(chosen, [number])
    return rows_at(chosen, rows)


def _row_number(table: Table, row: Integral) -> int:
    if not -table.nrow <= int(row) < table.nrow:
        raise H2OValueError(f"A row number must be in {-table.nrow}..{table.nrow - 1}; got {row}.")
    return int(row) % table.nrow


def cell_of(table: Table, row: int) -> Any:
    """One cell of a one-column frame as a Python value."""
    column = table.schema.columns[0]
    (place,), rows = table.places, table.rows
    kept = table.nrow <= PEEKED_ROWS
    values = peek([place], rows)[0][row : row + 1] if kept else fetch([place], rows, row, row + 1)[0]
    if absent(values)[0]:
        return math.nan
    if column.type == "enum":
        return (column.domain or ())[int(values[0])]
    value = values[0]
    if column.type in ("string", "uuid"):
        return str(value)
    return int(value) if column.type in ("int", "time") else float(value)


def rows_at(table: Table, rows: Any) -> Table:
    """Rows by slice, list of numbers, mask frame or bool array, in the order given."""
    names, places, own = table.names, table.places, table.rows
    if isinstance(rows, slice):
        start, stop, step = rows.indices(table.nrow)
        if (start, stop, step) == (0, table.nrow, 1):
            return table.new(names, places)
        if step > 0:
            return table.new(names, *pick_slice(places, own, start, stop, step))
        return table.new(names, *pick_numbers(places, own, np.arange(start, stop, step)))
    if is_table(rows):
        return table.new(names, *pick_mask(places, own, _mask(table, rows)))
    return table.new(names, *pick_numbers(places, own, _numbers(table, rows)))


def _mask(table: Table, mask: Any) -> Place:
    """Return the column of a mask frame, cut as this frame is."""
    place = mask.only("A row mask")
    if mask.nrow != table.nrow:
        raise H2OValueError(f"A row mask must have one row per row of the frame ({table.nrow}); got {mask.nrow}.")
    (place,) = carry_out([to_truth(place)], mask.rows)
    if place.type not in ("int", "real"):
        raise H2OValueError(f"A row mask must hold numbers (0 or 1) or bool; got a column of type {place.type}.")
    return recut([place], mask.rows, table.rows)[0]


def _numbers(table: Table, rows: Any) -> np.ndarray:
    """Return checked row numbers from a list, range or array; a bool array or list is a mask."""
    if isinstance(rows, str) or not isinstance(rows, Iterable):
        raise H2OTypeError(f"Rows must be given by number, slice, list, or mask frame; got {type(rows).__name__}.")
    numbers = np.asarray(list(rows) if not isinstance(rows, np.ndarray) else rows)
    if numbers.size == 0:
        return np.empty(0, np.int64)
    if numbers.dtype == bool:
        if len(numbers) != table.nrow:
            raise H2OValueError(f"A row mask must have {table.nrow} entries; got {len(numbers)}.")
        return np.flatnonzero(numbers)
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        raise H2OTypeError(f"Row numbers must be a flat list of integers; got dtype {numbers.dtype}.")
    outside = numbers[(numbers >= table.nrow) | (numbers < -table.nrow)]
    if len(outside):
        raise H2OValueError(f"A row number must be in {-table.nrow}..{table.nrow - 1}; got {outside[0]}.")
    return np.where(numbers < 0, numbers + table.nrow, numbers).astype(np.int64)


def assign(table: Table, item: Any, value: Any) -> Table:
    """Assign columns (`fr["new"] = frame or constant`) or cells (`fr[mask, "x"] = value`); returns the table with them.

    None and NaN are missing. A level that the domain lacks is appended to it. Raises H2OValueError where value
    and column types do not agree or sizes differ.
    """
    if isinstance(item, tuple):
        if len(item) != 2:
            raise H2OValueError(f"A frame must be assigned as [rows, columns]; got {len(item)} indices.")
        rows, columns = item
        if isinstance(rows, slice) and rows == slice(None):
            return _assign_columns(table, columns, value)
        return _assign_cells(table, rows, table.indices(columns), value)
    if is_table(item):
        return _assign_cells(table, item, list(range(table.ncol)), value)
    return _assign_columns(table, item, value)


def _targets(table: Table, columns: Any) -> list[tuple[int | None, str]]:
    """(position or None for a new column, name) of columns to assign whole."""
    if isinstance(columns, str):
        columns = [columns]
    if isinstance(columns, list | tuple):
        return [(None, c) if isinstance(c, str) and c not in table.names else _target(table, c) for c in columns]
    if isinstance(columns, Integral) and int(columns) == table.ncol:
        return [(None, f"C{table.ncol + 1}")]
    return [_target(table, i) for i in table.indices(columns)]


def _target(table: Table, column: Any) -> tuple[int, str]:
    at = table.index(column)
    return at, table.names[at]


def _assign_columns(table: Table, columns: Any, value: Any) -> Table:
    targets = _targets(table, columns)
    names, places = list(table.names), list(table.places)
    if is_table(value):
        given = sources(table, value, len(targets))
    elif isinstance(value, list | tuple | np.ndarray | pd.Series):
        size, value = len(value), build_table(value if len(value) else {"C1": [None]})
        value = rows_at(value, slice(size))
        given = sources(table, value, len(targets))
    else:
        if not table.rows:
            raise H2OValueError("A constant column needs a frame that has rows; this one is empty.")
        given = [constant(places[at] if at is not None else None, table.rows, value) for at, _ in targets]
    for (at, name), source in zip(targets, given, strict=True):
        if at is None:
            names.append(name)
            places.append(source)
        else:
            places[at] = source
    return table.new(names, places, value.rows if is_table(value) and not table.rows else None)


def sources(table: Table, value: Any, count: int) -> list[Place]:
    """Return the columns of a frame to assign, cut as this frame is; one column or one cell serves all targets."""
    if value.is_cell and table.nrow != 1:
        return [constant(None, table.rows, cell_of(value, 0))] * count
    if table.ncol and value.nrow != table.nrow:
        raise H2OValueError(f"The assigned frame must have {table.nrow} rows; got {value.nrow}.")
    if value.ncol not in (1, count):
        raise H2OValueError(f"The assigned frame must have {count} column(s); got {value.ncol}.")
    places = list(value.places)
    if table.rows:
        places = recut(places, value.rows, table.rows)
    return places * count if value.ncol == 1 else places


def _assign_cells(table: Table, rows: Any, targets: list[int], value: Any) -> Table:
    names, places, _ = table.names, table.places, table.rows
    made: list[Place | Step] = list(places)
    if is_table(rows):
        masks = _masks(table, rows, len(targets))
        for k, (at, mask) in enumerate(zip(targets, masks, strict=True)):
            made[at] = _put_under(table, names[at], table.resolved[at], mask=mask, value=value, k=k, count=len(targets))
    else:
        if isinstance(rows, Integral) and not isinstance(rows, bool):
            numbers = np.array([_row_number(table, rows)])
        elif isinstance(rows, slice):
            numbers = np.arange(*rows.indices(table.nrow))
        else:
            numbers = _numbers(table, rows)
        for k, at in enumerate(targets):
            made[at] = _put_at(
                table, names[at], table.resolved[at], numbers=numbers, value=value, k=k, count=len(targets)
            )
    return table.new(names, carry_out(made, table.rows))


def _masks(table: Table, mask: Any, count: int) -> list[Place]:
    if mask.ncol == 1:
        return [_mask(table, mask)] * count
    if mask.ncol != count:
        raise H2OValueError(f"A mask must have one column, or one per assigned column ({count}); got {mask.ncol}.")
    return [_mask(table, column) for column in mask.columns()]


def _put_under(table: Table, name: str, place: Place, mask: Place, value: Any, k: int, count: int) -> Step:
    own = table.rows
    if not is_table(value) or value.is_cell:
        place, code = fitting(name, place, cell_of(value, 0) if is_table(value) else value)
        return Step((place, mask), put_masked, mixed_type(place), place.domain, (code,))
    source = sources(table, value, count)[k]
    place, source = agreeing(name, place, source, own)
    return Step((place, mask, source), put_column_masked, mixed_type(place), place.domain)


def _put_at(table: Table, name: str, place: Place, numbers: np.ndarray, value: Any, k: int, count: int) -> Step:
    own = table.rows
    new: Any
    if is_table(value) and not value.is_cell:
        if value.nrow != len(numbers) or value.ncol not in (1, count):
            raise H2OValueError(
                f"The assigned frame must have {len(numbers)} rows and {count} column(s); "
                f"got {(value.nrow, value.ncol)}."
            )
        source = value.resolved[0 if value.ncol == 1 else k]
        place, source = agreeing(name, place, source, value.rows)
        new, type_ = fetch([source], value.rows)[0], mixed_type(place)
    else:
        place, new = fitting(name, place, cell_of(value, 0) if is_table(value) else value)
        type_ = mixed_type(place)
    local, client = [], client_at([place])
    for first, size in zip(starts(own), own, strict=True):
        inside = (numbers >= first) & (numbers < first + size)
        cells = resident(new[inside], client) if isinstance(new, np.ndarray) else new
        local.append((resident(numbers[inside] - first, client), cells))
    return Step(places=(place,), function=put_rows, type=type_, domain=place.domain, arguments=(), local=local)


def drop(table: Table, index: Any, axis: int = 1) -> Table:
    """Return a frame without some columns (names, numbers, lists of them), or with `axis=0` without some rows."""
    if axis == 1:
        if isinstance(index, str) and index not in table.names:
            table.index(index)
        gone = set(table.indices(index))
        return table.pick([i for i in range(table.ncol) if i not in gone])
    if axis == 0:
        numbers = _numbers(table, [index] if isinstance(index, Integral) else index)
        return rows_at(table, np.setdiff1d(np.arange(table.nrow), numbers))
    raise H2OValueError(f"axis must be 1 (columns) or 0 (rows); got {axis!r}.")


def pop(table: Table, i: str | int) -> tuple[Table, Table]:
    """Take a column out: the table without it, and the column."""
    at = table.index(i)
    column = table.pick([at])
    names, places, _ = table.names, table.places, table.rows
    rest = table.new([n for k, n in enumerate(names) if k != at], [p for k, p in enumerate(places) if k != at])
    return rest, column


def head(table: Table, rows: int = 10, cols: int = 200) -> Table:
    """Return the first rows (and at most `cols` columns)."""
    return rows_at(_first(table, cols), slice(0, min(_count("rows", rows), table.nrow)))


def tail(table: Table, rows: int = 10, cols: int = 200) -> Table:
    """Return the last rows (and at most `cols` columns)."""
    return rows_at(_first(table, cols), slice(max(table.nrow - _count("rows", rows), 0), table.nrow))


def _first(table: Table, cols: int) -> Table:
    return table.pick(range(min(_count("cols", cols), table.ncol)))


def getrow(table: Table) -> list[Any]:
    """Return the cells of a one-row frame as Python values."""
    if table.nrow != 1:
        raise H2OValueError(f"getrow() must be asked of a frame of one row; this one has {table.nrow}.")
    return [cell_of(column, 0) for column in table.columns()]


def flatten(table: Table) -> Any:
    """Return the cell of a 1 x 1 frame as a Python value."""
    if not table.is_cell:
        raise H2OValueError(
            f"flatten() must be asked of a frame of one row and column; this one is {(table.nrow, table.ncol)}."
        )
    return cell_of(table, 0)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise H2OValueError(f"{name} must be a whole number of at least 0; got {value!r}.")
    return int(value)
