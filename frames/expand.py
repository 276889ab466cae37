"""Chunks shown as pandas: the bridge to pandas and to Dask DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from distributed import Client, default_client
from distributed.client import _set_global_client

from frames.chunk import Chunk
from frames.column import Column
from frames.rows import starts
from frames.session import client
from frames.tasks import absent, as_float, columns_at, empty_values, fits_long

if TYPE_CHECKING:
    import dask.dataframe as dd

    from frames.frame import H2OFrame


class View(NamedTuple):
    """How one column is to be shown: where it lies, and whether ints need doubles (missing or huge values)."""

    column: Column
    chunk: int
    position: int
    doubles: bool


def to_series(values: np.ndarray, column: Column, doubles: bool, index: pd.RangeIndex | None = None) -> pd.Series:
    """One decoded column as a pandas Series.

    int -> int64 (float64 with `doubles`: the column has missing or huge values), real -> float64, enum -> category,
    time -> datetime64[ms], string and uuid -> object with None replaced by NaN.
    """
    if column.type == "enum":
        data: object = pd.Categorical.from_codes(values, categories=pd.Index(column.domain, dtype=object))
    elif column.type == "time":
        data = to_datetime(values)
    elif column.type in ("string", "uuid"):
        data = np.where(values == None, np.nan, values)  # noqa: E711  elementwise on objects
    elif column.type == "int":
        data = as_float(values) if doubles else values.astype(np.int64, copy=False)
    else:
        data = as_float(values)
    return pd.Series(data, index=index, name=column.name, copy=False)


def to_datetime(values: np.ndarray) -> np.ndarray:
    """Epoch milliseconds (NaN missing) as datetime64[ms] (NaT missing)."""
    gaps = absent(values)
    return np.where(gaps, np.datetime64("NaT", "ms"), np.where(gaps, 0, values).astype("int64").astype("M8[ms]"))


def expand(start: int, *chunks: Chunk, views: Sequence[View], columns: list[str] | None = None) -> pd.DataFrame:
    """A task: one partition as a pandas DataFrame, only the asked columns decoded; the index counts rows globally."""
    rows = chunks[0].rows
    index = pd.RangeIndex(start, start + rows)
    shown = views if columns is None else [next(v for v in views if v.column.name == name) for name in columns]
    decoded = columns_at([(v.chunk, v.position) for v in shown], chunks)
    series = {v.column.name: to_series(c, v.column, v.doubles, index) for v, c in zip(shown, decoded, strict=True)}
    return pd.DataFrame(series, index=index, columns=[v.column.name for v in shown])


def views_of(frame: H2OFrame) -> list[View]:
    """How to show every column of a frame."""
    placement = frame.placement()
    whole = [c.name for c in frame.schema.columns if c.type == "int"]
    doubles = {name: s.missing > 0 or not fits_long(s) for name, s in frame.summaries(whole).items()}
    return [View(c, *placement.where[c.name], doubles.get(c.name, False)) for c in frame.schema.columns]


def to_dask(frame: H2OFrame) -> dd.DataFrame:
    """The Dask DataFrame face of a frame: lazy, one partition per partition, column selection pushed down to decoding.

    Example: ``fr.ddf.groupby("species")["petal_len"].mean().compute()``.
    """
    import dask.dataframe as dd

    _make_default(client())
    placement, views = frame.placement(), views_of(frame)
    first = starts(placement.rows)
    divisions = None
    if placement.rows and all(placement.rows):
        divisions = (*first, frame.nrow - 1)
    by_group = [list(chunks) for chunks in zip(*placement.parts, strict=True)]
    series = {v.column.name: to_series(empty_values(v.column.type), v.column, v.doubles) for v in views}
    meta = pd.DataFrame(series, index=pd.RangeIndex(0))
    return dd.from_map(expand, first, *by_group, views=views, meta=meta, divisions=divisions, label="frame")


def _make_default(current: Client) -> None:
    """Dask collections compute on the default client: where there is none, it becomes the one that holds the chunks."""
    try:
        default_client()
    except ValueError:
        _set_global_client(current)
