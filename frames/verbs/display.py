"""A frame as text, HTML, pandas or lists."""

from __future__ import annotations

import html
import math
from typing import Any

import numpy as np
import pandas as pd

from frames.chunks.column import Column
from frames.chunks.summary import MISSING_INTEGER, Summary
from frames.cluster.reorder import fetch
from frames.cluster.tasks import gather, submit
from frames.export.dask_face import to_pandas
from frames.export.fields import cells
from frames.export.files import csv_text
from frames.table.body import FrameBody
from frames.text.screen import html_table, room, shortened, text_table

MAX_COLUMNS = 200  # shown by head() and print, as in H2O


def shown(value: Any, column: Column) -> str:
    """One decoded cell for a table on screen; missing is NA, times read as times."""
    if value is None or value != value or (type(value) is int and value == MISSING_INTEGER):
        return "NA"
    if column.type == "enum":
        return "NA" if value < 0 else column.domain[int(value)]  # type: ignore[index]
    if column.type in ("string", "uuid"):
        return str(value)
    if column.type == "time":
        return str(np.datetime64(int(value), "ms")).replace("T", " ").removesuffix(".000")
    return f"{value:g}" if column.type == "real" else str(int(value))


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:.7g}"


def _statistics(column: Column, summary: Summary) -> list[str]:
    """The lines type, mins, mean, maxs, sigma, zeros, missing of one column."""
    numbers = [""] * 4
    if column.type in ("int", "real", "time"):
        numbers = [_number(v) for v in (summary.minimum, summary.mean, summary.maximum, summary.sigma)]
    if column.type == "time":  # sigma stays a number of milliseconds
        numbers[:3] = [shown(v, column) for v in (summary.minimum, summary.mean, summary.maximum)]
    zeros = "0" if column.type in ("string", "uuid") else str(summary.zeros)
    return [column.type, *numbers, zeros, str(summary.missing)]


class Display(FrameBody):
    """Methods that show a frame or hand it to pandas."""

    def _preview(self, count: int) -> tuple[list[str], list[list[str]]]:
        """Names and text cells of the first rows and columns."""
        columns = self.schema.columns[:MAX_COLUMNS]
        values = fetch(self._body.places[: len(columns)], self._body.rows, 0, count)
        cells = [[shown(v, c) for v in column.tolist()] for c, column in zip(columns, values, strict=True)]
        header = [c.name for c in columns]
        rows = [list(row) for row in zip(*cells, strict=True)]
        if self.ncol > len(columns):
            header, rows = [*header, "..."], [[*row, "..."] for row in rows]
        return header, rows

    def _size(self) -> str:
        row, column = "row" if self.nrow == 1 else "rows", "column" if self.ncol == 1 else "columns"
        return f"[{self.nrow} {row} x {self.ncol} {column}]"

    def __str__(self) -> str:
        if self._state is None:
            return f"This H2OFrame {self._id or ''} has been removed."
        if self.ncol == 0:
            return "This H2OFrame is empty and has no columns."
        return self._text(10)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if self._state is None or self.ncol == 0:
            return html.escape(str(self))
        return f"{html_table(*shortened(*self._preview(10), None))}<pre>{self._size()}</pre>"

    def show(self, use_pandas: bool = False, rows: int = 10, cols: int = MAX_COLUMNS) -> None:
        """Print the first rows."""
        if use_pandas:
            print(self.head(rows, cols).as_data_frame())  # type: ignore[attr-defined]
        else:
            print(self if rows == 10 and cols == MAX_COLUMNS else self.head(rows, cols)._text(rows))  # type: ignore[attr-defined]

    def _text(self, rows: int) -> str:
        return f"{text_table(*shortened(*self._preview(rows), room()))}\n{self._size()}\n"

    def summary(self, return_data: bool = False) -> list[list[str]] | None:
        """Print type, mins, mean, maxs, sigma, zeros and missing of every column, and the first ten rows."""
        header, rows = self._preview(10)
        count = min(self.ncol, MAX_COLUMNS)
        columns = [
            _statistics(c, s) for c, s in zip(self.schema.columns[:count], self._summaries()[:count], strict=True)
        ]
        labels = ["type", "mins", "mean", "maxs", "sigma", "zeros", "missing"]
        more = [[""]] * (len(header) - count)
        lines = [[label, *[c[i] for c in columns], *[m[0] for m in more]] for i, label in enumerate(labels)]
        lines += [[str(i), *row] for i, row in enumerate(rows)]
        if return_data:
            return [["", *header], *lines]
        print(text_table(*shortened(["", *header], lines, None), most=room()))
        return None

    def describe(self, chunk_summary: bool = False) -> None:
        """Print the size, then what summary() prints; with `chunk_summary` also rows and bytes of every partition."""
        print(f"Rows:{self.nrow}\nCols:{self.ncol}\n")
        if chunk_summary:
            sizes = self.chunk_bytes()
            lines = [[str(p), str(r), str(b)] for p, (r, b) in enumerate(zip(self._body.rows, sizes, strict=True))]
            print(text_table(["partition", "rows", "bytes"], lines) + "\n")
        if self.ncol:
            self.summary()

    def chunk_bytes(self) -> list[int]:
        """Compressed bytes of every partition: all chunks that this frame's columns lie in."""
        parts = self.placement().parts
        return [sum(sizes) for sizes in gather([[submit(_nbytes, chunk) for chunk in part] for part in parts])]

    def structure(self) -> None:
        """Print one line per column: name, type, domain size and the first values."""
        header, rows = shortened(*self._preview(10), None)
        print(f"H2OFrame: '{self._id or ''}' \nDimensions: {self.nrow} obs. of {self.ncol} variables")
        for i, column in enumerate(self.schema.columns[: len(header)]):
            kind = f"Factor w/ {column.levels} level(s)" if column.type == "enum" else column.type
            print(f"$ {column.name}: {kind} {' '.join(row[i] for row in rows)}")

    # ---- handing over ------------------------------------------------------------------------------------------
    def as_data_frame(
        self, use_pandas: bool = True, header: bool = True, use_multi_thread: bool = False
    ) -> pd.DataFrame | list[list[str]]:
        """The whole frame in this process.

        pandas: int columns int64 (with missing values float64, or Int64 where float64 would round), real float64,
        times datetime64[ms], strings as text with NaN for missing. Levels become numbers where all are written as
        numbers ("0", "1"; bool where they are "False" and "True"), as when pandas reads a CSV file, which is what
        h2o-py does; other levels are text. `use_pandas=False`: rows of strings as in a CSV file, names first unless
        `header` is False, missing empty. `use_multi_thread` is h2o-py's, with the same result: threads always share the
        decoding.

        To get the same frame back: ``H2OFrame(fr.as_data_frame(), column_types=fr.types)``.

        Example: ``fr.as_data_frame()["x"].mean()``.
        """
        values = fetch(self._body.places, self._body.rows)
        columns = self.schema.columns
        if use_pandas:
            index = pd.RangeIndex(self.nrow)  # one for all: pandas would align thousands of equal ones
            series = [to_pandas(v, c, index) for v, c in zip(values, columns, strict=True)]
            return pd.DataFrame({s.name: s for s in series}, index, [c.name for c in columns])
        written = [cells(v, c) for v, c in zip(values, columns, strict=True)]
        rows = [list(row) for row in zip(*written, strict=True)]
        return [[c.name for c in columns], *rows] if header else rows

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The whole frame as a NumPy array (rows, columns)."""
        if copy is False:
            raise ValueError("An array of a frame must be a copy: its chunks are compressed.")
        return np.array(self.as_data_frame(), dtype=dtype)

    def get_frame_data(self) -> str:
        """The whole frame as comma separated text with a header: what export_file() writes."""
        return csv_text(self)  # type: ignore[arg-type]


def _nbytes(chunk) -> int:
    return int(chunk.nbytes)
