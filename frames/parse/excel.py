"""Excel files, old and new, through pandas."""

import io
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from frames.columns.dictionary import text_of
from frames.exceptions import FrameError
from frames.parse.guess import Setup, Wishes
from frames.parse.header import guess_header
from frames.parse.source import Source
from frames.table.names import default_names

_ROWS = 200


class Sheet(NamedTuple):
    """The first sheet of a workbook: how its columns are called, and their cells as Python objects."""

    setup: Setup
    columns: list[np.ndarray]


def read_excel(sources: Sequence[Source], wishes: Wishes) -> Sheet:
    """Return the rows of the first sheets of some workbooks, one below the other.

    The first row names the columns where it looks like names (or as `wishes.header` says). Empty rows and columns
    around the table are left out. Other sheets are not read, with a warning.

    Raises FrameError where pandas has no reader for the file, the file is damaged or empty, or its columns differ from
    those of the first file.
    """
    sheets = [_read(source, wishes) for source in sources]
    for sheet, source in zip(sheets[1:], sources[1:], strict=True):
        if sheet.setup.names != sheets[0].setup.names:
            raise FrameError(
                f"All files must have the same header; that of {source.url} is not that of {sources[0].url}. Import "
                "the files apart and bind their rows."
            )
    columns = zip(*[sheet.columns for sheet in sheets], strict=True)
    return Sheet(sheets[0].setup, [np.concatenate(parts) for parts in columns])


def _read(source: Source, wishes: Wishes) -> Sheet:
    cells = _trimmed(_cells(source))
    if not cells.size:
        raise FrameError(f"A sheet must hold at least one row; the first one of {source.url} is empty.")
    head = [[text_of(cell) or "" for cell in row] for row in cells[:_ROWS].tolist()]
    named = wishes.header == 1 or (wishes.header == 0 and guess_header([[f.strip() for f in row] for row in head]))
    width = cells.shape[1]
    names = default_names(head[0] if named else [], width)
    setup = Setup(
        sep=",",
        header=tuple(head[0]) if named else None,
        names=tuple(names),
        texts=frozenset(),
        forced={},
        kept=tuple(range(width)),
        missing=(frozenset(),) * width,
    )
    return Sheet(setup, list(cells[int(named) :].T))


def _cells(source: Source) -> np.ndarray:
    """Return the cells of the first sheet (rows, columns); empty ones are NaN."""
    data = b"".join(source.blocks(2**24))
    try:
        with pd.ExcelFile(io.BytesIO(data), engine="calamine") as book:
            if len(book.sheet_names) > 1:
                warnings.warn(
                    f"Only the first sheet, {book.sheet_names[0]!r}, of {source.url} is read; it has "
                    f"{len(book.sheet_names)}. Read others with pandas.read_excel(sheet_name=...) and H2OFrame().",
                    UserWarning,
                    stacklevel=2,
                )
            table: Any = pd.read_excel(book, header=None, dtype=object, keep_default_na=False, na_values=[""])
    except ImportError as error:
        raise FrameError(
            "Excel files are read with the package python-calamine, which is not installed: pip install "
            f"python-calamine; or save {source.url} as CSV."
        ) from error
    except Exception as error:  # the reader has errors of its own
        raise FrameError(f"The Excel file {source.url} must be readable; got: {error}. Save it again.") from error
    return table.to_numpy(dtype=object)


def _trimmed(cells: np.ndarray) -> np.ndarray:
    """Return the part of a sheet that has cells: empty rows and columns around it are not part of the table."""
    filled = ~pd.isna(cells)
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not len(rows):
        return cells[:0, :0]
    return cells[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
