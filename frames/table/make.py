"""Tables from what is in this process: arrays, pandas, Dask and sparse tables. (D)"""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from frames.chunks.chunk import Chunk
from frames.chunks.column import Column, Type, column
from frames.chunks.schema import Schema
from frames.cluster.placement import Group
from frames.cluster.sending import client_of, send, submit, threads_of
from frames.columns import kinds
from frames.columns.typed import Typed
from frames.columns.values import typed
from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.table import Table, table_of_groups

PARTITION_BYTES = 32 * 2**20
"""Uncompressed bytes of a partition: a task reads it at once, Dask spills it at once."""

_GRAPH_BYTES = 8 * 2**20
"""Chunks of frames up to this size travel inside the task graph: the scheduler can then make lost ones again."""

TYPE_NAMES: dict[str, Type] = {
    "real": "real", "float": "real", "double": "real",
    "int": "int", "integer": "int", "long": "int", "numeric": "int", "number": "int",
    "enum": "enum", "factor": "enum", "categorical": "enum", "category": "enum", "bool": "enum", "boolean": "enum",
    "string": "string", "character": "string", "time": "time", "date": "time", "uuid": "uuid",
}  # fmt: skip
"""Names of types that users may write, and the type each stands for. A column of int is real where it has fractions."""


def type_named(name: str, where: str) -> Type:
    """Return the type that a user's name of it stands for; raises H2OValueError with all names for an unknown one."""
    if not isinstance(name, str) or name.lower() not in TYPE_NAMES:
        raise H2OValueError(f"The type of {where} must be one of {', '.join(TYPE_NAMES)}; got {name!r}.")
    return TYPE_NAMES[name.lower()]


def table_from_columns(
    names: Sequence[str],
    types: Sequence[str | None] | None,
    arrays: Sequence[Any],
    domains: Sequence[Sequence[str] | None] | None = None,
    missing: Sequence[Collection[str]] | None = None,
    option: str = "column_types",
) -> Table:
    """Return a table of columns given as arrays, lists or Series of equal length; a type that is None is guessed.

    `missing` holds per column the texts that mean missing. Cells that a type cannot hold are missing, with a warning
    that names `option` as what declares types.

    Raises H2OValueError for unequal numbers or lengths, unknown types and names that occur twice, H2OTypeError for what
    is no column.
    """
    types = types or [None] * len(names)
    domains = domains or [None] * len(names)
    missing = missing or [()] * len(names)
    if not len(names) == len(arrays) == len(types) == len(domains):
        raise H2OValueError(f"Every column needs a name and a type; got {len(arrays)} columns, {len(names)} names.")
    wanted = _types_named(names, types)
    columns = [
        _named(name, array, type_, domain, words)
        for name, array, type_, domain, words in zip(names, arrays, wanted, domains, missing, strict=True)
    ]
    lengths = {len(c.values) for c in columns}
    if len(lengths) > 1:
        shown = ", ".join(f"'{n}': {len(c.values)}" for n, c in zip(names, columns, strict=True))
        raise H2OValueError(f"All columns must have the same number of rows; got {shown[:300]}.")
    schema = Schema(tuple(column(n, c.type, c.domain) for n, c in zip(names, columns, strict=True)))
    kinds.warn({n: (c.type, c.given_up) for n, c in zip(names, columns, strict=True) if c.given_up}, option)
    return _table(schema, columns)


def _types_named(names: Sequence[str], types: Sequence[str | None] | None) -> list[Type | None]:
    given = types or [None] * len(names)
    return [None if t is None else type_named(t, f"column '{n}'") for n, t in zip(names, given, strict=True)]


def _named(name: str, array: Any, type_: Type | None, domain: Sequence[str] | None, missing: Collection[str]) -> Typed:
    try:
        return typed(array, type_, domain, missing)
    except (H2OTypeError, H2OValueError) as error:
        raise type(error)(f"Column '{name}' cannot be read. {error}") from error


def _table(schema: Schema, columns: list[Typed]) -> Table:
    rows = len(columns[0].values) if columns else 0
    cuts = row_cuts(rows, sum(8 if c.values.dtype == object else c.values.dtype.itemsize for c in columns))
    chunks = [
        Chunk.pack([c.values[a:b] for c in columns], [c.type for c in columns], [column.levels for column in schema])
        for a, b in pairwise(cuts)
    ]
    sizes = tuple(b - a for a, b in pairwise(cuts))
    return table_of_groups(schema, sizes, [Group(tuple(place(chunks)), schema.names)])


def row_cuts(rows: int, row_bytes: int) -> list[int]:
    """Return where to cut rows into partitions, from 0 to `rows`.

    No partition has more than `PARTITION_BYTES`, and there is one per worker where each then has 1,000 rows or more.
    """
    workers, _ = threads_of(client_of())
    parts = max(-(-rows * max(row_bytes, 1) // PARTITION_BYTES), min(workers, rows // 1000), 1)
    return [rows * part // parts for part in range(parts + 1)]


def place(chunks: Sequence[Chunk]) -> list[Any]:
    """Return futures of chunks that were packed in this process, spread over the workers."""
    if sum(chunk.nbytes for chunk in chunks) <= _GRAPH_BYTES:
        return [submit(_chunk, chunk) for chunk in chunks]
    return send(chunks)


def _chunk(chunk: Chunk) -> Chunk:
    return chunk


def table_from_pandas(
    table: pd.DataFrame,
    types: dict[str, str] | None = None,
    names: Sequence[str] | None = None,
) -> Table:
    """Return a table of a pandas DataFrame; its index is left out. `types` declares some columns by name."""
    if not isinstance(table, pd.DataFrame):
        raise H2OTypeError(f"table must be a pandas DataFrame; got {type(table).__name__}.")
    names = [str(name) for name in table.columns] if names is None else list(names)
    types = types or {}
    unknown = set(types) - set(names)
    if unknown:
        raise H2OValueError(f"Types must be given for columns of the table; got '{sorted(unknown)[0]}'.")
    arrays = [table.iloc[:, i] for i in range(table.shape[1])]
    return table_from_columns(names, [types.get(name) for name in names], arrays)


def table_from_sparse(matrix: Any, names: Sequence[str] | None = None) -> Table:
    """Return a table of a scipy sparse matrix; what is not stored is 0. Names are C1, C2, ... by default.

    Rows are made dense one partition at a time.
    """
    import scipy.sparse

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
    return table_of_groups(schema, sizes, [Group(tuple(place(chunks)), schema.names)])


def default_names(width: int) -> list[str]:
    """Return C1, C2, ... as many as columns."""
    return [f"C{i + 1}" for i in range(width)]


def table_from_ddf(
    table: Any,
    types: Sequence[str | None] | None = None,
    missing: Sequence[Collection[str]] | None = None,
) -> Table:
    """Return a table of a Dask DataFrame: one partition each; the index is left out.

    `types` and `missing` are those of `table_from_columns`. Levels of categories and types of text columns are decided
    over all partitions. Known categories keep their order; those that only a partition knows follow.
    """
    import dask.dataframe as dd

    from frames.table.assemble import table_from_tables

    if not isinstance(table, dd.DataFrame):
        raise H2OTypeError(f"table must be a Dask DataFrame; got {type(table).__name__}.")
    wanted = _types_named([str(name) for name in table.columns], types)
    futures: Any = client_of().compute(table.to_delayed())
    return table_from_tables(futures, table._meta, wanted, missing)
