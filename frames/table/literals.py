"""Python objects laid out as named columns: what H2OFrame(...) accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from frames.exceptions import H2OTypeError, H2OValueError
from frames.table import make
from frames.table.names import default_names, tell_of_repeated_names
from frames.table.table import Table


class NamedColumns(NamedTuple):
    """Columns of equal length and their names (None where nobody has named them)."""

    names: list[str] | None
    columns: list[Any]


def build_table(
    python_obj: Any,
    header: int = 0,
    separator: str = ",",
    column_names: Sequence[str] | None = None,
    column_types: Sequence[str] | Mapping[str, str] | None = None,
    na_strings: Any = None,
    skipped_columns: Sequence[int | str] | None = None,
) -> Table:
    """Return a table of any object that H2OFrame accepts; see there for meaning and errors."""
    if header not in (-1, 0, 1):
        raise H2OValueError(f"header must be 1 (first row holds names), 0 (guess) or -1 (no names); got {header!r}.")
    if not isinstance(separator, str) or len(separator) != 1:
        raise H2OValueError(f"separator must be one character; got {separator!r}.")
    module = type(python_obj).__module__
    if isinstance(python_obj, Table):
        made = python_obj
    elif module.startswith(("dask.dataframe", "dask_expr")):
        return _from_dask(python_obj, column_names, column_types, na_strings, skipped_columns)
    elif module.startswith("scipy.sparse"):
        made = make.table_from_sparse(python_obj, column_names)
    else:
        return _from_layout(_layout(python_obj, header), column_names, column_types, na_strings, skipped_columns)
    return _adjusted(made, column_names, column_types, na_strings, skipped_columns)


def _adjusted(made: Table, names, types, na_strings, skipped) -> Table:
    """Options for what is a table already: names and skipped columns; the rest is refused."""
    if na_strings is not None or types is not None:
        raise H2OValueError(
            "column_types and na_strings must be left out for a sparse matrix or frame, whose columns have types. "
            "Convert columns with asfactor(), asnumeric() or ascharacter()."
        )
    if names is not None:
        made = made.renamed(list(names))
    if not skipped:
        return made
    gone = set(made.indices(list(skipped)))
    return made.pick([i for i in range(made.ncol) if i not in gone])


def _from_dask(table: Any, column_names, column_types, na_strings, skipped) -> Table:
    """Return a Dask DataFrame: columns are renamed and left out before any row is read."""
    names, kept = _named_columns([str(name) for name in table.columns], column_names, skipped)
    types, missing = _types(column_types, names), _missing_words(na_strings, names)
    if names != list(table.columns):
        table = table.copy()
        table.columns = names
    return make.table_from_ddf(table[[names[i] for i in kept]], [types[i] for i in kept], [missing[i] for i in kept])


def _layout(obj: Any, header: int) -> NamedColumns:
    """Return the columns of a Python object."""
    if isinstance(obj, pd.DataFrame):
        return NamedColumns([str(c) for c in obj.columns], [obj.iloc[:, i] for i in range(obj.shape[1])])
    if isinstance(obj, pd.Series):
        return NamedColumns([str(obj.name)] if obj.name is not None else None, [obj])
    if isinstance(obj, Mapping):
        return _from_mapping(obj)
    if isinstance(obj, np.ndarray):
        return _from_array(obj)
    if isinstance(obj, list | tuple | range):
        return _from_rows(list(obj), header)
    if hasattr(obj, "__arrow_c_stream__") or hasattr(obj, "__arrow_c_array__"):
        return _from_arrow(obj)
    raise H2OTypeError(
        "An H2OFrame must be made from a list, dict, NumPy array, scipy sparse matrix, pandas, Dask or Polars "
        f"DataFrame, Arrow table or another frame; got {type(obj).__name__}."
    )


def _from_arrow(obj: Any) -> NamedColumns:
    """Any table or column that offers itself through Arrow's PyCapsule interface: pyarrow, Polars, DuckDB, others."""
    try:
        table = pa.table(obj)
    except (TypeError, ValueError):  # no table but a single column
        column = pa.chunked_array(obj) if hasattr(obj, "__arrow_c_stream__") else pa.array(obj)
        name = getattr(obj, "name", None)
        return NamedColumns([name] if isinstance(name, str) and name else None, [column])
    return NamedColumns(list(table.column_names), table.columns)


def _from_mapping(obj: Mapping) -> NamedColumns:
    columns = []
    for name, column in obj.items():
        if isinstance(column, str | bytes) or not isinstance(column, Iterable):
            column = [column]
        columns.append(column if isinstance(column, pd.Series | np.ndarray) else list(column))
        size, first = len(columns[-1]), len(columns[0])
        if size != first:
            raise H2OValueError(f"All columns must have the same length ({first}); column {name!r} has {size}.")
    return NamedColumns([str(name) for name in obj], columns)


def _from_array(obj: np.ndarray) -> NamedColumns:
    if obj.dtype.names:
        return NamedColumns(list(obj.dtype.names), [obj[name] for name in obj.dtype.names])
    if obj.ndim not in (1, 2):
        raise H2OValueError(f"An array must have one or two dimensions; got {obj.ndim}.")
    table = obj if obj.ndim == 2 else obj.reshape(-1, 1)
    return NamedColumns(None, list(table.T.copy(order="C")))


def _from_rows(rows: list, header: int) -> NamedColumns:
    """Return a list of rows (shorter rows end in missing cells) or a flat list of cells: one column."""
    nested = [isinstance(row, list | tuple | np.ndarray) for row in rows]
    if any(nested) and not all(nested):
        at = nested.index(False) if nested[0] else nested.index(True)
        raise H2OValueError(f"A list must hold rows only, or cells only; item {at} is a {type(rows[at]).__name__}.")
    if not any(nested):
        rows = [[cell] for cell in rows]
    names = None
    if header == 1 and rows:
        names, rows = [str(cell) for cell in rows[0]], rows[1:]
    width = max([len(row) for row in rows] + [len(names or ())], default=0)
    if names is not None and len(names) < width:
        raise H2OValueError(f"The first row must name every column ({width}); it has {len(names)}.")
    columns = [[row[i] if i < len(row) else None for row in rows] for i in range(width)]
    return NamedColumns(names, columns)


def _from_layout(layout: NamedColumns, column_names, column_types, na_strings, skipped) -> Table:
    names, kept = _named_columns(layout.names or make.default_names(len(layout.columns)), column_names, skipped)
    types, missing = _types(column_types, names), _missing_words(na_strings, names)
    return make.table_from_columns(
        [names[i] for i in kept],
        [types[i] for i in kept],
        [layout.columns[i] for i in kept],
        missing=[missing[i] for i in kept],
    )


def _named_columns(own: list[str], column_names, skipped) -> tuple[list[str], list[int]]:
    """Return the names of all columns, and the positions of those that are not skipped."""
    width = len(own)
    names = default_names(own, width)
    if column_names is None:
        tell_of_repeated_names(own, names, "this object", "column_names")
    else:
        if len(column_names) != width or not all(isinstance(n, str) for n in column_names):
            raise H2OValueError(f"column_names must hold {width} strings, one per column; got {list(column_names)!r}.")
        names = list(column_names)
    gone = {_position(s, names) for s in skipped or ()}
    return names, [i for i in range(width) if i not in gone]


def _position(column: int | str, names: list[str]) -> int:
    if isinstance(column, str) and column in names:
        return names.index(column)
    if isinstance(column, Integral) and 0 <= int(column) < len(names):
        return int(column)
    raise H2OValueError(f"A skipped column must be a name or number of the {len(names)} columns; got {column!r}.")


def _types(types: Any, names: list[str]) -> list[str | None]:
    if types is None:
        return [None] * len(names)
    if isinstance(types, Mapping):
        known = {names[_position(name, names)]: kind for name, kind in types.items()}
        return [known.get(name) for name in names]
    if isinstance(types, str) or len(types) != len(names):
        raise H2OValueError(f"column_types must hold {len(names)} types, or be a dict name -> type; got {types!r}.")
    return list(types)


def _missing_words(na_strings: Any, names: list[str]) -> list[set[str]]:
    """Per column: the texts that mean missing."""
    if na_strings is None:
        return [set() for _ in names]
    if isinstance(na_strings, Mapping):
        known = {names[_position(name, names)]: words for name, words in na_strings.items()}
        return [set(_words(known.get(name, []))) for name in names]
    words = _words(na_strings)
    if words and all(isinstance(w, list | tuple) for w in words):
        if len(words) != len(names):
            raise H2OValueError(f"na_strings must hold one list per column ({len(names)}); got {len(words)}.")
        return [set(w) for w in words]
    return [set(words) for _ in names]


def _words(words: Any) -> list:
    return [words] if isinstance(words, str) else list(words)
