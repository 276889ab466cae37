"""Which rows: those whose value is in a list, that are not 0, that are the first of their kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.placement import Place
from frames.cluster.reorder import permute, spread, starts
from frames.cluster.sending import gather, submit
from frames.cluster.tasks import Step, carry_out, derive, reduce
from frames.exceptions import H2OValueError
from frames.table.casts import number_text
from frames.table.cells import Scalar, is_missing
from frames.table.integers import EXACT
from frames.table.table import Table
from frames.verbs.arithmetic import equal
from frames.verbs.keys import grouped, joined, ranks
from frames.verbs.reductions import any_na_rm
from frames.verbs.selection import rows_at


class Wanted(NamedTuple):
    """Values looked for in a column, as the column holds them, and where each stands in the user's list.

    Values that no cell can equal (a text in a column of numbers, a level that is none) are left out.
    """

    pieces: list[np.ndarray]
    places: np.ndarray


# ---- tasks -------------------------------------------------------------------------------------------------------
def _places(values: np.ndarray, wanted: Wanted) -> np.ndarray:
    """Where each cell stands first in the list, -1 where it does not."""
    own = ranks(*wanted.pieces, values) + 1
    own, cells = own[: len(wanted.places)], own[len(wanted.places) :]
    place = np.full(int(max(own.max(initial=0), cells.max(initial=0))) + 1, np.iinfo(np.int64).max)
    np.minimum.at(place, own, wanted.places)
    found = place[cells]
    return np.where(found == np.iinfo(np.int64).max, -1, found)


def _is_in(values: np.ndarray, wanted: Wanted) -> list[np.ndarray]:
    return [_places(values, wanted) >= 0]


def _match(values: np.ndarray, wanted: Wanted, nomatch: float, first: float) -> list[np.ndarray]:
    found = _places(values, wanted)
    return [np.where(found < 0, nomatch, found + first)]


def _keys(*columns) -> list[np.ndarray]:
    return list(columns)


def _kept_rows(keep: str, *pieces) -> np.ndarray:
    """Numbers of the rows that are the first (last) with their keys; missing agrees with missing."""
    columns = joined(pieces)
    if keep == "first":
        return np.sort(grouped(columns).first)
    return np.sort(len(columns[0]) - 1 - grouped([column[::-1] for column in columns]).first)


def _row_numbers(start: int, rows: int) -> list[np.ndarray]:
    return [np.arange(start, start + rows)]


def isin(table: Table, item: Any) -> Table:
    """1 where a cell is among the values of `item` (one value or a list), else 0; names are kept.

    Numbers are compared exactly, levels and texts by name. None (or NaN) among the values stands for missing.
    """
    values = _listed(item)
    steps = [Step((place,), _is_in, "int", None, (_wanted(place, values),)) for place in table.resolved]
    return table.with_places(carry_out(steps, table.rows))


def match(one: Table, table: Any, nomatch: float = math.nan, start_index: int = 1) -> Table:
    """Return the place of each value of this one column in a list, counted from `start_index`.

    `nomatch` (missing unless given) where a value is not there; a missing cell is there where None or NaN is.
    Raises H2OValueError for another number of columns than one.

    Example: ``fr["y"].match(["no", "yes"], nomatch=0)``.
    """
    place = one.only("match()")
    arguments = (_wanted(place, _listed(table)), math.nan if nomatch is None else nomatch, start_index)
    return one.with_places(carry_out([Step((place,), _match, None, None, arguments)], one.rows))


def which(table: Table) -> Table:
    """Numbers (from 0) of the rows in which this one column of numbers is neither 0 nor missing, as column C1."""
    place = table.only("which()")
    if place.type not in ("int", "real"):
        raise H2OValueError(f"which() must be asked of a column of numbers; got {place.type}.")
    local = list(zip(starts(table.rows), table.rows, strict=True))
    numbers = table.new(
        ["C1"], derive([], table.rows, _row_numbers, types=["int"], domains=None, arguments=(), local=local)
    )
    return rows_at(numbers, table)


def drop_duplicates(table: Table, columns: Any, keep: str = "first") -> Table:
    """Return the first (or last) row of each combination of values in some columns, in the order of the frame.

    The key columns of all rows are held by one worker at a time, the other columns never are.
    """
    if keep not in ("first", "last"):
        raise H2OValueError(f"keep must be 'first' or 'last'; got {keep!r}.")
    at = table.indices(columns)
    if not at:
        raise H2OValueError("columns must name at least one column.")
    names, places, rows = table.names, table.places, table.rows
    order = submit(_kept_rows, keep, *reduce([places[i] for i in at], rows, _keys))
    return table.new(names, *permute(places, rows, order, spread(gather(submit(len, order)), max([*rows, 1]))))


def _listed(item: Any) -> list:
    return list(item) if isinstance(item, Iterable) and not isinstance(item, str) else [item]


def _wanted(place: Place, values: Sequence[Any]) -> Wanted:
    if place.is_number and (plain := _plain_numbers(values)) is not None:
        return Wanted([plain], np.arange(len(plain)))
    scalars = [Scalar(value) for value in values]
    if place.type == "enum":
        codes: dict[str | None, int] = {level: code for code, level in enumerate(place.domain or ())}
        codes[None] = -1
        found = [(codes[text], i) for i, text in enumerate(map(_text, values, scalars)) if text in codes]
        return _pieces([(np.int32, found)])
    if place.type in ("string", "uuid"):
        return _pieces([(object, [(text, i) for i, text in enumerate(map(_text, values, scalars))])])
    numbers = [(math.nan if s.type == "missing" else s.value, i) for i, s in enumerate(scalars) if s.type != "text"]
    long = [(v, i) for v, i in numbers if _is_long(v)]
    others = [(float(v), i) for v, i in numbers if not _is_long(v)]
    return _pieces([(np.float64, others), *([(np.int64, long)] if long else [])])


def _plain_numbers(values: Sequence[Any]) -> np.ndarray | None:
    """Long lists of nothing but numbers without looking at each: doubles, or int64 where these would round."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError):  # not all numbers: the caller looks at each
        return None
    if array.ndim != 1 or array.dtype.kind not in "if":
        return None
    if len(array) and np.abs(array.astype(np.float64)).max() >= EXACT:
        # Integers beyond 2**53 in a list with fractions have been rounded by NumPy already; -2**63 would mean missing.
        exact = array.dtype.kind == "i" and array.min() > MISSING_INTEGER
        return array.astype(np.int64) if exact else None
    return array.astype(np.float64)


def _is_long(value: Any) -> bool:
    return isinstance(value, Integral) and EXACT < abs(int(value)) < 2**63


def _text(value: Any, scalar: Scalar) -> str | None:
    """Return a wanted value as the text that a level would have: True, or a whole number without a point."""
    if scalar.type in ("missing", "text"):
        return scalar.value
    return str(value) if isinstance(value, bool | np.bool_) else number_text(scalar.value)


def _pieces(kinds: Sequence[tuple[Any, list[tuple[Any, int]]]]) -> Wanted:
    pieces = []
    for dtype, found in kinds:
        piece = np.empty(len(found), dtype)
        piece[:] = [value for value, _ in found]
        pieces.append(piece)
    return Wanted(pieces, np.array([i for _, found in kinds for _, i in found], np.int64))


def contains(table: Table, value: Any) -> bool:
    """Is a value (or are all values of a list) in some cell? None asks for a missing cell."""
    values = value if isinstance(value, list | tuple) else [value]
    return all(any(any_na_rm(equal(column, v)) for column in table.columns() if _holds(column, v)) for v in values)


def _holds(table: Table, value: Any) -> bool:
    """Whether the one column could hold a value at all."""
    text = table.resolved[0].type in ("enum", "string", "uuid")
    return is_missing(value) or text == isinstance(value, str)
