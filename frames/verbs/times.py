"""Parts of times: year, month, day, hour and so on of time columns, as the clocks of the time zone show them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from frames.cluster.tasks import Step, absent, as_float, carry_out
from frames.exceptions import H2OValueError
from frames.table.table import Table
from frames.text import zones
from frames.text.zones import from_utc

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PARTS = ("year", "month", "day", "hour", "minute", "second")


def _stamps(values: np.ndarray, zone: str) -> tuple[pd.DatetimeIndex, np.ndarray]:
    gaps = absent(values)
    shown = from_utc(np.where(gaps, 0.0, as_float(values)), zone)
    return pd.DatetimeIndex(np.floor(shown).astype("int64").astype("M8[ms]")), gaps


def _part(values: np.ndarray, part: str, zone: str) -> list[np.ndarray]:
    stamps, gaps = _stamps(values, zone)
    found = stamps.isocalendar().week if part == "week" else getattr(stamps, part)
    return [np.where(gaps, np.nan, np.asarray(found, dtype=np.float64))]


def _weekday(values: np.ndarray, zone: str) -> list[np.ndarray]:
    stamps, gaps = _stamps(values, zone)
    return [np.where(gaps, -1, stamps.day_of_week).astype(np.int32)]


def _check_times(table: Table, call: str) -> None:
    for name, place in zip(table.names, table.resolved, strict=True):
        if place.type != "time":
            raise H2OValueError(
                f"{call}() must be asked of time columns; '{name}' is {place.type}. Convert text with as_date()."
            )


def _part_of(table: Table, part: str) -> Table:
    _check_times(table, part)
    steps = [Step((place,), _part, "int", None, (part, zones.current())) for place in table.places]
    return table.with_places(carry_out(steps, table.rows))


def week(table: Table) -> Table:
    """ISO week of the year, 1 to 53."""
    return _part_of(table, "week")


def dayOfWeek(table: Table) -> Table:
    """Day of the week as enum Mon, Tue, ..., Sun."""
    _check_times(table, "dayOfWeek")
    steps = [Step((place,), _weekday, "enum", DAYS, (zones.current(),)) for place in table.places]
    return table.with_places(carry_out(steps, table.rows))


def _of_part(part: str) -> Callable[[Table], Table]:
    def function(table: Table) -> Table:
        return _part_of(table, part)

    function.__name__ = function.__qualname__ = part
    function.__doc__ = f"The {part} of every time, in the time zone of the cluster."
    return function


OF_TIMES: dict[str, Callable[[Table], Table]] = {part: _of_part(part) for part in PARTS}
"""The parts that are numbers, by their name."""
