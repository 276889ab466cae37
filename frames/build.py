"""Frames from what is in this process: arrays, pandas, Dask and sparse tables. (D)"""

import uuid
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from frames import session
from frames.chunk import Chunk
from frames.column import Column, Type, column
from frames.dictionary import NO_VALUE, Dictionary, Verdict, decide, encode
from frames.errors import H2OTypeError, H2OValueError
from frames.placement import Group
from frames.schema import Schema
from frames.summary import MISSING_INTEGER

if TYPE_CHECKING:
    from frames.frame import H2OFrame

PARTITION_BYTES = 32 * 2**20
"""Uncompressed bytes of a partition: a task reads it at once, Dask spills it at once."""

_GRAPH_BYTES = 8 * 2**20
"""Chunks of frames up to this size travel inside the task graph: the scheduler can then make lost ones again."""

TYPE_NAMES: dict[str, Type] = {
    "real": "real", "float": "real", "double": "real", "numeric": "real", "number": "real",
    "int": "int", "integer": "int", "long": "int", "bool": "int", "boolean": "int",
    "enum": "enum", "factor": "enum", "categorical": "enum", "category": "enum",
    "string": "string", "character": "string", "time": "time", "date": "time", "uuid": "uuid",
}  # fmt: skip
"""Names of types that users may write, and the type each stands for."""


class Typed(NamedTuple):
    """A column as `Chunk.pack` wants it."""

    values: np.ndarray
    type: Type
    domain: tuple[str, ...] | None = None


def type_named(name: str, where: str) -> Type:
    """Return the type that a user's name of it stands for; raises H2OValueError with all names for an unknown one."""
    if not isinstance(name, str) or name.lower() not in TYPE_NAMES:
        raise H2OValueError(f"The type of {where} must be one of {', '.join(TYPE_NAMES)}; got {name!r}.")
    return TYPE_NAMES[name.lower()]


def typed(values: Any, type_: Type | None = None, domain: Sequence[str] | None = None) -> Typed:
    """Return any one-dimensional array, list or pandas Series as a typed column.

    None, NaN, pd.NA, NaT, empty text and "NA" are missing. bool becomes int 0/1, pandas categoricals enum (their levels
    in their order), datetimes time. Text that is all numbers, times or UUIDs becomes that, as in a CSV file; other text
    is enum, or string where nearly every row differs. With `type_` the column is made that type; what it cannot read
    becomes missing. With `domain` (enum) integers are codes and texts are levels.

    Raises H2OTypeError for values that are no scalars.
    """
    series = values if isinstance(values, pd.Series) else None
    if series is None and isinstance(values, pd.Index | pd.api.extensions.ExtensionArray):
        series = pd.Series(values)
    found = _from_series(series, domain) if series is not None else _from_array(np.asarray(_plain(values)), domain)
    if isinstance(found, Typed):
        return found if type_ is None or found.type == type_ else _as(found, type_)
    if domain is not None and type_ in (None, "enum"):
        return Typed(found.column(Verdict("enum", tuple(domain))), "enum", tuple(domain))
    verdict = decide(found.levels, found.looks_like_text) if type_ is None else _declared(found, type_)
    return Typed(found.column(verdict), verdict.type, verdict.domain)


def _plain(values: Any) -> Any:
    """Lists as arrays: of numbers where all are, else of objects, so that NumPy does not turn numbers into text."""
    if isinstance(values, np.ndarray):
        return values
    values = list(values)
    numbers = [value for value in values if value is not None]
    if all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in numbers):
        return _number_array(values, numbers)
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _number_array(values: list[Any], numbers: list[Any]) -> np.ndarray:
    """A list of numbers and None; int64 where float64 would round an integer."""
    if numbers and all(isinstance(value, int | np.integer) for value in numbers):
        longest = max(abs(int(value)) for value in numbers)
        if longest < 2**63 and (len(numbers) == len(values) or longest > 2**53):
            return np.array([MISSING_INTEGER if value is None else value for value in values], np.int64)
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _from_series(series: pd.Series, domain: Sequence[str] | None) -> Typed | Dictionary:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = [str(level) for level in dtype.categories]
        if len(set(levels)) != len(levels):
            raise H2OValueError(f"Categories must differ when written as text; got {levels[:10]}.")
        return Typed(series.cat.codes.to_numpy().astype(np.int32), "enum", tuple(levels))
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        return _from_times(
            series.dt.tz_convert("UTC").dt.tz_localize(None) if dtype.kind == "M" and _has_zone(dtype) else series
        )
    if isinstance(dtype, pd.SparseDtype):
        return _from_array(series.sparse.to_dense().to_numpy(), domain)
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        if series.isna().any():
            return _numbers_with_gaps(series)
        return _from_array(series.to_numpy(dtype=_numpy_dtype(dtype)), domain)
    return _from_array(series.astype(object).where(series.notna(), None).to_numpy(), domain)


def _has_zone(dtype: Any) -> bool:
    return getattr(dtype, "tz", None) is not None


def _numpy_dtype(dtype: Any) -> Any:
    return getattr(dtype, "numpy_dtype", None) or (dtype if isinstance(dtype, np.dtype) else None)


def _numbers_with_gaps(series: pd.Series) -> Typed:
    kind = getattr(series.dtype, "kind", "f")
    if kind == "i":
        whole = series.fillna(0).to_numpy(dtype=np.int64)
        if len(whole) and max(abs(int(whole.min())), int(whole.max())) > 2**53:
            return Typed(np.where(series.isna().to_numpy(), np.int64(MISSING_INTEGER), whole), "int")
    return _from_numbers(series.to_numpy(dtype=np.float64, na_value=np.nan))


def _from_times(series: pd.Series) -> Typed:
    stamps = series.to_numpy().astype("M8[us]")
    values = stamps.astype(np.int64) / 1000.0
    values[np.isnat(stamps)] = np.nan
    return Typed(np.floor(values), "time")


def _from_array(array: np.ndarray, domain: Sequence[str] | None) -> Typed | Dictionary:
    if array.ndim != 1:
        raise H2OTypeError(f"A column must be one-dimensional; got shape {array.shape}.")
    if array.dtype.kind == "M":
        return _from_times(pd.Series(array))
    if array.dtype.kind == "m":
        raise H2OTypeError("A column must not hold durations (timedelta). Divide it by a unit of time first.")
    if array.dtype.kind == "c":
        raise H2OTypeError("A column must hold real numbers; got complex ones. Give real and imaginary part.")
    if domain is not None and array.dtype.kind in "iu":
        return _from_codes(array, domain)
    if array.dtype.kind in "fiub":
        return _from_numbers(array)
    for row, value in enumerate(array):
        if isinstance(value, list | tuple | dict | set | np.ndarray):
            raise H2OTypeError(f"Values of a column must be scalars; got {type(value).__name__} in row {row}.")
    values = array.tolist()
    if any(value is True or value is False for value in values):
        some = [value for value in values if not _is_missing(value)]
        if all(isinstance(value, bool | np.bool_) for value in some):
            return _from_numbers(np.array([np.nan if _is_missing(v) else float(v) for v in values]))
    return encode([None if _is_missing(value) else value for value in values], NO_VALUE)


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _from_codes(codes: np.ndarray, domain: Sequence[str]) -> Typed:
    if len(codes) and (codes.min() < -1 or codes.max() >= len(domain)):
        raise H2OValueError(
            f"Codes must lie between -1 and {len(domain) - 1}, one less than the levels; got {codes.min()} to "
            f"{codes.max()}."
        )
    return Typed(codes.astype(np.int32), "enum", tuple(domain))


def _from_numbers(array: np.ndarray) -> Typed:
    if array.dtype.kind in "iub":
        too_long = array.dtype == np.uint64 and len(array) and array.max() > np.iinfo(np.int64).max
        return Typed(array.astype(np.float64) if too_long else array, "int")
    array = array.astype(np.float64)
    present = array[~np.isnan(array)]
    whole = bool(len(present)) and bool(np.isfinite(present).all() and (np.rint(present) == present).all())
    return Typed(array, "int" if whole else "real")


def _declared(found: Dictionary, type_: Type) -> Verdict:
    return Verdict(type_, tuple(sorted(found.levels)) if type_ == "enum" else None)


def _as(found: Typed, type_: Type) -> Typed:
    """A typed column as another type."""
    if {found.type, type_} <= {"real", "int", "time"}:
        return Typed(found.values, type_)
    if found.type == "enum":
        texts = np.array([*found.domain, None], object)[found.values]  # type: ignore[misc]
    else:
        values = found.values.tolist()
        missing = MISSING_INTEGER if found.values.dtype == np.int64 else None
        texts = [None if value == missing else value for value in values]
    known = encode(texts)
    if type_ == "enum" and found.type in ("real", "int"):
        # Levels that are numbers stand in the order of the numbers.
        return Typed(*_numeric_levels(known))
    verdict = _declared(known, type_)
    return Typed(known.column(verdict), verdict.type, verdict.domain)


def _numeric_levels(known: Dictionary) -> tuple[np.ndarray, Type, tuple[str, ...]]:
    domain = tuple(sorted(known.levels, key=float))
    return known.column(Verdict("enum", domain)), "enum", domain


def frame_from_columns(
    names: Sequence[str],
    types: Sequence[str | None] | None,
    arrays: Sequence[Any],
    frame_id: str | None = None,
    domains: Sequence[Sequence[str] | None] | None = None,
) -> "H2OFrame":
    """Return a frame of columns given as arrays, lists or Series of equal length; a type that is None is guessed.

    Raises H2OValueError for unequal numbers or lengths, unknown types and names that occur twice.
    """
    types = types or [None] * len(names)
    domains = domains or [None] * len(names)
    if not len(names) == len(arrays) == len(types) == len(domains):
        raise H2OValueError(f"Every column needs a name and a type; got {len(arrays)} columns, {len(names)} names.")
    wanted: list[Type | None] = [
        None if t is None else type_named(t, f"column '{n}'") for n, t in zip(names, types, strict=True)
    ]
    columns = [
        _named(name, array, type_, domain)
        for name, array, type_, domain in zip(names, arrays, wanted, domains, strict=True)
    ]
    lengths = {len(c.values) for c in columns}
    if len(lengths) > 1:
        shown = ", ".join(f"'{n}': {len(c.values)}" for n, c in zip(names, columns, strict=True))
        raise H2OValueError(f"All columns must have the same number of rows; got {shown[:300]}.")
    return _frame(
        Schema(tuple(column(n, c.type, c.domain) for n, c in zip(names, columns, strict=True))), columns, frame_id
    )


def _named(name: str, array: Any, type_: Type | None, domain: Sequence[str] | None) -> Typed:
    try:
        return typed(array, type_, domain)
    except (H2OTypeError, H2OValueError) as error:
        raise type(error)(f"Column '{name}' cannot be read. {error}") from error


def _frame(schema: Schema, columns: list[Typed], frame_id: str | None) -> "H2OFrame":
    from frames.frame import H2OFrame

    rows = len(columns[0].values) if columns else 0
    cuts = row_cuts(rows, sum(8 if c.values.dtype == object else c.values.dtype.itemsize for c in columns))
    chunks = [
        Chunk.pack([c.values[a:b] for c in columns], [c.type for c in columns], [column.levels for column in schema])
        for a, b in pairwise(cuts)
    ]
    sizes = tuple(b - a for a, b in pairwise(cuts))
    return H2OFrame._from_groups(schema, sizes, [Group(tuple(place(chunks)), schema.names)], frame_id)


def row_cuts(rows: int, row_bytes: int) -> list[int]:
    """Return where to cut rows into partitions, from 0 to `rows`.

    No partition has more than `PARTITION_BYTES`, and there is one per worker where each then has 1,000 rows or more.
    """
    workers, _ = session.threads()
    parts = max(-(-rows * max(row_bytes, 1) // PARTITION_BYTES), min(workers, rows // 1000), 1)
    return [rows * part // parts for part in range(parts + 1)]


def place(chunks: Sequence[Chunk]) -> list[Any]:
    """Return futures of chunks that were packed in this process, spread over the workers."""
    client: Any = session.client()
    if sum(chunk.nbytes for chunk in chunks) <= _GRAPH_BYTES:
        return [client.submit(_itself, chunk, key=f"chunk-{uuid.uuid4().hex}", pure=False) for chunk in chunks]
    return client.scatter(list(chunks), hash=False)


def _itself(chunk: Chunk) -> Chunk:
    return chunk


def frame_from_pandas(
    table: pd.DataFrame,
    frame_id: str | None = None,
    types: dict[str, str] | None = None,
    names: Sequence[str] | None = None,
) -> "H2OFrame":
    """Return a frame of a pandas DataFrame; its index is left out. `types` declares some columns by name."""
    if not isinstance(table, pd.DataFrame):
        raise H2OTypeError(f"table must be a pandas DataFrame; got {type(table).__name__}.")
    names = [str(name) for name in table.columns] if names is None else list(names)
    types = types or {}
    unknown = set(types) - set(names)
    if unknown:
        raise H2OValueError(f"Types must be given for columns of the table; got '{sorted(unknown)[0]}'.")
    arrays = [table.iloc[:, i] for i in range(table.shape[1])]
    return frame_from_columns(names, [types.get(name) for name in names], arrays, frame_id)


def frame_from_sparse(matrix: Any, names: Sequence[str] | None = None, frame_id: str | None = None) -> "H2OFrame":
    """Return a frame of a scipy sparse matrix; what is not stored is 0. Names are C1, C2, ... by default.

    Rows are made dense one partition at a time.
    """
    import scipy.sparse

    from frames.frame import H2OFrame

    if not scipy.sparse.issparse(matrix):
        raise H2OTypeError(f"matrix must be a scipy sparse matrix; got {type(matrix).__name__}.")
    rows, width = matrix.shape
    names = default_names(width) if names is None else list(names)
    if len(names) != width:
        raise H2OValueError(f"One name per column is needed: {width} columns; got {len(names)} names.")
    by_row = matrix.tocsr()
    cuts = row_cuts(rows, 8 * width)
    chunks = []
    for a, b in pairwise(cuts):
        dense = np.ascontiguousarray(by_row[a:b].toarray().T)
        chunks.append(Chunk.pack(list(dense), ["real"] * width, [None] * width))
    whole = [all(chunk.summaries[i].all_integer for chunk in chunks) for i in range(width)]
    schema = Schema(tuple(Column(name, "int" if w else "real") for name, w in zip(names, whole, strict=True)))
    sizes = tuple(b - a for a, b in pairwise(cuts))
    return H2OFrame._from_groups(schema, sizes, [Group(tuple(place(chunks)), schema.names)], frame_id)


def default_names(width: int) -> list[str]:
    """Return C1, C2, ... as many as columns."""
    return [f"C{i + 1}" for i in range(width)]


def frame_from_ddf(table: Any, frame_id: str | None = None) -> "H2OFrame":
    """Return a frame of a Dask DataFrame: one partition each; the index is left out.

    Levels of categories and types of text columns are decided over all partitions. Known categories keep their order.
    """
    import dask.dataframe as dd

    from frames.assembly import frame_from_tables

    if not isinstance(table, dd.DataFrame):
        raise H2OTypeError(f"table must be a Dask DataFrame; got {type(table).__name__}.")
    client: Any = session.client()
    futures = client.compute(table.to_delayed())
    return frame_from_tables(futures, table._meta, frame_id)
