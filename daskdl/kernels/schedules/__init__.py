"""Schedules of the learning rate: one file each, found by belonging to this folder."""

import sys

from daskdl.kernels.schedules.base import Schedule
from daskdl.kernels.spec import specs_in

__all__ = ["SCHEDULES", "Schedule"]

SCHEDULES: dict[str, type[Schedule]] = specs_in(sys.modules[__name__], Schedule)
