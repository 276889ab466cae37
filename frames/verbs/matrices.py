"""Frames of numbers as matrices: products, and distances between the rows of two frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from frames.cluster.reorder import fetch
from frames.cluster.tasks import as_float, derive
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.cells import is_table
from frames.table.table import Table
from frames.verbs.reductions import numeric

MAX_SIDE = 10_000
"""Rows of the second frame, which every worker holds whole."""


# ---- tasks -------------------------------------------------------------------------------------------------------
def _product(*arguments) -> list[np.ndarray]:
    *columns, other = arguments
    with np.errstate(all="ignore"):
        return list((_rows(columns) @ other).T)


def _rows(columns: list) -> np.ndarray:
    return np.stack([as_float(column) for column in columns], axis=1)


def _distances(*arguments) -> list[np.ndarray]:
    *columns, other, measure = arguments
    rows = _rows(columns)
    with np.errstate(all="ignore"):
        return [MEASURES[measure](rows, one) for one in other]


def _cosine(rows: np.ndarray, one: np.ndarray) -> np.ndarray:
    return rows @ one / (np.sqrt((rows**2).sum(axis=1)) * np.sqrt((one**2).sum()))


MEASURES = {
    "l1": lambda rows, one: np.abs(rows - one).sum(axis=1),
    "l2": lambda rows, one: np.sqrt(((rows - one) ** 2).sum(axis=1)),
    "cosine": _cosine,
    "cosine_sq": lambda rows, one: _cosine(rows, one) ** 2,
}
"""How far (l1, l2) or how alike (cosine) each row is to one other row."""


def mult(table: Table, matrix: Table) -> Table:
    """Return the matrix product with another frame, of as many rows as this has columns: columns C1, C2, ...

    Missing cells make the sums that they are part of missing. Raises H2OValueError where the sizes do not agree, a
    column holds no numbers, or the other frame has more than 10,000 rows. Example: ``rows.mult(directions)``.
    """
    other = _whole(matrix, "mult", numeric(table, "mult"))
    if other.shape[0] != table.ncol:
        raise H2OValueError(f"The second frame must have {table.ncol} rows, one per column; got {other.shape[0]}.")
    made = derive(table.resolved, table.rows, _product, types=[None] * other.shape[1], domains=None, arguments=(other,))
    return table.new([f"C{i + 1}" for i in range(other.shape[1])], made)


def distance(table: Table, y: Table, measure: str | None = None) -> Table:
    """Distances of every row to each row of another frame of the same columns, which has a column C1, C2, ... here.

    `measure`: l2 (default), l1, or the likeness cosine or cosine_sq. Raises H2OValueError for other measures, another
    number of columns, columns that hold no numbers, and more than 10,000 rows of the other frame.
    Example: ``points.distance(centres, "l1")``.
    """
    measure = "l2" if measure is None else measure
    if measure not in MEASURES:
        raise H2OValueError(f"measure must be one of {', '.join(MEASURES)}; got {measure!r}.")
    other = _whole(y, "distance", numeric(table, "distance"))
    if other.shape[1] != table.ncol:
        raise H2OValueError(f"Both frames must have the same columns; got {table.ncol} and {other.shape[1]}.")
    made = derive(
        table.resolved, table.rows, _distances, types=[None] * len(other), domains=None, arguments=(other, measure)
    )
    return table.new([f"C{i + 1}" for i in range(len(other))], made)


def _whole(matrix: Any, call: str, _: Any) -> np.ndarray:
    """Return a small frame as an array (rows, columns) in this process."""
    if not is_table(matrix):
        raise H2OTypeError(f"{call}() must be given a frame; got {type(matrix).__name__}.")
    numeric(matrix, call)
    if matrix.nrow > MAX_SIDE:
        raise H2OValueError(f"The second frame of {call}() must have at most {MAX_SIDE} rows; got {matrix.nrow}.")
    return _rows(fetch(matrix.places, matrix.rows)) if matrix.ncol else np.zeros((matrix.nrow, 0))
