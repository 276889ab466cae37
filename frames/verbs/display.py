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
from frames.cluster.sending import gather, submit
from frames.cluster.tasks import reduce_each
from frames.exceptions import H2OValueError
from frames.export.dask_face import to_pandas
from frames.export.fields import cells
from frames.export.files import csv_text
from frames.table.table import Table
from frames.text.screen import html_table, room, shortened, show_html, text_table
from frames.verbs.selection import head

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
    """Return the lines type, mins, mean, maxs, sigma, zeros, missing of one column."""
    numbers = [""] * 4
    if column.type in ("int", "real", "time"):
        numbers = [_number(v) for v in (summary.minimum, summary.mean, summary.maximum, summary.sigma)]
    if column.type == "time":  # sigma stays a number of milliseconds
        numbers[:3] = [shown(v, column) for v in (summary.minimum, summary.mean, summary.maximum)]
    zeros = "0" if column.type in ("string", "uuid") else str(summary.zeros)
    return [column.type, *numbers, zeros, str(summary.missing)]


def _preview(table: Table, count: int) -> tuple[list[str], list[list[str]]]:
    """Names and text cells of the first rows and columns."""
    columns = table.schema.columns[:MAX_COLUMNS]
    values = fetch(table.places[: len(columns)], table.rows, 0, count)
    cells = [[shown(v, c) for v in column.tolist()] for c, column in zip(columns, values, strict=True)]
    header = [c.name for c in columns]
    rows = [list(row) for row in zip(*cells, strict=True)]
    if table.ncol > len(columns):
        header, rows = [*header, "..."], [[*row, "..."] for row in rows]
    return header, rows


def _size(table: Table) -> str:
    row, column = "row" if table.nrow == 1 else "rows", "column" if table.ncol == 1 else "columns"
    return f"[{table.nrow} {row} x {table.ncol} {column}]"


def text_of(table: Table, rows: int = 10) -> str:
    """Return the first rows as text, and the size."""
    if table.ncol == 0:
        return "This H2OFrame is empty and has no columns."
    return f"{text_table(*shortened(*_preview(table, rows), room()))}\n{_size(table)}\n"


def html_of(table: Table) -> str:
    """Return the first rows as HTML, and the size."""
    if table.ncol == 0:
        return html.escape(text_of(table))
    return f"{html_table(*shortened(*_preview(table, 10), None))}<pre>{_size(table)}</pre>"


def show(
    table: Table,
    use_pandas: bool | None = None,
    rows: int = 10,
    cols: int = MAX_COLUMNS,
    verbosity: str | None = None,
    fmt: str | None = None,
) -> None:
    """Print the first rows.

    `use_pandas`: as pandas prints them. `verbosity`: "short" prints the size only. `fmt`: "plain" or "pretty" text, or
    "html", which a notebook shows as a table. Raises H2OValueError for other words.
    """
    _check_words(verbosity, fmt)
    if verbosity == "short":
        print(_size(table))
    elif use_pandas:
        print(as_data_frame(head(table, rows, cols)))
    elif fmt == "html":
        show_html(html_of(head(table, rows, cols)))
    else:
        print(to_str(table, rows, cols))


def to_str(table: Table, rows: int = 10, cols: int = MAX_COLUMNS, use_pandas: bool = False) -> str:
    """Return the first rows as text, and the size; what print() shows."""
    if use_pandas:
        return str(as_data_frame(head(table, rows, cols)))
    first = table if cols >= table.ncol else table.pick(range(cols))
    return text_of(first, rows).replace(_size(first), _size(table))


def to_html(table: Table, rows: int = 10, cols: int = MAX_COLUMNS) -> str:
    """Return the first rows as an HTML table, and the size; cells are escaped."""
    return html_of(head(table, rows, cols)).replace(_size(head(table, rows, cols)), _size(table))


def _check_words(verbosity: str | None, fmt: str | None) -> None:
    for name, word, words in (
        ("verbosity", verbosity, ("short", "medium", "full")),
        ("fmt", fmt, ("plain", "pretty", "html")),
    ):
        if word is not None and word not in words:
            raise H2OValueError(f"{name} must be one of {', '.join(words)}; got {word!r}.")


def get_summary(table: Table) -> dict[str, dict[str, Any]]:
    """Return what is known of every column: its type, domain, missing cells, zeros, infinities, extremes, mean, spread.

    Also the first ten cells, as `data`. Extremes are lists, smallest (largest) first, as in H2O, of one number.
    """
    columns = table.schema.columns
    first = [values.tolist() for values in fetch(table.places, table.rows, 0, 10)]
    infinite = _infinities(table)
    found = {}
    for i, (column, summary) in enumerate(zip(columns, table.summaries(), strict=True)):
        texts = column.type in ("string", "uuid")
        numbers = not texts and summary.present > 0
        found[column.name] = {
            "type": column.type,
            "domain": list(column.domain) if column.domain is not None else None,
            "missing_count": summary.missing,
            "zero_count": 0 if texts else summary.zeros,
            "positive_infinity_count": infinite[i][0],
            "negative_infinity_count": infinite[i][1],
            "mins": [summary.minimum] if numbers else [],
            "maxs": [summary.maximum] if numbers else [],
            "mean": summary.mean if numbers else math.nan,
            "sigma": summary.sigma if numbers else math.nan,
            "data": first[i] if not texts else None,
            "string_data": first[i] if texts else None,
        }
    return found


def _infinities(table: Table) -> list[tuple[int, int]]:
    """(+inf, -inf) cells of every column; only columns of reals can have them."""
    at = [i for i, s in enumerate(table.summaries()) if not (math.isfinite(s.minimum) and math.isfinite(s.maximum))]
    at = [i for i in at if table.resolved[i].type == "real" and table.summaries()[i].present]
    batches = gather(reduce_each([table.resolved[i] for i in at], table.rows, _count_infinities))
    counts = iter(np.sum(parts, axis=0) for parts in batches)
    told = [tuple(map(int, pair)) for batch in counts for pair in batch]
    found = dict(zip(at, told, strict=True))
    return [found.get(i, (0, 0)) for i in range(table.ncol)]  # type: ignore[misc]


def _count_infinities(values: np.ndarray) -> tuple[int, int]:
    if values.dtype.kind != "f":
        return 0, 0
    return int(np.isposinf(values).sum()), int(np.isneginf(values).sum())


def summary(table: Table, return_data: bool = False) -> dict[str, dict[str, Any]] | None:
    """Print type, mins, mean, maxs, sigma, zeros and missing of every column, and the first ten rows.

    With `return_data` nothing is printed: it returns what get_summary() does.
    """
    if return_data:
        return get_summary(table)
    header, rows = _preview(table, 10)
    count = min(table.ncol, MAX_COLUMNS)
    columns = [_statistics(c, s) for c, s in zip(table.schema.columns[:count], table.summaries()[:count], strict=True)]
    labels = ["type", "mins", "mean", "maxs", "sigma", "zeros", "missing"]
    more = [[""]] * (len(header) - count)
    lines = [[label, *[c[i] for c in columns], *[m[0] for m in more]] for i, label in enumerate(labels)]
    lines += [[str(i), *row] for i, row in enumerate(rows)]
    print(text_table(*shortened(["", *header], lines, None), most=room()))
    return None


def describe(table: Table, chunk_summary: bool = False) -> None:
    """Print the size, then what summary() prints; with `chunk_summary` also rows and bytes of every partition."""
    print(f"Rows:{table.nrow}\nCols:{table.ncol}\n")
    if chunk_summary:
        sizes = chunk_bytes(table)
        lines = [[str(p), str(r), str(b)] for p, (r, b) in enumerate(zip(table.rows, sizes, strict=True))]
        print(text_table(["partition", "rows", "bytes"], lines) + "\n")
    if table.ncol:
        summary(table)


def chunk_bytes(table: Table) -> list[int]:
    """Compressed bytes of every partition: all chunks that this frame's columns lie in."""
    parts = table.placement().parts
    return [sum(sizes) for sizes in gather([[submit(_nbytes, chunk) for chunk in part] for part in parts])]


def structure(table: Table, name: str = "") -> None:
    """Print one line per column: name, type, domain size and the first values."""
    header, rows = shortened(*_preview(table, 10), None)
    print(f"H2OFrame: '{name}' \nDimensions: {table.nrow} obs. of {table.ncol} variables")
    for i, column in enumerate(table.schema.columns[: len(header)]):
        kind = f"Factor w/ {column.levels} level(s)" if column.type == "enum" else column.type
        print(f"$ {column.name}: {kind} {' '.join(row[i] for row in rows)}")


def as_data_frame(
    table: Table, use_pandas: bool = True, header: bool = True, use_multi_thread: bool = False
) -> pd.DataFrame | list[list[str]]:
    """Return the whole frame in this process.

    pandas: int columns int64 (with missing values float64, or Int64 where float64 would round), real float64,
    times datetime64[ms], strings as text with NaN for missing. Levels become numbers where all are written as
    numbers ("0", "1"; bool where they are "False" and "True"), as when pandas reads a CSV file, which is what
    h2o-py does; other levels are text. `use_pandas=False`: rows of strings as in a CSV file, names first unless
    `header` is False, missing empty. `use_multi_thread` is h2o-py's, with the same result: threads always share the
    decoding.

    To get the same frame back: ``H2OFrame(fr.as_data_frame(), column_types=fr.types)``.

    Example: ``fr.as_data_frame()["x"].mean()``.
    """
    values = fetch(table.places, table.rows)
    columns = table.schema.columns
    if use_pandas:
        index = pd.RangeIndex(table.nrow)  # one for all: pandas would align thousands of equal ones
        series = [to_pandas(v, c, index) for v, c in zip(values, columns, strict=True)]
        return pd.DataFrame({s.name: s for s in series}, index, [c.name for c in columns])
    written = [cells(v, c) for v, c in zip(values, columns, strict=True)]
    rows = [list(row) for row in zip(*written, strict=True)]
    return [[c.name for c in columns], *rows] if header else rows


def as_array(table: Table, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """Return the whole frame as a NumPy array (rows, columns)."""
    if copy is False:
        raise ValueError("An array of a frame must be a copy: its chunks are compressed.")
    return np.array(as_data_frame(table), dtype=dtype)


def get_frame_data(table: Table) -> str:
    """Return the whole frame as comma separated text with a header: what export_file() writes."""
    return csv_text(table)


def _nbytes(chunk) -> int:
    return int(chunk.nbytes)
