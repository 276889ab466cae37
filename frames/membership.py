"""Which rows: those whose value is in a list, that are not 0, that are the first of their kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from frames.body import FrameBody
from frames.errors import H2OValueError
from frames.grouping import key_values
from frames.rows import permute, spread, starts
from frames.tasks import absent, derive, gather, reduce, submit

if TYPE_CHECKING:
    from frames.frame import H2OFrame
    from frames.placement import Place


def _positions(values: np.ndarray, wanted: list, nomatch: float, first: float) -> list[np.ndarray]:
    """Where each value stands in `wanted` (its first place there, counted from `first`), else `nomatch`."""
    table = pd.Index(wanted, dtype=object if values.dtype == object else None)
    places = np.flatnonzero(~table.duplicated())
    found = table[places].get_indexer(pd.Index(values))
    found[absent(values)] = -1
    return [np.where(found < 0, nomatch, np.append(places, 0)[found] + first)]


def _keys(*columns) -> list[np.ndarray]:
    return [key_values(column) for column in columns]


def _kept_rows(keep: str, *pieces) -> np.ndarray:
    """Numbers of the rows that are the first (last) with their keys; missing agrees with missing."""
    columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
    return np.flatnonzero(~pd.DataFrame(dict(enumerate(columns))).duplicated(keep=keep))  # type: ignore[arg-type]


def _row_numbers(start: int, rows: int) -> list[np.ndarray]:
    return [np.arange(start, start + rows)]


class Membership(FrameBody):
    """isin, match, which, drop_duplicates."""

    def isin(self, item: Any) -> H2OFrame:
        """1 where a cell is among the values of `item` (one value or a list), else 0; names are kept."""
        values = _listed(item)
        made = [
            derive([place], self._body.rows, _positions, ["int"], None, (_codes(place, values), 0, 1))[0]
            for place in self._resolved()
        ]
        return self._new(self._body.names, made) > 0  # type: ignore[operator, return-value]

    def match(self, table: Any, nomatch: float = 0, start_index: int = 1) -> H2OFrame:
        """The place of each value of this one column in a list, counted from `start_index`; `nomatch` if not there."""
        place = self._only("match()")
        arguments = (_codes(place, _listed(table)), nomatch, start_index)
        return self._new(self._body.names, derive([place], self._body.rows, _positions, [None], None, arguments))

    def which(self) -> H2OFrame:
        """Numbers (from 0) of the rows in which this one column of numbers is neither 0 nor missing, as column C1."""
        place = self._only("which()")
        if place.type not in ("int", "real"):
            raise H2OValueError(f"which() must be asked of a column of numbers; got {place.type}.")
        local = list(zip(starts(self._body.rows), self._body.rows, strict=True))
        numbers = self._new(["C1"], derive([], self._body.rows, _row_numbers, ["int"], None, (), local))
        return numbers[self != 0]  # type: ignore[index, return-value]

    def drop_duplicates(self, columns: Any, keep: str = "first") -> H2OFrame:
        """The first (or last) row of each combination of values in some columns, in the order of the frame.

        The key columns of all rows are held by one worker at a time, the other columns never are.
        """
        if keep not in ("first", "last"):
            raise H2OValueError(f"keep must be 'first' or 'last'; got {keep!r}.")
        at = self._indices(columns)
        if not at:
            raise H2OValueError("columns must name at least one column.")
        names, places, rows = self._body
        order = submit(_kept_rows, keep, *reduce([places[i] for i in at], rows, _keys))
        return self._new(names, *permute(places, rows, order, spread(gather(submit(len, order)), max([*rows, 1]))))


def _listed(item: Any) -> list:
    return list(item) if isinstance(item, Iterable) and not isinstance(item, str) else [item]


def _codes(place: Place, values: Sequence[Any]) -> list:
    """Values as the column holds them: level codes of an enum (-2: no such level), texts, numbers."""
    if place.type == "enum":
        codes = {level: code for code, level in enumerate(place.domain or ())}
        return [codes.get(str(value), -2) for value in values]
    textual = place.type in ("string", "uuid")
    return [value if isinstance(value, str) == textual else (None if textual else np.nan) for value in values]
