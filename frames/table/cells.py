"""Single cells: plain values checked and typed, constant columns, and cells of a column overwritten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from frames.chunks.column import Type
from frames.chunks.summary import MISSING_INTEGER
from frames.cluster.placement import Place, summaries_at
from frames.cluster.tasks import absent, derive, fits_long
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.casts import to_domain
from frames.table.integers import EXACT, LONGEST, alike, as_double, size_of
from frames.table.table import Table


class Scalar:
    """A plain value that can stand in a cell, checked and typed once.

    Integers beyond int64 are taken as doubles; a time is its milliseconds since 1970 (with a fraction if it has one).
    Raises H2OTypeError for what no cell can hold, H2OValueError for numbers beyond all doubles.
    """

    type: str  # missing, int, real, text or time
    value: Any

    def __init__(self, value: Any) -> None:
        if is_missing(value):
            self.type, self.value = "missing", None
        elif isinstance(value, timedelta | np.timedelta64):
            raise H2OTypeError(
                f"A cell must be given a number, a string, a date, None or a frame; got the span of time {value!r}. "
                "Give it as a number of milliseconds."
            )
        elif isinstance(value, Integral | np.bool_):
            self.type, self.value = _integer(int(value))
        elif isinstance(value, Real):
            self.type, self.value = "real", float(value)
        elif isinstance(value, str):
            self.type, self.value = "text", str(value)
        elif hasattr(value, "timetuple") or isinstance(value, np.datetime64):
            self.type, self.value = "time", _milliseconds(value)
        else:
            raise H2OTypeError(
                f"A cell must be given a number, a string, a date, None or a frame; got {type(value).__name__}."
            )


def is_missing(value: Any) -> bool:
    """Is a plain value None, NaN, NaT or NA?"""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, Real) and not isinstance(value, Integral) and math.isnan(value)


def _integer(value: int) -> tuple[str, float]:
    if abs(value) <= LONGEST:
        return "int", value
    if math.isinf(as_double(value)):
        raise H2OValueError(f"A number must be below 1.8e308 in size; got one of {len(str(abs(value)))} digits.")
    return "real", float(value)


def _milliseconds(value: Any) -> float:
    stamp = pd.Timestamp(value)
    stamp = stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo else stamp
    whole = stamp.floor("ms")
    count, rest = int(whole.asm8.astype("M8[ms]").astype(np.int64)), (stamp - whole) / pd.Timedelta(1, "ms")
    if not rest:
        return count
    # Not rounded to a whole millisecond: a time in between equals none.
    return min(max(count + rest, math.nextafter(count, math.inf)), math.nextafter(count + 1, -math.inf))


def is_table(value: Any) -> bool:
    """Tell whether a value is a table: what verbs see of the frames that users give."""
    return isinstance(value, Table)


def constant(place: Place | None, rows: Sequence[int], value: Any) -> Place:
    """Return a column of one value; missing takes the type of the column it replaces, or real."""
    scalar = Scalar(value)
    local = [(n,) for n in rows]
    if scalar.type == "text":
        return derive([], rows, _filled, types=["enum"], domains=[(scalar.value,)], arguments=(0, "enum"), local=local)[
            0
        ]
    type_: Any = scalar.type if scalar.type != "missing" else (place.type or "real" if place else "real")
    domain = place.domain if place and type_ == "enum" else None
    value = math.floor(scalar.value) if scalar.type == "time" else scalar.value
    return derive([], rows, _filled, types=[type_], domains=[domain], arguments=(value, type_), local=local)[0]


def _filled(rows: int, value: Any, type_: str) -> list[np.ndarray]:
    if type_ in ("string", "uuid"):
        return [np.full(rows, value, object)]
    if type_ == "enum":
        return [np.full(rows, -1 if value is None else value, np.int32)]
    if isinstance(value, Integral):
        return [np.full(rows, value, np.int64)]
    return [np.full(rows, np.nan if value is None else float(value))]


# ---- cells assigned under a mask or at row numbers ------------------------------------------------------------------
def _chosen(values: np.ndarray, chosen: np.ndarray | slice) -> Any:
    """Return a mask column as a bool array; row numbers and slices as they are."""
    if isinstance(chosen, np.ndarray) and len(chosen) == len(values) and chosen.dtype.kind in "fi":
        return (chosen != 0) & ~absent(chosen)
    return chosen


def _put(values: np.ndarray, chosen: np.ndarray, new: Any) -> list[np.ndarray]:
    """Values with `new` (a scalar) where `chosen` says; missing spelled as the column's dtype needs."""
    if isinstance(new, int | float) and values.dtype != np.int32:
        return _put_array(values, chosen, as_cells(new))
    values = values.copy()
    if new is None and values.dtype != object:
        new = {"f": np.nan, "i": MISSING_INTEGER if values.dtype == np.int64 else -1}[values.dtype.kind]
    values[chosen] = new
    return [values]


def as_cells(number: float | None) -> np.ndarray:
    """One number (None: missing) as an array of one cell, in the dtype that holds it."""
    beyond = isinstance(number, int) and EXACT < abs(number) <= LONGEST
    return np.array([np.nan if number is None else number], np.int64 if beyond else np.float64)


def put_masked(values: np.ndarray, mask: np.ndarray, new: Any) -> list[np.ndarray]:
    """Return a column (rows,) with one value where the mask column is true; a missing mask leaves the cell."""
    return _put(values, _chosen(values, mask), new)


def put_column_masked(values: np.ndarray, mask: np.ndarray, new: np.ndarray) -> list[np.ndarray]:
    """Return a column (rows,) with the cells of another column (rows,) where the mask column is true."""
    chosen = _chosen(values, mask)
    return _put_array(values, chosen, new[chosen])


def _put_array(values: np.ndarray, chosen: Any, new: np.ndarray) -> list[np.ndarray]:
    values, new = alike(values, new)
    values = values.copy()
    values[chosen] = new
    return [values]


def put_rows(values: np.ndarray, chosen: Any, new: Any) -> list[np.ndarray]:
    """Return a column (rows,) with one value, or an array of values, in the chosen rows."""
    return _put_array(values, chosen, new) if isinstance(new, np.ndarray) else _put(values, chosen, new)


def mixed_type(place: Place) -> Type | None:
    """Return the type of a column after cells were overwritten: numbers are looked at again."""
    return None if place.is_number else place.type


def fitting(name: str, place: Place, value: Any) -> tuple[Place, Any]:
    """Return a plain value as a cell of a column: (the place, its domain grown if need be; the value or code).

    Raises H2OValueError where the types do not agree, or a column cannot hold the number beside its others.
    """
    scalar = Scalar(value)
    if scalar.type == "missing":
        return place, None
    if place.type == "enum" and scalar.type == "text":
        domain = place.domain or ()
        if scalar.value not in domain:
            place = place._replace(domain=(*domain, scalar.value))
        return place, (place.domain or ()).index(scalar.value)
    suits = {"text": ("string", "uuid"), "time": ("time",)}.get(scalar.type, ("int", "real", "time"))
    if place.type not in suits:
        raise H2OValueError(
            f"A cell of column '{name}' must be given a value of its type ({place.type}); got {value!r}. "
            "Convert the column first, with asfactor(), asnumeric() or ascharacter()."
        )
    if scalar.type == "time":
        return place, math.floor(scalar.value)
    if scalar.type != "text":
        if isinstance(value, Integral) and scalar.value != int(value):
            raise H2OValueError(
                f"A cell must be an integer below 2**63 in size, or one that a double holds; got {value} for column "
                f"'{name}'. Give it as a float to round it."
            )
        _check_room(name, place, scalar)
    return place, scalar.value


def _check_room(name: str, place: Place, scalar: Scalar) -> None:
    """Refuse to round: integers beyond 2**53 and numbers that int64 cannot hold do not go into one column."""
    long = scalar.type == "int" and as_double(scalar.value) != scalar.value
    odd = scalar.type == "real" and not (scalar.value.is_integer() and abs(scalar.value) < 2.0**63)
    if (long and place.type == "real") or (odd and place.type != "real"):
        found = summaries_at([place])[0]
        if (long and not (found.all_integer and fits_long(found))) or (odd and size_of(found) > EXACT):
            raise _no_room(name, repr(scalar.value))


def _no_room(name: str, what: str) -> H2OValueError:
    return H2OValueError(
        f"A column must hold integers beyond 2**53 or other real numbers, not both; column '{name}' was to hold {what} "
        "too, and would lose digits. Multiply the integers by 1.0 first to round them to doubles."
    )


def agreeing(name: str, place: Place, source: Place, source_rows: Sequence[int]) -> tuple[Place, Place]:
    """Return a column and the one whose cells go into it, under one domain; H2OValueError where types do not agree."""
    if place.type == "enum" and source.type == "enum":
        domain = tuple(dict.fromkeys([*(place.domain or ()), *(source.domain or ())]))
        return place._replace(domain=domain), to_domain(source, source_rows, domain)
    if (place.is_number and source.is_number) or place.type == source.type:
        if place.is_number and place.type != source.type:
            check_company(name, [place, source])
        return place, source
    raise H2OValueError(f"Cells of column '{name}' ({place.type}) must be given the same type; got {source.type}.")


def all_whole(places: Sequence[Place]) -> bool:
    """Do all these columns hold integers of int64 only? Columns without any value agree with everything."""
    found = summaries_at(places)
    return all(
        s.present == 0 or (p.type in ("int", "time") and s.all_integer) for p, s in zip(places, found, strict=True)
    )


def check_company(name: str, places: Sequence[Place]) -> None:
    """Refuse to mix the cells of columns of numbers where doubles would round integers beyond 2**53."""
    found = [summary for summary in summaries_at(places) if summary.present]
    whole = [summary for summary in found if summary.all_integer and fits_long(summary)]
    if len(whole) < len(found) and any(size_of(summary) > EXACT for summary in whole):
        raise _no_room(name, "cells of another column")
