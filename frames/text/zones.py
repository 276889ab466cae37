"""Moments and the clocks of a time zone."""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pandas as pd

from frames.exceptions import H2OTypeError, H2OValueError

UTC = "UTC"
_DAY = 86_400_000.0
_in_use = UTC


def current() -> str:
    """Return the zone of times that say none: of texts when they are read, and of `hour()`, `day()` and so on.

    It is known in the user's process only: tasks get it as an argument.
    """
    return _in_use


def use(zone: str) -> None:
    """Make a zone the current one; times that are there already stay the moments they are.

    Raises H2OTypeError and H2OValueError for what is no name of a zone.
    """
    global _in_use
    if not isinstance(zone, str):
        raise H2OTypeError(f"A time zone must be given by its name, such as 'America/Denver'; got {zone!r}.")
    try:
        _zone(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise H2OValueError(
            f"A time zone must be one of those that h2o.list_timezones() names, such as 'America/Denver'; got {zone!r}."
        ) from error
    _in_use = zone


def names() -> list[str]:
    """Return the names of all time zones that this machine knows, sorted."""
    return sorted(available_timezones())


@cache
def _zone(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)


def from_utc(moments: np.ndarray, zone: str) -> np.ndarray:
    """Return what the clocks of a zone show at moments (float64 milliseconds since 1970-01-01 UTC, NaN missing).

    >>> from_utc(np.array([0.0, np.nan]), "America/Denver").tolist()
    [-25200000.0, nan]
    """
    return moments if zone == UTC else moments + _offsets(moments, zone)


def to_utc(shown: np.ndarray, zone: str) -> np.ndarray:
    """Return the moments at which the clocks of a zone show this; the inverse of `from_utc`.

    Where clocks show it twice, in the hour after they are put back, it is the first time. What they never show, in the
    hour that they are put forward, is counted on from before.

    >>> to_utc(np.array([-25200000.0]), "America/Denver").tolist()
    [0.0]
    """
    if zone == UTC:
        return shown
    before, after = _offsets(shown - _DAY, zone), _offsets(shown + _DAY, zone)
    first, second = shown - before, shown - after
    is_second = (_offsets(first, zone) != before) & (_offsets(second, zone) == after)
    return np.where(is_second, second, first)


def _offsets(moments: np.ndarray, zone: str) -> np.ndarray:
    """Milliseconds by which the clocks of a zone are ahead of UTC at moments."""
    known = np.isfinite(moments)
    utc = np.where(known, moments, 0.0).astype(np.int64).astype("M8[ms]")
    local = pd.DatetimeIndex(utc).tz_localize(UTC).tz_convert(_zone(zone)).tz_localize(None).to_numpy()
    return np.where(known, (local.astype("M8[ms]") - utc).astype(np.float64), np.nan)
