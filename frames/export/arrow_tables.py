"""Columns as Arrow tables: what Parquet files are made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.cluster.tasks import absent, as_float, columns_at
from frames.columns.arrow import TYPE_KEY
from frames.exceptions import H2OValueError


def arrow_schema(columns: Sequence[Column], doubles: frozenset[str] = frozenset()) -> Any:
    """Return the Arrow schema of some columns; `doubles` names int columns with values beyond 64 bits.

    real -> float64, int -> int64, time -> timestamp in milliseconds, enum -> dictionary, string and uuid -> string.

    >>> arrow_schema([Column("x", "real")]).field("x").type
    DataType(double)
    """
    return pa.schema(
        [pa.field(c.name, _arrow_type(c, c.name in doubles), metadata={TYPE_KEY: c.type.encode()}) for c in columns]
    )


def _arrow_type(column: Column, doubles: bool) -> Any:
    if column.type == "enum":
        return pa.dictionary(pa.int32(), pa.string())
    if column.type == "int":
        return pa.float64() if doubles else pa.int64()
    return {"real": pa.float64(), "time": pa.timestamp("ms")}.get(column.type, pa.string())


def arrow_table(
    where: Sequence[tuple[int, int]], columns: Sequence[Column], doubles: frozenset[str], *chunks: Chunk
) -> Any:
    """Return the rows of a partition as an Arrow table (a task).

    Raises H2OValueError for texts with surrogates, which Arrow's UTF-8 has no place for.
    """
    arrays = []
    for values, column in zip(columns_at(where, chunks), columns, strict=True):
        try:
            arrays.append(_arrow(values, column, column.name in doubles))
        except UnicodeEncodeError as error:
            raise H2OValueError(
                f"Texts of a Parquet file must be valid Unicode; column '{column.name}' holds {error.object!r}. "
                'Export it with format="csv", or replace the surrogates.'
            ) from error
    return pa.table(arrays, schema=arrow_schema(columns, doubles))


def _arrow(values: np.ndarray, column: Column, doubles: bool) -> Any:
    if column.is_text:
        return pa.array(values.tolist(), pa.string())
    gaps = absent(values)
    if column.type == "enum":
        codes = pa.array(values, pa.int32(), mask=gaps)
        return pa.DictionaryArray.from_arrays(codes, pa.array(column.domain or (), pa.string()))
    if column.type == "real" or doubles:
        return pa.array(as_float(values), pa.float64(), mask=gaps)
    whole = values if values.dtype == np.int64 else np.floor(np.where(gaps, 0, values)).astype(np.int64)
    return pa.array(whole, pa.int64(), mask=gaps).cast(_arrow_type(column, doubles))
