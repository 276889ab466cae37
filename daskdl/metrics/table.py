"""A small titled table, as H2O shows results: a header, typed columns, rows of cells; prints as text and as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from daskdl.metrics.shown import Shown, check_words, display
from frames.exceptions import H2OTypeError, H2OValueError
from frames.text.screen import html_table, room, text_table

SHOWN_ROWS = 20
_TYPES = ("string", "int", "long", "double", "float")


class H2OTwoDimTable(Shown):
    """A table of results with a title, a description, named and typed columns, and cells kept by row.

    `col_types` holds one of string, int, long, double, float per column (guessed from the cells when left out).
    A first column named "" holds row names. A cell that holds nothing is `None` or NaN.
    Raises H2OValueError when a row's length differs from the number of columns.

    Example: `H2OTwoDimTable("Sizes", "per class", ["class", "rows"], ["string", "int"], [["a", 3]])["rows"] == [3]`
    """

    def __init__(
        self,
        table_header: str | None = None,
        table_description: str | None = None,
        col_header: Sequence[str] = (),
        col_types: Sequence[str] | None = None,
        cell_values: Sequence[Sequence[Any]] = (),
    ) -> None:
        names = [str(name) for name in col_header]
        rows = [[_plain(cell) for cell in row] for row in cell_values]
        for number, row in enumerate(rows):
            if len(row) != len(names):
                raise H2OValueError(
                    f"A row of a table must have one cell per column; row {number} has {len(row)} cells for "
                    f"{len(names)} columns ({', '.join(names)}). Give every row as many cells as col_header has names."
                )
        self.table_header = table_header or ""
        self.table_description = table_description or ""
        self.col_header = names
        self.cell_values = rows
        self.col_types = _checked_types(col_types, names, rows)

    @property
    def _table_description(self) -> str:
        return self.table_description

    @property
    def _table_header(self) -> str:
        return self.table_header

    def __len__(self) -> int:
        return len(self.cell_values)

    def __iter__(self) -> Iterator[list[Any]]:
        return iter(self.cell_values)

    def __getitem__(self, item: Any) -> Any:
        """Give a column by name, columns by a list of names, a row by its number, or a table of the rows of a slice."""
        if isinstance(item, str):
            return self._column(item)
        if isinstance(item, (list, tuple)) and all(isinstance(name, str) for name in item):
            return [self._column(name) for name in item]
        if isinstance(item, slice):
            rows = self.cell_values[item]
            return H2OTwoDimTable(self.table_header, self.table_description, self.col_header, self.col_types, rows)
        if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
            return self.cell_values[item]
        raise H2OTypeError(
            f"A table is indexed by a column name, a list of column names, a row number or a slice of rows; "
            f"got {type(item).__name__}."
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, H2OTwoDimTable) and _comparable(self.to_dict()) == _comparable(other.to_dict())

    __hash__ = None  # type: ignore[assignment]

    def _column(self, name: str) -> list[Any]:
        if name not in self.col_header:
            raise H2OValueError(
                f"A column of the table {self.table_header!r} must be one of {self.col_header}; got {name!r}."
            )
        position = self.col_header.index(name)
        return [row[position] for row in self.cell_values]

    def as_data_frame(self) -> pd.DataFrame:
        """Give the table as a pandas DataFrame, column names and order kept; empty cells of number columns are NaN."""
        columns = {}
        for position, kind in enumerate(self.col_types):
            cells = [row[position] for row in self.cell_values]
            columns[position] = pd.Series(cells, dtype=_pandas_dtype(kind, cells))
        frame = pd.DataFrame(columns)
        frame.columns = pd.Index(self.col_header, dtype=object)
        return frame

    def to_str(self, verbosity: str | None = None, fmt: str | None = None, rows: int | None = SHOWN_ROWS) -> str:
        """Write the table as text: title, header, rule, cells; above `rows` rows a row of "---" replaces the middle.

        `rows` None or -1 writes all; fmt="html" gives HTML. A table has one verbosity only.
        """
        check_words(verbosity, fmt)
        return self._written(fmt, rows)

    def _written(self, fmt: str | None, rows: int | None) -> str:
        shown = None if rows is None or rows < 0 else rows
        if fmt == "html":
            texts = [position for position, kind in enumerate(self.col_types) if kind == "string"]
            return html_table(self.col_header, self._cells(shown), texts, self.title)
        lines = [self.title] if self.title else []
        if self.col_header:
            lines.append(text_table(self.col_header, self._cells(shown), left=True, most=room()))
        return "\n".join(lines)

    def _text(self, verbosity: str | None) -> str:
        return self._written(None, SHOWN_ROWS)

    def _page(self, verbosity: str | None) -> str:
        return self._written("html", SHOWN_ROWS)

    @property
    def title(self) -> str:
        """The title line: header and description, whichever exist, joined by ": "."""
        return ": ".join(part for part in (self.table_header, self.table_description) if part)

    def show(  # type: ignore[override]  h2o-py's tables have their own order
        self,
        header: bool = True,
        rows: int | None = SHOWN_ROWS,
        prefer_pandas: bool | None = None,
        verbosity: str | None = None,
        fmt: str | None = None,
    ) -> None:
        """Print the table, with its title line unless `header` is false; `rows` as for to_str().

        `prefer_pandas` is accepted and has no effect: there is one way to print a table.
        """
        text = self.to_str(verbosity, fmt, rows)
        if not header and self.title and fmt != "html":
            text = "\n".join(text.split("\n")[1:])
        display(text, fmt)

    def __repr__(self) -> str:
        return self.to_str()

    def _cells(self, shown: int | None) -> list[list[str]]:
        return _cut([[_text(cell) for cell in row] for row in self.cell_values], shown)

    def to_dict(self) -> dict[str, Any]:
        """Give the table as plain values that JSON can hold; `from_dict` gives the same table back."""
        return {
            "table_header": self.table_header,
            "table_description": self.table_description,
            "col_header": list(self.col_header),
            "col_types": list(self.col_types),
            "cell_values": [list(row) for row in self.cell_values],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> H2OTwoDimTable:
        """Build the table that `to_dict` wrote."""
        return cls(**values)


def _checked_types(types: Sequence[str] | None, names: list[str], rows: list[list[Any]]) -> list[str]:
    if types is None:
        return [_guessed_type([row[position] for row in rows]) for position in range(len(names))]
    if len(types) != len(names):
        raise H2OValueError(
            f"col_types must hold one type per column; got {len(types)} types for {len(names)} columns."
        )
    unknown = [kind for kind in types if kind not in _TYPES]
    if unknown:
        raise H2OValueError(f"A column type of a table must be one of {list(_TYPES)}; got {unknown[0]!r}.")
    return list(types)


def _guessed_type(cells: list[Any]) -> str:
    filled = [cell for cell in cells if cell is not None]
    if filled and all(isinstance(cell, int) and not isinstance(cell, bool) for cell in filled):
        return "int"
    if filled and all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in filled):
        return "double"
    return "string"


def _pandas_dtype(kind: str, cells: list[Any]) -> str:
    if kind in ("double", "float"):
        return "float64" if all(cell is None or isinstance(cell, (int, float)) for cell in cells) else "object"
    if kind in ("int", "long"):
        if all(isinstance(cell, int) for cell in cells):
            return "int64"
        return "float64" if all(cell is None or isinstance(cell, (int, float)) for cell in cells) else "object"
    return "object"


def _plain(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return "nan" if math.isnan(cell) else f"{cell:.6g}"
    return str(cell)


def _cut(rows: list[list[str]], shown: int | None) -> list[list[str]]:
    if shown is None or len(rows) <= shown:
        return rows
    head, tail = (shown + 1) // 2, shown // 2
    return [*rows[:head], ["---"] * len(rows[0]), *rows[-tail:]]


def _comparable(value: Any) -> Any:
    """Replace NaN by a mark that equals itself, all the way down."""
    if isinstance(value, float) and math.isnan(value):
        return "\0nan"
    if isinstance(value, dict):
        return {key: _comparable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_comparable(part) for part in value]
    return value
