"""Parts of times: year, month, day, hour and so on of time columns, as the clocks of the time zone show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from frames.cluster.tasks import Step, absent, as_float, carry_out
from frames.exceptions import H2OValueError
from frames.table.body import FrameBody
from frames.text import zones
from frames.text.zones import from_utc

if TYPE_CHECKING:
    from frames.frame import H2OFrame

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


class Times(FrameBody):
    """Methods of time columns; every part is a column of ints of the same name, missing where the time is missing.

    The time zone is that of the cluster when the method is called: ``h2o.cluster().timezone``, UTC by default.
    """

    def _check_times(self, call: str) -> None:
        for name, place in zip(self._body.names, self._resolved(), strict=True):
            if place.type != "time":
                raise H2OValueError(
                    f"{call}() must be asked of time columns; '{name}' is {place.type}. Convert text with as_date()."
                )

    def _part_of(self, part: str) -> H2OFrame:
        self._check_times(part)
        steps = [Step((place,), _part, "int", None, (part, zones.current())) for place in self._body.places]
        return self._replace(carry_out(steps, self._body.rows))

    def week(self) -> H2OFrame:
        """ISO week of the year, 1 to 53."""
        return self._part_of("week")

    def dayOfWeek(self) -> H2OFrame:
        """Day of the week as enum Mon, Tue, ..., Sun."""
        self._check_times("dayOfWeek")
        steps = [Step((place,), _weekday, "enum", DAYS, (zones.current(),)) for place in self._body.places]
        return self._replace(carry_out(steps, self._body.rows))


def _method(part: str) -> Callable:
    def method(self: Times) -> H2OFrame:
        return self._part_of(part)

    method.__name__, method.__qualname__ = part, f"Times.{part}"
    method.__doc__ = f"The {part} of every time, in the time zone of the cluster."
    return method


for _part_name in PARTS:
    setattr(Times, _part_name, _method(_part_name))
