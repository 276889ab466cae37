"""apply(): a user's function called per column or per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from frames.body import FrameBody
from frames.cells import is_frame
from frames.errors import H2OTypeError, H2OValueError
from frames.rows import fetch
from frames.tasks import as_float, derive

if TYPE_CHECKING:
    from frames.frame import H2OFrame


def _table(columns: Sequence[np.ndarray], names: Sequence[str], domains: Sequence) -> pd.DataFrame:
    """Decoded columns for a user's function: numbers as float64, levels and strings as text."""
    data = {}
    for name, values, domain in zip(names, columns, domains, strict=True):
        if domain is not None:
            data[name] = np.array([*domain, None], dtype=object)[values]
        else:
            data[name] = values if values.dtype == object else as_float(values)
    return pd.DataFrame(data)


def _rowwise(*arguments) -> list[np.ndarray]:
    *columns, function, names, domains, width = arguments
    table = _table(columns, names, domains)
    results = [_as_list(function(row)) for _, row in table.iterrows()]
    for k, result in enumerate(results):
        if len(result) != width:
            raise H2OValueError(f"The function must give {width} value(s) for every row; row {k} gave {len(result)}.")
    return [np.array([r[i] for r in results], dtype=np.float64) for i in range(width)]


def _as_list(value: Any) -> list:
    if isinstance(value, pd.Series | np.ndarray | list | tuple):
        return list(value)
    return [value]


class Lambdas(FrameBody):
    """apply()."""

    def apply(self, fun: Callable | None = None, axis: int = 0) -> H2OFrame:
        """A function of every column (axis 0) or every row (axis 1).

        axis 0: `fun` is called here, once per column, with a one-column H2OFrame. Columns of the same length it returns
        are bound; numbers (or lists of one number, as mean() gives) become a frame of one row. Names stay.
        axis 1: `fun` is called on the workers, once per row, with a pandas Series of that row (numbers as floats,
        levels and strings as text; so ``row["x"]``, ``row.sum()``, ``row.mean()`` work) and returns a number, or
        equally many numbers for every row: columns C1, C2, ... The first row tells how many.

        Example: ``fr.apply(lambda row: row["x"] + row["y"], axis=1)``.
        """
        if not callable(fun):
            raise H2OTypeError(f"fun must be a function; got {type(fun).__name__}.")
        if axis == 0:
            return self._columnwise(fun)
        if axis != 1:
            raise H2OValueError(f"axis must be 0 (columns) or 1 (rows); got {axis!r}.")
        names, places, rows = self._body
        if self.nrow == 0:
            raise H2OValueError("apply() over rows must be asked of a frame that has rows.")
        domains = [place.domain for place in places]
        first = _table(fetch(places, rows, 0, 1), names, domains).iloc[0]
        width = len(_as_list(fun(first)))
        made = derive(places, rows, _rowwise, [None] * width, None, (fun, names, domains, width))
        return self._new([f"C{i + 1}" for i in range(width)], made)

    def _columnwise(self, fun: Callable) -> H2OFrame:
        results = [fun(column) for column in self]  # type: ignore[attr-defined]
        if results and all(is_frame(r) for r in results):
            joined = results[0].cbind(results[1:]) if len(results) > 1 else results[0]
            return joined._new(self._body.names, joined._body.places) if joined.ncol == self.ncol else joined
        numbers = []
        for name, result in zip(self._body.names, results, strict=True):
            value = _as_list(result)
            if len(value) != 1 or isinstance(value[0], str) or is_frame(value[0]):
                raise H2OValueError(
                    f"The function must give a frame for every column, or a number for every column; got {result!r} "
                    f"for column '{name}'."
                )
            numbers.append(float(value[0]))
        return self._one_row(numbers)  # type: ignore[attr-defined]
