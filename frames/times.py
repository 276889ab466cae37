"""Parts of times: year, month, day, hour and so on of time columns, in UTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from frames.body import FrameBody
from frames.errors import H2OValueError
from frames.tasks import Step, absent, as_float, carry_out

if TYPE_CHECKING:
    from frames.frame import H2OFrame

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PARTS = ("year", "month", "day", "hour", "minute", "second")


def _stamps(values: np.ndarray) -> tuple[pd.DatetimeIndex, np.ndarray]:
    gaps = absent(values)
    return pd.DatetimeIndex(np.floor(np.where(gaps, 0, as_float(values))).astype("int64").astype("M8[ms]")), gaps


def _part(values: np.ndarray, part: str) -> list[np.ndarray]:
    stamps, gaps = _stamps(values)
    found = stamps.isocalendar().week if part == "week" else getattr(stamps, part)
    return [np.where(gaps, np.nan, np.asarray(found, dtype=np.float64))]


def _weekday(values: np.ndarray) -> list[np.ndarray]:
    stamps, gaps = _stamps(values)
    return [np.where(gaps, -1, stamps.day_of_week).astype(np.int32)]


class Times(FrameBody):
    """Methods of time columns; every part is a column of ints of the same name, missing where the time is missing."""

    def _check_times(self, call: str) -> None:
        for name, place in zip(self._body.names, self._resolved(), strict=True):
            if place.type != "time":
                raise H2OValueError(
                    f"{call}() must be asked of time columns; '{name}' is {place.type}. Convert text with as_date()."
                )

    def _part_of(self, part: str) -> H2OFrame:
        self._check_times(part)
        steps = [Step((place,), _part, "int", None, (part,)) for place in self._body.places]
        return self._replace(carry_out(steps, self._body.rows))

    def week(self) -> H2OFrame:
        """ISO week of the year, 1 to 53."""
        return self._part_of("week")

    def dayOfWeek(self) -> H2OFrame:
        """Day of the week as enum Mon, Tue, ..., Sun."""
        self._check_times("dayOfWeek")
        steps = [Step((place,), _weekday, "enum", DAYS) for place in self._body.places]
        return self._replace(carry_out(steps, self._body.rows))


def _method(part: str) -> Callable:
    def method(self: Times) -> H2OFrame:
        return self._part_of(part)

    method.__name__, method.__qualname__ = part, f"Times.{part}"
    method.__doc__ = f"The {part} of every time, in UTC."
    return method


for _part_name in PARTS:
    setattr(Times, _part_name, _method(_part_name))
