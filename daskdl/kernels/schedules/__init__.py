"""Schedules of the learning rate: one file each, found by belonging to this folder."""

import sys
from typing import Any

from daskdl.kernels.schedules.base import Schedule
from daskdl.kernels.spec import specs_in

__all__ = ["SCHEDULES", "Schedule", "schedule_of"]

SCHEDULES: dict[str, type[Schedule]] = specs_in(sys.modules[__name__], Schedule)


def schedule_of(parameters: Any) -> Schedule:
    """Return the schedule that the parameters choose, with its numbers."""
    return SCHEDULES[parameters.rate_schedule].of(parameters)
