"""Tables of a few values that were computed here: results of reductions, cross tables, groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from frames.cluster.sending import resident
from frames.cluster.tasks import concatenate, derive
from frames.table.cells import as_cells
from frames.table.table import Table


def small_table(names: Sequence[str], columns: Sequence[Any], types: Any = None, domains: Any = None) -> Table:
    """Return a table of one partition from a few values computed here; floats unless `types` say otherwise."""
    kinds: dict[Any, Any] = {"enum": np.int32, "string": object, "uuid": object}
    types = list(types or [None] * len(columns))
    arrays = [_as_stored(c, kinds.get(t, float)) for c, t in zip(columns, types, strict=True)]
    count = len(arrays[0]) if arrays else 0
    arguments = ([resident(array) for array in arrays],)
    return Table(
        tuple(names),
        tuple(derive([], (count,), literal, types=types, domains=domains, arguments=arguments, local=[()])),
        (count,),
    )


def _as_stored(column: Any, dtype: Any) -> np.ndarray:
    """Values in a dtype; int64 stays, for numbers may need it."""
    if dtype is not float:
        return np.asarray(column, dtype)
    if isinstance(column, np.ndarray):
        return column if column.dtype == np.int64 else column.astype(np.float64)
    return (
        concatenate([as_cells(v) for v in column])
        if any(isinstance(v, int) for v in column)
        else np.asarray(column, float)
    )


def literal(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Run as a task: columns as they were given."""
    return arrays
