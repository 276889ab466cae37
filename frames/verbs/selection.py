"""Columns and rows selected with [], and cells assigned with []= ."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from frames.cluster.placement import PEEKED_ROWS, Place
from frames.cluster.reorder import fetch, peek, pick_mask, pick_numbers, pick_slice, recut, starts
from frames.cluster.tasks import Step, absent, carry_out, resident
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.body import FrameBody
from frames.table.casts import to_truth
from frames.table.cells import (
    agreeing,
    constant,
    fitting,
    is_frame,
    is_missing,
    mixed_type,
    put_column_masked,
    put_masked,
    put_rows,
)

if TYPE_CHECKING:
    from frames.frame import H2OFrame


class Selection(FrameBody):
    """fr[...], fr[...] = ..., drop, pop and friends."""

    # ---- reading -----------------------------------------------------------------------------------------------
    def __getitem__(self, item: Any) -> Any:
        """Columns by name, number, slice or list; rows by a mask; `fr[rows, columns]` both.

        Row and column both scalar give the cell as a Python value (NaN for missing). Raises H2OValueError for unknown
        columns and rows out of range.
        """
        if isinstance(item, tuple):
            if len(item) != 2:
                raise H2OValueError(f"A frame must be indexed as [rows, columns]; got {len(item)} indices.")
            return self._cells_at(*item)
        if is_frame(item) or (isinstance(item, np.ndarray | pd.Series) and item.dtype == bool):
            return self._rows_at(item)
        return self._pick(self._indices(item))

    def _cells_at(self, rows: Any, columns: Any) -> Any:
        chosen = self._pick(self._indices(columns))
        if isinstance(rows, Integral) and not isinstance(rows, bool):
            number = self._row_number(rows)
            if isinstance(columns, str | Integral):
                return chosen._cell(number)
            return chosen._rows_at([number])
        return chosen._rows_at(rows)

    def _row_number(self, row: Integral) -> int:
        if not -self.nrow <= int(row) < self.nrow:
            raise H2OValueError(f"A row number must be in {-self.nrow}..{self.nrow - 1}; got {row}.")
        return int(row) % self.nrow

    def _cell(self, row: int) -> Any:
        """One cell of a one-column frame as a Python value."""
        column = self.schema.columns[0]
        _, (place,), rows = self._body
        if self.nrow <= PEEKED_ROWS:
            values = peek([place], rows)[0][row : row + 1]
        else:
            values = fetch([place], rows, row, row + 1)[0]
        if absent(values)[0]:
            return math.nan
        if column.type == "enum":
            return column.domain[int(values[0])]  # type: ignore[index]
        value = values[0]
        if column.type in ("string", "uuid"):
            return str(value)
        return int(value) if column.type in ("int", "time") else float(value)

    def _rows_at(self, rows: Any) -> H2OFrame:
        """Rows by slice, list of numbers, mask frame or bool array, in the order given."""
        names, places, own = self._body
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.nrow)
            if (start, stop, step) == (0, self.nrow, 1):
                return self._new(names, places)
            if step > 0:
                return self._new(names, *pick_slice(places, own, start, stop, step))
            return self._new(names, *pick_numbers(places, own, np.arange(start, stop, step)))
        if is_frame(rows):
            return self._new(names, *pick_mask(places, own, self._mask(rows)))
        return self._new(names, *pick_numbers(places, own, self._numbers(rows)))

    def _mask(self, mask: Any) -> Place:
        """The column of a mask frame, cut as this frame is."""
        place = mask._only("A row mask")
        if mask.nrow != self.nrow:
            raise H2OValueError(f"A row mask must have one row per row of the frame ({self.nrow}); got {mask.nrow}.")
        (place,) = carry_out([to_truth(place)], mask._body.rows)
        if place.type not in ("int", "real"):
            raise H2OValueError(f"A row mask must hold numbers (0 or 1) or bool; got a column of type {place.type}.")
        return recut([place], mask._body.rows, self._body.rows)[0]

    def _numbers(self, rows: Any) -> np.ndarray:
        """Checked row numbers from a list, range or array; a bool array or list is a mask."""
        if isinstance(rows, str) or not isinstance(rows, Iterable):
            raise H2OTypeError(f"Rows must be given by number, slice, list, or mask frame; got {type(rows).__name__}.")
        numbers = np.asarray(list(rows) if not isinstance(rows, np.ndarray) else rows)
        if numbers.size == 0:
            return np.empty(0, np.int64)
        if numbers.dtype == bool:
            if len(numbers) != self.nrow:
                raise H2OValueError(f"A row mask must have {self.nrow} entries; got {len(numbers)}.")
            return np.flatnonzero(numbers)
        if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
            raise H2OTypeError(f"Row numbers must be a flat list of integers; got dtype {numbers.dtype}.")
        outside = numbers[(numbers >= self.nrow) | (numbers < -self.nrow)]
        if len(outside):
            raise H2OValueError(f"A row number must be in {-self.nrow}..{self.nrow - 1}; got {outside[0]}.")
        return np.where(numbers < 0, numbers + self.nrow, numbers).astype(np.int64)

    def __contains__(self, value: Any) -> bool:
        """Is a value (or are all values of a list) in some cell? None asks for a missing cell."""
        values = value if isinstance(value, list | tuple) else [value]
        return all(any((column == v).any_na_rm() for column in self if column._holds(v)) for v in values)  # type: ignore[attr-defined]

    def _holds(self, value: Any) -> bool:
        """Whether the one column could hold a value at all."""
        text = self._resolved()[0].type in ("enum", "string", "uuid")
        return is_missing(value) or text == isinstance(value, str)

    # ---- writing -----------------------------------------------------------------------------------------------
    def __setitem__(self, item: Any, value: Any) -> None:
        """Assign columns (`fr["new"] = frame or constant`) or cells (`fr[mask, "x"] = value`), in place.

        None and NaN are missing. A level that the domain lacks is appended to it. Raises H2OValueError where value
        and column types do not agree or sizes differ.
        """
        if isinstance(item, tuple):
            if len(item) != 2:
                raise H2OValueError(f"A frame must be assigned as [rows, columns]; got {len(item)} indices.")
            rows, columns = item
            if isinstance(rows, slice) and rows == slice(None):
                self._assign_columns(columns, value)
            else:
                self._assign_cells(rows, self._indices(columns), value)
        elif is_frame(item):
            self._assign_cells(item, list(range(self.ncol)), value)
        else:
            self._assign_columns(item, value)

    def _targets(self, columns: Any) -> list[tuple[int | None, str]]:
        """(position or None for a new column, name) of columns to assign whole."""
        if isinstance(columns, str):
            columns = [columns]
        if isinstance(columns, list | tuple):
            return [(None, c) if isinstance(c, str) and c not in self._body.names else self._target(c) for c in columns]
        if isinstance(columns, Integral) and int(columns) == self.ncol:
            return [(None, f"C{self.ncol + 1}")]
        return [self._target(i) for i in self._indices(columns)]

    def _target(self, column: Any) -> tuple[int, str]:
        at = self._index(column)
        return at, self._body.names[at]

    def _assign_columns(self, columns: Any, value: Any) -> None:
        targets = self._targets(columns)
        names, places = list(self._body.names), list(self._body.places)
        if is_frame(value):
            sources = self._sources(value, len(targets))
        elif isinstance(value, list | tuple | np.ndarray | pd.Series):
            value = type(self)(value if len(value) else {"C1": [None]})[: len(value), :]  # type: ignore[call-arg]
            sources = self._sources(value, len(targets))
        else:
            if not self._body.rows:
                raise H2OValueError("A constant column needs a frame that has rows; this one is empty.")
            sources = [constant(places[at] if at is not None else None, self._body.rows, value) for at, _ in targets]
        for (at, name), source in zip(targets, sources, strict=True):
            if at is None:
                names.append(name)
                places.append(source)
            else:
                places[at] = source
        self._become(names, places, value._body.rows if is_frame(value) and not self._body.rows else None)

    def _sources(self, value: Any, count: int) -> list[Place]:
        """The columns of a frame to assign, cut as this frame is; one column or one cell serves all targets."""
        if value.shape == (1, 1) and self.nrow != 1:
            return [constant(None, self._body.rows, value._cell(0))] * count
        if self.ncol and value.nrow != self.nrow:
            raise H2OValueError(f"The assigned frame must have {self.nrow} rows; got {value.nrow}.")
        if value.ncol not in (1, count):
            raise H2OValueError(f"The assigned frame must have {count} column(s); got {value.ncol}.")
        places = list(value._body.places)
        if self._body.rows:
            places = recut(places, value._body.rows, self._body.rows)
        return places * count if value.ncol == 1 else places

    def _assign_cells(self, rows: Any, targets: list[int], value: Any) -> None:
        names, places, _ = self._body
        made: list[Place | Step] = list(places)
        if is_frame(rows):
            masks = self._masks(rows, len(targets))
            for k, (at, mask) in enumerate(zip(targets, masks, strict=True)):
                made[at] = self._put_under(names[at], self._resolved()[at], mask, value, k, len(targets))
        else:
            if isinstance(rows, Integral) and not isinstance(rows, bool):
                numbers = np.array([self._row_number(rows)])
            elif isinstance(rows, slice):
                numbers = np.arange(*rows.indices(self.nrow))
            else:
                numbers = self._numbers(rows)
            for k, at in enumerate(targets):
                made[at] = self._put_at(names[at], self._resolved()[at], numbers, value, k, len(targets))
        self._become(names, carry_out(made, self._body.rows))

    def _masks(self, mask: Any, count: int) -> list[Place]:
        if mask.ncol == 1:
            return [self._mask(mask)] * count
        if mask.ncol != count:
            raise H2OValueError(f"A mask must have one column, or one per assigned column ({count}); got {mask.ncol}.")
        return [self._mask(column) for column in mask]

    def _put_under(self, name: str, place: Place, mask: Place, value: Any, k: int, count: int) -> Step:
        own = self._body.rows
        if not is_frame(value) or value.shape == (1, 1):
            place, code = fitting(name, place, value._cell(0) if is_frame(value) else value)
            return Step((place, mask), put_masked, mixed_type(place), place.domain, (code,))
        source = self._sources(value, count)[k]
        place, source = agreeing(name, place, source, own)
        return Step((place, mask, source), put_column_masked, mixed_type(place), place.domain)

    def _put_at(self, name: str, place: Place, numbers: np.ndarray, value: Any, k: int, count: int) -> Step:
        own = self._body.rows
        new: Any
        if is_frame(value) and value.shape != (1, 1):
            if value.nrow != len(numbers) or value.ncol not in (1, count):
                raise H2OValueError(
                    f"The assigned frame must have {len(numbers)} rows and {count} column(s); got {value.shape}."
                )
            source = value._resolved()[0 if value.ncol == 1 else k]
            place, source = agreeing(name, place, source, value._body.rows)
            new, type_ = fetch([source], value._body.rows)[0], mixed_type(place)
        else:
            place, new = fitting(name, place, value._cell(0) if is_frame(value) else value)
            type_ = mixed_type(place)
        local = []
        for first, size in zip(starts(own), own, strict=True):
            inside = (numbers >= first) & (numbers < first + size)
            cells = resident(new[inside]) if isinstance(new, np.ndarray) else new
            local.append((resident(numbers[inside] - first), cells))
        return Step((place,), put_rows, type_, place.domain, (), local)

    # ---- dropping ----------------------------------------------------------------------------------------------
    def drop(self, index: Any, axis: int = 1) -> H2OFrame:
        """A frame without some columns (names, numbers, lists of them), or with `axis=0` without some rows."""
        if axis == 1:
            if isinstance(index, str) and index not in self._body.names:
                self._index(index)
            gone = set(self._indices(index))
            return self._pick([i for i in range(self.ncol) if i not in gone])
        if axis == 0:
            numbers = self._numbers([index] if isinstance(index, Integral) else index)
            return self._rows_at(np.setdiff1d(np.arange(self.nrow), numbers))
        raise H2OValueError(f"axis must be 1 (columns) or 0 (rows); got {axis!r}.")

    def pop(self, i: str | int) -> H2OFrame:
        """Take a column out of this frame, in place, and return it as a frame."""
        at = self._index(i)
        column = self._pick([at])
        names, places, _ = self._body
        self._become([n for k, n in enumerate(names) if k != at], [p for k, p in enumerate(places) if k != at])
        return column

    def head(self, rows: int = 10, cols: int = 200) -> H2OFrame:
        """The first rows (and at most `cols` columns)."""
        return self._first(cols)._rows_at(slice(0, min(_count("rows", rows), self.nrow)))

    def tail(self, rows: int = 10, cols: int = 200) -> H2OFrame:
        """The last rows (and at most `cols` columns)."""
        return self._first(cols)._rows_at(slice(max(self.nrow - _count("rows", rows), 0), self.nrow))

    def _first(self, cols: int) -> H2OFrame:
        return self._pick(range(min(_count("cols", cols), self.ncol)))

    def getrow(self) -> list[Any]:
        """The cells of a one-row frame as Python values."""
        if self.nrow != 1:
            raise H2OValueError(f"getrow() must be asked of a frame of one row; this one has {self.nrow}.")
        return [column._cell(0) for column in self]  # type: ignore[attr-defined]

    def flatten(self) -> Any:
        """The cell of a 1 x 1 frame as a Python value."""
        if self.shape != (1, 1):
            raise H2OValueError(f"flatten() must be asked of a frame of one row and column; this one is {self.shape}.")
        return self._cell(0)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise H2OValueError(f"{name} must be a whole number of at least 0; got {value!r}.")
    return int(value)
