"""apply(): a user's function called per column or per row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.reorder import fetch
from frames.cluster.tasks import absent, derive
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.cells import Scalar, is_table
from frames.table.integers import EXACT
from frames.table.table import Table
from frames.verbs.binding import cbind
from frames.verbs.reductions import one_row


class Cells(pd.Series):
    """A row for a user's function: cells by name or by number, as in h2o-py."""

    _metadata: ClassVar[list[str]] = []

    @property
    def _constructor(self) -> Callable:
        return pd.Series

    def __getitem__(self, key: Any) -> Any:
        return self.iloc[key] if isinstance(key, Integral) and not isinstance(key, bool) else super().__getitem__(key)


def _readable(values: np.ndarray, domain: tuple[str, ...] | None) -> np.ndarray:
    """Return a decoded column as a user's function sees it: numbers as floats, or as Python integers where floats would
    round; levels and strings as text; None for missing text, NaN for missing numbers."""
    if domain is not None:
        return np.array([*domain, None], dtype=object)[values]
    if values.dtype == np.int64:
        return np.where(absent(values), np.nan, values.astype(object))
    return values


def _rows_of(columns: Sequence[np.ndarray], names: Sequence[str], domains: Sequence) -> Iterator[Cells]:
    readable = [_readable(values, domain) for values, domain in zip(columns, domains, strict=True)]
    dtype = object if any(column.dtype == object for column in readable) else float
    table = np.empty((len(columns[0]), len(columns)), dtype)
    for i, column in enumerate(readable):
        table[:, i] = column
    index = pd.Index(names)
    return (Cells(row, index=index) for row in table)


def _rowwise(*arguments) -> list[np.ndarray]:
    *columns, function, names, domains, width = arguments
    results = [_as_list(function(row)) for row in _rows_of(columns, names, domains)]
    for k, result in enumerate(results):
        if len(result) != width:
            raise H2OValueError(f"The function must give {width} value(s) for every row; row {k} gave {len(result)}.")
    return [_as_column([r[i] for r in results]) for i in range(width)]


def _as_column(values: list) -> np.ndarray:
    """Return what a user's function gave for the rows of a partition, as a column of numbers."""
    if all(isinstance(value, float) for value in values):
        return np.array(values, np.float64)
    numbers = [_number(value) for value in values]
    if any(isinstance(v, int) and abs(v) > EXACT for v in numbers) and all(v is None or v == int(v) for v in numbers):
        return np.array([MISSING_INTEGER if v is None else int(v) for v in numbers], np.int64)
    return np.array([np.nan if v is None else v for v in numbers], np.float64)


def _number(value: Any) -> float | None:
    scalar = Scalar(value)
    if scalar.type in ("text", "time"):
        raise H2OValueError(f"The function must give numbers; got {value!r} ({type(value).__name__}).")
    return scalar.value


def _as_list(value: Any) -> list:
    if isinstance(value, pd.Series | np.ndarray | list | tuple):
        return list(value)
    return [value]


def apply(table: Table, fun: Callable | None = None, axis: int = 0) -> Table:
    """Return a function of every column (axis 0) or every row (axis 1).

    axis 0: `fun` is called here, once per column, with a one-column frame. Columns of the same length it returns
    are bound; numbers (or lists of one number, as mean() gives) become a frame of one row. Names stay.
    axis 1: `fun` is called on the workers, once per row, with a pandas Series of that row (numbers as floats,
    integers beyond 2**53 as ints, levels and strings as text; so ``row["x"]``, ``row[0]``, ``row.sum()`` work) and
    returns a number, or equally many numbers for every row: columns C1, C2, ... The first row tells how many.

    Example: ``fr.apply(lambda row: row["x"] + row["y"], axis=1)``.
    """
    if not callable(fun):
        raise H2OTypeError(f"fun must be a function; got {type(fun).__name__}.")
    if axis == 0:
        return _columnwise(table, fun)
    if axis != 1:
        raise H2OValueError(f"axis must be 0 (columns) or 1 (rows); got {axis!r}.")
    names, places, rows = table.names, table.places, table.rows
    if table.nrow == 0:
        raise H2OValueError("apply() over rows must be asked of a frame that has rows.")
    domains = [place.domain for place in places]
    first = next(_rows_of(fetch(places, rows, 0, 1), names, domains))
    width = len(_as_column(_as_list(fun(first))))  # refuses here what is no number
    made = derive(places, rows, _rowwise, types=[None] * width, domains=None, arguments=(fun, names, domains, width))
    return table.new([f"C{i + 1}" for i in range(width)], made)


def _columnwise(table: Table, fun: Callable) -> Table:
    results = [fun(column) for column in table.columns()]
    if results and all(is_table(r) for r in results):
        joined = cbind(results[0], results[1:]) if len(results) > 1 else results[0]
        return joined.new(table.names, joined.places) if joined.ncol == table.ncol else joined
    numbers = []
    for name, result in zip(table.names, results, strict=True):
        value = _as_list(result)
        if len(value) != 1 or isinstance(value[0], str) or is_table(value[0]):
            raise H2OValueError(
                f"The function must give a frame for every column, or a number for every column; got {result!r} "
                f"for column '{name}'."
            )
        numbers.append(Scalar(value[0]).value)
    return one_row(table, numbers)
