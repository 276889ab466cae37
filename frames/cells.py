"""Single cells: plain values checked and typed, constant columns, and cells of a column overwritten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from frames.body import FrameBody
from frames.column import Type
from frames.conversion import to_domain
from frames.errors import H2OTypeError, H2OValueError
from frames.placement import Place
from frames.summary import MISSING_INTEGER
from frames.tasks import absent, as_float, derive


class Scalar:
    """A plain value that can stand in a cell, checked and typed once."""

    type: str  # missing, int, real, text or time
    value: Any

    def __init__(self, value: Any) -> None:
        if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, Real) and math.isnan(value)):
            self.type, self.value = "missing", None
        elif isinstance(value, bool | np.bool_):
            self.type, self.value = "int", int(value)
        elif isinstance(value, Real):
            self.type, self.value = ("int" if isinstance(value, Integral) else "real"), value
        elif isinstance(value, str):
            self.type, self.value = "text", value
        elif hasattr(value, "timetuple") or isinstance(value, np.datetime64):
            self.type, self.value = "time", pd.Timestamp(value).value // 10**6
        else:
            raise H2OTypeError(
                f"A cell must be given a number, a string, a date, None or a frame; got {type(value).__name__}."
            )


def is_frame(value: Any) -> bool:
    """Is this an H2OFrame (asked without importing it)."""
    return isinstance(value, FrameBody)


def constant(place: Place | None, rows: Sequence[int], value: Any) -> Place:
    """A column of one value; missing takes the type of the column it replaces, or real."""
    scalar = Scalar(value)
    local = [(n,) for n in rows]
    if scalar.type == "text":
        return derive([], rows, _filled, ["enum"], [(scalar.value,)], (0, "enum"), local)[0]
    type_: Any = scalar.type if scalar.type != "missing" else (place.type or "real" if place else "real")
    domain = place.domain if place and type_ == "enum" else None
    return derive([], rows, _filled, [type_], [domain], (scalar.value, type_), local)[0]


def _filled(rows: int, value: Any, type_: str) -> list[np.ndarray]:
    if type_ in ("string", "uuid"):
        return [np.full(rows, value, object)]
    if type_ == "enum":
        return [np.full(rows, -1 if value is None else value, np.int32)]
    if isinstance(value, Integral):
        return [np.full(rows, int(value), np.int64)]
    return [np.full(rows, np.nan if value is None else float(value))]


# ---- cells assigned under a mask or at row numbers ------------------------------------------------------------------
def _chosen(values: np.ndarray, chosen: np.ndarray | slice) -> Any:
    """A mask column as a bool array; row numbers and slices as they are."""
    if isinstance(chosen, np.ndarray) and len(chosen) == len(values) and chosen.dtype.kind in "fi":
        return (chosen != 0) & ~absent(chosen)
    return chosen


def _put(values: np.ndarray, chosen: np.ndarray, new: Any) -> list[np.ndarray]:
    """Values with `new` (scalar or array) where `chosen` says; missing spelled as the column's dtype needs."""
    if values.dtype == np.int64 and not (isinstance(new, Integral) or new is None):
        values = as_float(values)
    elif values.dtype == np.float64 and isinstance(new, Integral) and abs(int(new)) > 2**53:
        raise H2OValueError(f"A cell of this column must be at most 2**53 in size; got {new}.")
    values = values.copy()
    if new is None and values.dtype != object:
        new = {"f": np.nan, "i": MISSING_INTEGER if values.dtype == np.int64 else -1}[values.dtype.kind]
    values[chosen] = new
    return [values]


def put_masked(values: np.ndarray, mask: np.ndarray, new: Any) -> list[np.ndarray]:
    """A column (rows,) with one value where the mask column is true; a missing mask leaves the cell."""
    return _put(values, _chosen(values, mask), new)


def put_column_masked(values: np.ndarray, mask: np.ndarray, new: np.ndarray) -> list[np.ndarray]:
    """A column (rows,) with the cells of another column (rows,) where the mask column is true."""
    chosen = _chosen(values, mask)
    return _put_array(values, chosen, new[chosen])


def _put_array(values: np.ndarray, chosen: Any, new: np.ndarray) -> list[np.ndarray]:
    if values.dtype.kind in "f" and new.dtype == np.int64:
        new = as_float(new)
    elif values.dtype == np.int64 and new.dtype == np.float64:
        values = as_float(values)
    values = values.copy()
    values[chosen] = new
    return [values]


def put_rows(values: np.ndarray, chosen: Any, new: Any) -> list[np.ndarray]:
    """A column (rows,) with one value, or an array of values, in the chosen rows."""
    return _put_array(values, chosen, new) if isinstance(new, np.ndarray) else _put(values, chosen, new)


def mixed_type(place: Place) -> Type | None:
    """The type of a column after cells were overwritten: numbers are looked at again."""
    return None if place.is_number else place.type


def fitting(name: str, place: Place, value: Any) -> tuple[Place, Any]:
    """A plain value as a cell of a column: (the place, its domain grown if need be; the value or code).

    Raises H2OValueError where the types do not agree.
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
    return place, scalar.value


def agreeing(name: str, place: Place, source: Place, source_rows: Sequence[int]) -> tuple[Place, Place]:
    """A column and the column whose cells go into it, under one domain; H2OValueError where the types do not agree."""
    if place.type == "enum" and source.type == "enum":
        domain = tuple(dict.fromkeys([*(place.domain or ()), *(source.domain or ())]))
        return place._replace(domain=domain), to_domain(source, source_rows, domain)
    if (place.is_number and source.is_number) or place.type == source.type:
        return place, source
    raise H2OValueError(f"Cells of column '{name}' ({place.type}) must be given the same type; got {source.type}.")
