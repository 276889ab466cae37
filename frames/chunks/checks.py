"""What arrays must be to become a chunk."""

from collections.abc import Sequence

import numpy as np

from frames.chunks.column import TEXTS, TYPES, Type
from frames.exceptions import H2OTypeError, H2OValueError


def check(columns: Sequence[np.ndarray], types: Sequence[Type], levels: Sequence[int | None]) -> int:
    """Refuse arrays that do not suit; return the number of rows."""
    if not len(columns) == len(types) == len(levels):
        raise H2OValueError(
            f"Columns, types and levels must be equally many; got {len(columns)}, {len(types)} and {len(levels)}."
        )
    rows = len(columns[0]) if columns else 0
    for i, (column, type_, count) in enumerate(zip(columns, types, levels, strict=True)):
        if type_ not in TYPES:
            raise H2OValueError(f"The type of column {i} must be one of {', '.join(TYPES)}; got {type_!r}.")
        if column.ndim != 1 or len(column) != rows:
            raise H2OValueError(f"Columns must be 1-D and of {rows} rows; column {i} has shape {column.shape}.")
        want = "int32 codes" if type_ == "enum" else "objects" if type_ in TEXTS else "numbers"
        if type_ == "enum":
            good = column.dtype == np.int32
        else:
            good = column.dtype == object if type_ in TEXTS else column.dtype.kind in "fiub"
        if not good:
            raise H2OTypeError(f"A column of type {type_} must hold {want}; column {i} has dtype {column.dtype}.")
        if type_ == "enum":
            _check_codes(column, count, i)
    return rows


def _check_codes(column: np.ndarray, count: int | None, i: int) -> None:
    if count is None:
        raise H2OValueError(f"An enum column needs its number of levels; column {i} got None.")
    if len(column) and (column.min() < -1 or column.max() >= count):
        raise H2OValueError(
            f"Codes of column {i} must lie between -1 and {count - 1}; got {column.min()} to {column.max()}."
        )
