"""Times made of their parts: years, months, days and what is smaller, each a number or a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from frames.cluster.reorder import recut
from frames.cluster.tasks import as_float, derive
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.cells import is_table
from frames.table.table import Table
from frames.text import zones
from frames.verbs.arithmetic import operate

FIRST = (1970, 1, 1, 0, 0, 0, 0)
PARTS = ("year", "month", "day", "hour", "minute", "second", "msec")


def _made(*arguments) -> list[np.ndarray]:
    """Run as a task: milliseconds since 1970 of clocks in a zone; missing where a part is, or no clock shows them."""
    *columns, fixed, zone = arguments
    parts, given = {}, iter(columns)
    size = len(columns[0]) if columns else 1
    for name in PARTS:
        value = fixed[name]
        parts[name] = as_float(next(given)) if value is None else np.full(size, float(value))
    whole = np.stack([parts[name] for name in PARTS])
    gaps = np.isnan(whole).any(axis=0) | (whole != np.floor(whole)).any(axis=0)
    table = {name: np.where(gaps, 1, parts[name]).astype(np.int64) for name in PARTS[:-1]}
    stamps = pd.to_datetime(pd.DataFrame(table), errors="coerce").dt.as_unit("ms")
    local = stamps.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC").dt.tz_localize(None)
    lost = gaps | local.isna().to_numpy()
    numbers = local.to_numpy().astype("M8[ms]").astype(np.int64)
    return [np.where(lost, np.nan, numbers + np.where(gaps, 0, parts["msec"]))]


def moment(
    year: Any = None,
    month: Any = None,
    day: Any = None,
    hour: Any = None,
    minute: Any = None,
    second: Any = None,
    msec: Any = None,
    date: Any = None,
    time: Any = None,
) -> Table:
    """Return a column `name` of times: of parts (numbers or one-column frames), or of Python's `date` and `time`.

    Months and days count from 1; what is left out is the first of its kind. Raises H2OValueError where both ways are
    mixed, or neither is taken. Example: ``H2OFrame.moment(2026, 11, fr["day"])``.
    """
    parts = [year, month, day, hour, minute, second, msec]
    if date is None and time is None:
        if year is None:
            raise H2OValueError("A moment must have a year, or be given as date= (and time=).")
        return _moment([first if part is None else part for part, first in zip(parts, FIRST, strict=True)])
    days = parts[:3] if date is None else [date.year, date.month, date.day]
    clock = time if time is not None else date if hasattr(date, "hour") else None
    rest = parts[3:] if clock is None else [clock.hour, clock.minute, clock.second, clock.microsecond // 1000]
    told_twice = (date is not None and any(p is not None for p in parts[:3])) or (
        clock is not None and any(p is not None for p in parts[3:])
    )
    if told_twice or days[0] is None:
        raise H2OValueError("A moment must be given by date= and time=, or by its parts, not both.")
    return _moment([first if part is None else part for part, first in zip([*days, *rest], FIRST, strict=True)])


def mktime(
    year: Any = 1970, month: Any = 0, day: Any = 0, hour: Any = 0, minute: Any = 0, second: Any = 0, msec: Any = 0
) -> Table:
    """As moment(), with months and days that count from 0. Example: ``H2OFrame.mktime(2026, month=10, day=26)``."""
    month, day = (operate(one, "+", 1) if is_table(one) else one + 1 for one in (month, day))
    return _moment([year, month, day, hour, minute, second, msec])


def _moment(parts: Sequence[Any]) -> Table:
    """Return times of the time zone in use; missing where a part is, or where the calendar has no such time."""
    tables = [part for part in parts if is_table(part)]
    for name, part in zip(PARTS, parts, strict=True):
        if not is_table(part) and (isinstance(part, bool) or not isinstance(part, int | float | np.number)):
            raise H2OTypeError(f"{name} must be a number or a frame of one column; got {part!r}.")
    rows = tables[0].rows if tables else (1,)
    if any(one.nrow != sum(rows) for one in tables):
        raise H2OValueError(f"All parts must have the same number of rows; got {[one.nrow for one in tables]}.")
    places = [recut([one.only("A part of a time")], one.rows, rows)[0] for one in tables]
    fixed = {name: None if is_table(part) else part for name, part in zip(PARTS, parts, strict=True)}
    local = None if places else [()]
    made = derive(places, rows, _made, types=["time"], domains=None, arguments=(fixed, zones.current()), local=local)
    return Table(("name",), tuple(made), rows)
