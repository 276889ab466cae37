"""Frames of what the makers of tables make, for tests that look at them through a frame's methods."""

from __future__ import annotations

import functools
from collections.abc import Callable

from frames.frame import H2OFrame
from frames.table import make


def _framed(maker: Callable) -> Callable[..., H2OFrame]:
    @functools.wraps(maker)
    def made(*arguments, **options):
        return H2OFrame._of(maker(*arguments, **options))

    return made


frame_from_columns = _framed(make.table_from_columns)
frame_from_ddf = _framed(make.table_from_ddf)
frame_from_pandas = _framed(make.table_from_pandas)
frame_from_sparse = _framed(make.table_from_sparse)
