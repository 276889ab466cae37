"""Chunks shown as pandas: the bridge to pandas and to Dask DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import dask
import numpy as np
import pandas as pd
from distributed import Client, default_client
from distributed.client import _set_global_client

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.summary import Summary
from frames.cluster.placement import client_at
from frames.cluster.reorder import starts
from frames.cluster.tasks import absent, as_float, columns_at, empty_values, fits_long
from frames.table.table import Table

if TYPE_CHECKING:
    import dask.dataframe as dd


class ColumnView(NamedTuple):
    """How one column is to be shown: where it lies, and the dtype of an int column, the same in all partitions."""

    column: Column
    chunk: int
    position: int
    dtype: str = "int64"


def to_pandas(values: np.ndarray, column: Column, index: pd.RangeIndex | None = None) -> pd.Series:
    """Return one decoded column, whole, as users get it from as_data_frame().

    int -> int64; with missing values float64, or Int64 where float64 would round; real -> float64; time ->
    datetime64[ms]; string, uuid and levels -> text with NaN for missing; levels that are numbers or truth values as
    `level_values` says.
    """
    if column.type == "enum":
        return _levels(values, level_values(column.domain or ()), column.name, index)
    dtype = "float64"
    if column.type == "int":
        gaps = absent(values)
        if not gaps.any() and _fit_64_bits(values):
            dtype = "int64"
        elif values.dtype == np.int64:
            dtype = "Int64"
    return to_series(values, column, dtype, index)


def to_series(values: np.ndarray, column: Column, dtype: str, index: pd.RangeIndex | None = None) -> pd.Series:
    """Return one decoded column as a pandas Series.

    int -> `dtype` (int64, float64 or Int64), real -> float64, enum -> category, time -> datetime64[ms], string and
    uuid -> text with None replaced by NaN.
    """
    if column.type == "enum":
        data: object = pd.Categorical.from_codes(values, categories=pd.Index(column.domain, dtype=object))
    elif column.type == "time":
        data = to_datetime(values)
    elif column.type in ("string", "uuid"):
        return _text_series(np.where(values == None, np.nan, values), column.name, index)  # noqa: E711  on objects
    elif column.type == "int":
        data = _integers(values, dtype)
    else:
        data = as_float(values)
    return pd.Series(data, index=index, name=column.name, copy=False)


def _integers(values: np.ndarray, dtype: str) -> Any:
    if dtype == "float64":
        return as_float(values)
    if dtype == "int64":
        return values.astype(np.int64, copy=False)
    gaps = absent(values)
    return pd.arrays.IntegerArray(np.where(gaps, 0, values).astype(np.int64), gaps)


def _text_series(texts: np.ndarray, name: str, index: pd.RangeIndex | None = None) -> pd.Series:
    try:
        return pd.Series(texts, index=index, name=name, copy=False)
    except UnicodeEncodeError:  # the strings of pandas 3 are UTF-8, which has no surrogates
        return pd.Series(texts, index=index, name=name, copy=False, dtype=object)


def level_values(domain: Sequence[str]) -> np.ndarray:
    """Return levels as as_data_frame() shows them: as numbers (int64, float64) where every level is written as Python
    writes that number, as bool where they are False and True; else as texts (object).

    h2o-py leaves this to pandas' reader of CSV, for which 007 is 7, "NA" is missing and "TRUE" is True; here a value
    always tells its level, so that levels come back.

    >>> level_values(["0", "1"]), level_values(["0.5", "2"]), level_values(["007", "7"])
    (array([0, 1]), array([0.5, 2. ]), array(['007', '7'], dtype=object))
    """
    if set(domain) == {"False", "True"}:
        return np.array([level == "True" for level in domain])
    for kind, write in ((int, str), (float, _written)):
        try:
            values = [kind(level) for level in domain]
        except ValueError:  # levels are no numbers of this kind
            continue
        exact = all(write(v) == level for v, level in zip(values, domain, strict=True))
        if values and exact and (kind is float or max(map(abs, values)) < 2**63):
            return np.array(values)
    return np.array([*domain, None], object)[:-1]


def _written(value: float) -> str:
    """Return a number as the level that H2OFrame() makes of it; NaN stays no level."""
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _levels(codes: np.ndarray, table: np.ndarray, name: str, index: pd.RangeIndex | None) -> pd.Series:
    """Return the level values that codes stand for, in a dtype with a place for missing ones where there are any."""
    gaps = codes < 0
    if table.dtype == object:
        return _text_series(np.append(table, np.nan)[codes], name, index)
    if not gaps.any():
        return pd.Series(table[codes], index=index, name=name, copy=False)
    found: Any = np.append(table, table[:1])[codes]
    if table.dtype == bool:
        return pd.Series(pd.arrays.BooleanArray(found, gaps), index=index, name=name, copy=False)
    if table.dtype == np.int64 and int(np.abs(table).max()) > 2**53:
        return pd.Series(pd.arrays.IntegerArray(found, gaps), index=index, name=name, copy=False)
    return pd.Series(np.where(gaps, np.nan, found), index=index, name=name, copy=False)


def to_datetime(values: np.ndarray) -> np.ndarray:
    """Epoch milliseconds (NaN missing) as datetime64[ms] (NaT missing)."""
    gaps = absent(values)
    return np.where(gaps, np.datetime64("NaT", "ms"), np.where(gaps, 0, values).astype("int64").astype("M8[ms]"))


def expand(start: int, *chunks: Chunk, views: Sequence[ColumnView], columns: list[str] | None = None) -> pd.DataFrame:
    """Run as a task: one partition as a pandas DataFrame, only the asked columns decoded; the index counts all rows."""
    rows = chunks[0].rows
    index = pd.RangeIndex(start, start + rows)
    shown = views if columns is None else [next(v for v in views if v.column.name == name) for name in columns]
    decoded = columns_at([(v.chunk, v.position) for v in shown], chunks)
    series = {v.column.name: to_series(c, v.column, v.dtype, index) for v, c in zip(shown, decoded, strict=True)}
    return pd.DataFrame(series, index=index, columns=[v.column.name for v in shown])


def views_of(table: Table) -> list[ColumnView]:
    """How to show every column of a frame."""
    placement = table.placement()
    whole = [c.name for c in table.schema.columns if c.type == "int"]
    large = beyond_64_bits(table)
    dtypes = {n: "float64" if n in large else _dtype_of(summary) for n, summary in _summaries(table, whole).items()}
    return [ColumnView(c, *placement.where[c.name], dtypes.get(c.name, "float64")) for c in table.schema.columns]


def beyond_64_bits(table: Table) -> frozenset[str]:
    """Return the names of int columns with values that int64 cannot hold: they lie in doubles."""
    whole = [c.name for c in table.schema.columns if c.type == "int"]
    return frozenset(name for name, summary in _summaries(table, whole).items() if not fits_long(summary))


def _summaries(table: Table, names: Sequence[str]) -> dict[str, Summary]:
    return dict(zip(names, table.pick([table.index(name) for name in names]).summaries(), strict=True))


def _fit_64_bits(values: np.ndarray) -> bool:
    return values.dtype == np.int64 or not (np.abs(values) >= 2.0**63).any()


def _dtype_of(summary: Summary) -> str:
    """Return the dtype that holds an int column exactly, if int64 can."""
    if not summary.missing:
        return "int64"
    return "Int64" if max(-summary.minimum, summary.maximum) > 2**53 else "float64"


def to_dask(table: Table) -> dd.DataFrame:
    """Return the Dask DataFrame of a frame: lazy, partition by partition, column selection pushed down to decoding.

    Example: ``fr.ddf.groupby("species")["petal_len"].mean().compute()``.
    """
    import dask.dataframe as dd

    _make_default(client_at(table.places))
    placement, views = table.placement(), views_of(table)
    first = starts(placement.rows)
    divisions = None
    if placement.rows and all(placement.rows):
        divisions = (*first, table.nrow - 1)
    by_group = [list(chunks) for chunks in zip(*placement.parts, strict=True)]
    series = {v.column.name: to_series(empty_values(v.column.type), v.column, v.dtype) for v in views}
    meta = pd.DataFrame(series, index=pd.RangeIndex(0))
    # With conversion on, Dask would turn our strings into another dtype and recode every text column. It decides that
    # here, and the user's setting for other collections stays.
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_map(expand, first, *by_group, views=views, meta=meta, divisions=divisions, label="frame")


def _make_default(current: Client) -> None:
    """Dask collections compute on the default client: where there is none, it becomes the one that holds the chunks."""
    try:
        default_client()
    except ValueError:  # so Dask says that it has none
        _set_global_client(current)
