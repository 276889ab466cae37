"""Columns under other names."""

from __future__ import annotations

from collections.abc import Mapping

from frames.exceptions import H2OTypeError, H2OValueError
from frames.table.table import Table


def set_name(table: Table, col: str | int | None = None, name: str | None = None) -> Table:
    """Rename one column; `col` may be left out in a frame of one column.

    Raises H2OValueError for an unknown column or a name that another column has.
    """
    if not isinstance(name, str):
        raise H2OTypeError(f"The new name must be a string; got {name!r}.")
    if col is None:
        if table.ncol != 1:
            raise H2OValueError(f"col must be given in a frame of {table.ncol} columns: a name or a number.")
        col = 0
    at = table.index(col)
    if name in table.names and table.names.index(name) != at:
        raise H2OValueError(f"Column names must differ; '{name}' is already column {table.names.index(name)}.")
    return table.new([name if i == at else own for i, own in enumerate(table.names)], table.places)


def rename(table: Table, columns: Mapping[str, str] | None = None) -> Table:
    """Rename some columns: old name -> new name; unknown old names are left out, as in h2o-py."""
    if not isinstance(columns, Mapping):
        raise H2OTypeError(f"columns must be a dict old name -> new name; got {type(columns).__name__}.")
    return table.renamed([columns.get(name, name) for name in table.names])
