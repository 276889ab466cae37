"""Types of columns changed: asfactor, asnumeric, ascharacter, as_date, relevel; and what the types are."""

from __future__ import annotations

import numpy as np

from frames.cluster.tasks import Step, carry_out
from frames.exceptions import H2OValueError
from frames.table.casts import _look_up, _parse_dates, to_enum, to_numeric, to_text
from frames.table.table import Table
from frames.text import zones
from frames.text.date_formats import milliseconds, strptime_format


def asfactor(table: Table) -> Table:
    """All columns as enum: integers in numeric order of levels, text lexicographically.

    Raises H2OValueError for real, time and uuid columns. Example: ``fr["y"] = fr["y"].asfactor()``.
    """
    body = table
    return table.with_places(to_enum(body.names, table.resolved, body.rows))


def asnumeric(table: Table) -> Table:
    """All columns as numbers: levels and texts that read as numbers become these, others missing.

    An enum without any numeric level becomes its codes. Example: ``fr["x"].asnumeric()``.
    """
    return table.with_places(carry_out([to_numeric(p) for p in table.resolved], table.rows))


def ascharacter(table: Table) -> Table:
    """All columns as strings. Example: ``fr["y"].ascharacter()``."""
    return table.with_places(carry_out([to_text(p) for p in table.resolved], table.rows))


def as_date(table: Table, format: str) -> Table:
    """Text or enum columns as time, read with a strptime format ("%d.%m.%y") or a Java one ("dd.MM.yy").

    What does not fit is missing. Years of two digits are 1969 to 2068; a format without a year means 1970, and one
    without a zone (%z) the time zone of the cluster, UTC by default. Raises H2OValueError for other columns, and
    for what is no format.
    """
    rows, places, format, zone = table.rows, table.resolved, strptime_format(format), zones.current()
    for name, place in zip(table.names, places, strict=True):
        if place.type not in ("enum", "string"):
            raise H2OValueError(f"as_date() must be asked of string or enum columns; got {name}:{place.type}.")
    steps = [
        Step((place,), _parse_dates, "time", None, (format, zone))
        if place.type == "string"
        else Step((place,), _look_up, "time", None, (milliseconds(place.domain or (), format, zone),))
        for place in places
    ]
    return table.with_places(carry_out(steps, rows))


def _are(table: Table, *types: str) -> list[bool]:
    return [place.type in types for place in table.resolved]


def isfactor(table: Table) -> list[bool]:
    """Per column: is it enum?"""
    return _are(table, "enum")


def anyfactor(table: Table) -> bool:
    """Is any column enum?"""
    return any(isfactor(table))


def dtype_of(table: Table) -> np.dtype:
    """Return the NumPy dtype of one column as pandas shows it: int64, float64, datetime64[ms] or object."""
    place = table.only("dtype")
    if place.type == "int":
        return np.dtype(np.int64 if not table.summaries()[0].missing else np.float64)
    return np.dtype({"real": "f8", "time": "M8[ms]"}.get(str(place.type), "O"))


def isnumeric(table: Table) -> list[bool]:
    """Per column: is it int, real or time?"""
    return _are(table, "int", "real", "time")


def isstring(table: Table) -> list[bool]:
    """Per column: is it string?"""
    return _are(table, "string")


def ischaracter(table: Table) -> list[bool]:
    """Per column: is it string?"""
    return isstring(table)


def columns_by_type(table: Table, coltype: str = "numeric") -> list[float]:
    """Positions of the columns of a type: numeric, categorical, string, time, uuid or bad (wholly missing)."""
    kinds = {
        "numeric": ("int", "real"),
        "categorical": ("enum",),
        "string": ("string",),
        "time": ("time",),
        "uuid": ("uuid",),
    }
    if coltype == "bad":
        return [float(i) for i, s in enumerate(table.summaries()) if s.present == 0]
    if coltype not in kinds:
        raise H2OValueError(f"coltype must be one of {[*kinds, 'bad']}; got {coltype!r}.")
    return [float(i) for i, yes in enumerate(_are(table, *kinds[coltype])) if yes]
