"""A block of rows as text -> columns."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from frames.columns.block import Block, Report, packed
from frames.columns.dictionary import NO_NUMBER, NO_VALUE, Dictionary, clean
from frames.columns.typed import without_marker
from frames.exceptions import FileChanged, FrameError
from frames.parse.guess import Setup, mended, without_marked_lines
from frames.parse.number_block import may_be_rounded, pack_numbers
from frames.parse.ranges import ByteRange, quoted_spans, quotes_are_even, read_rows, row_blocks
from frames.parse.source import Source

_IS_EXACT = tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
_FLOATS: dict[bool, dict[str, Any]] = (
    # From 3.1 on pandas rounds every number correctly; before, only slowly, so that it is asked for where it is needed.
    {False: {}, True: {}}
    if _IS_EXACT
    else {False: {"float_precision": "high"}, True: {"float_precision": "round_trip"}}
)


def read_range(range_: ByteRange, setup: Setup) -> Block:
    """Read one range of a plain file (a task)."""
    data = read_rows(range_, setup)
    if not range_.exact and not quotes_are_even(data, setup):
        return Block(Report(0, len(data), unsafe=True))
    return parse(data, setup, lambda: _lines_before(range_), range_.source.url)


def read_stream(source: Source, start: int, setup: Setup) -> list[Block]:
    """Read a compressed file, or one that can only be read from its start, block by block (a task)."""
    blocks = []
    lines = None
    try:
        for data in row_blocks(source, start, setup):
            lines = _count_lines(source, start) if lines is None else lines
            before = lines
            blocks.append(parse(data, setup, lambda: before, source.url))  # noqa: B023  called at once
            lines += data.count(setup.newline)
            if blocks[-1].report.problem:
                break
    except FileChanged:
        raise  # reports are read once, but this task may be carried out again later
    except FrameError as error:
        blocks.append(Block(Report(0, 0, problem=str(error))))
    return blocks


def read_bytes(data: bytes, lines_before: int, setup: Setup, where: str) -> Block:
    """Read rows whose bytes were sent along (a task)."""
    return parse(data, setup, lambda: lines_before, where)


def _count_lines(source: Source, stop: int) -> int:
    return source.head(stop).count(b"\n") if stop else 0


def _lines_before(range_: ByteRange) -> int:
    """Line ends before the rows of a range; only read for the sake of an error's line number."""
    step = 2**24
    whole = range_.first or range_.exact
    # Otherwise the rows begin behind the first line end at or after the byte before the range.
    stop = range_.start if whole else range_.start - 1
    counts = (range_.source.read(a, min(a + step, stop)).count(b"\n") for a in range(0, stop, step))
    return sum(counts) + (not whole)


def parse(data: bytes, setup: Setup, lines_before: Callable[[], int], where: str) -> Block:
    """Return the columns of some rows of text.

    `lines_before()` is called only when a line number is needed. A row with more fields than there are columns makes a
    report with a problem, and so does binary data; a row with fewer fields has missing values at its end.
    """
    data = without_marked_lines(data, setup.markers)
    size = len(data)
    chunk = pack_numbers(data, setup)
    if chunk is not None:
        return Block(Report(chunk.rows, size, summaries=chunk.summaries), chunk)
    if b"\0" in data:
        problem = f"Files must be text (CSV) or Parquet; {where} holds binary data (a zero byte)."
        return Block(Report(0, size, problem=problem))
    if not data.strip():
        return _empty(setup, size)
    encoding = _encoding(data)
    if encoding is None:
        data = mended(data)
        encoding = _UTF8 if _is_read_by(data, _UTF8) else _SURROGATES
    if _quote_is_open(data, setup):
        return Block(Report(0, size, problem=_open_quote(data, setup, lines_before(), where)))
    table = None if _first_row_too_long(data, setup, encoding) else _read(data, setup, encoding)
    if table is None or _overflows(table, setup):
        return Block(Report(0, size, problem=_ragged(data, setup, encoding, lines_before(), where)))
    return _block(table, setup, size)


def _empty(setup: Setup, size: int) -> Block:
    # All columns at once: pandas loses its way when columns called 3, 5, ... are added to others.
    dtypes = {i: object if i in setup.texts else np.float64 for i in setup.kept}
    return _block(pd.DataFrame({i: np.empty(0, dtype) for i, dtype in dtypes.items()}), setup, size)


class Encoding(NamedTuple):
    """How the bytes of a block are read as text."""

    name: str
    errors: str = "strict"


_UTF8 = Encoding("utf-8")
_SURROGATES = Encoding("utf-8", "surrogatepass")
"""What exports write where texts hold surrogates, which UTF-8 itself has no place for."""


def _encoding(data: bytes) -> Encoding | None:
    if _is_read_by(data, _UTF8):
        return _UTF8
    return _SURROGATES if _is_read_by(data, _SURROGATES) else None


def _is_read_by(data: bytes, encoding: Encoding) -> bool:
    try:
        data.decode(*encoding)
    except UnicodeDecodeError:  # that is the question
        return False
    return True


def _read(data: bytes, setup: Setup, encoding: Encoding) -> pd.DataFrame | None:
    """Return the block as pandas reads it, with one column more than the file has: what lands there is too much.

    None where some row has more fields than even that.
    """
    columns = list(range(setup.width + 1))
    # Not "category": that would read 007 as a number, and is slower than looking for distinct texts afterwards.
    # Unwanted columns are cheapest as text; leaving them to `usecols` would hide rows that are too long.
    # The strings that pandas infers by itself have no surrogates.
    texts = {
        i: object for i in range(setup.width) if i in setup.texts or i not in setup.kept or encoding == _SURROGATES
    }
    # pandas loses an empty first field behind a lone "\r", unless it is told that this ends all lines.
    ends: Any = "\r" if setup.newline == b"\r" else None
    empty = b"\r" + setup.sep.encode()
    if ends is None and empty in data:
        data = data.replace(empty, b"\n" + setup.sep.encode())
    try:
        return pd.read_csv(
            io.BytesIO(data),
            sep=r"\s+" if setup.sep == " " else setup.sep,
            header=None,
            names=columns,
            index_col=False,
            dtype=texts or None,
            na_values=_missing_texts(setup),
            keep_default_na=False,
            skipinitialspace=True,
            quotechar=setup.quote,
            escapechar=setup.escape,
            encoding=encoding.name,
            encoding_errors=encoding.errors,
            low_memory=False,
            lineterminator=ends,
            **_FLOATS[setup.exact_floats],
        )
    except pd.errors.ParserError:  # the caller looks for the row, and reports it
        return None


def _missing_texts(setup: Setup):
    usual = sorted(NO_VALUE | NO_NUMBER)
    if not setup.texts and not any(setup.missing):
        return usual
    # Texts are cleaned later: there only few words mean missing.
    by_column = {i: [*usual, *setup.missing[i]] for i in setup.kept if i not in setup.texts}
    return {**by_column, setup.width: usual}


def _quote_is_open(data: bytes, setup: Setup) -> bool:
    if quotes_are_even(data, setup):
        return False
    spans = quoted_spans(data, setup)
    return bool(spans) and spans[-1][1] > len(data)


def _open_quote(data: bytes, setup: Setup, lines_before: int, where: str) -> str:
    line = lines_before + 1 + data.count(setup.newline, 0, quoted_spans(data, setup)[-1][0])
    return (
        f"A quoted field must end with {setup.quote}; the one that begins in line {line} of {where} does not. "
        "Close it, or give another quotechar."
    )


def _first_row_too_long(data: bytes, setup: Setup, encoding: Encoding) -> bool:
    # pandas takes a first row that is too long for the shape of the file.
    first = next(_records(data[: 2**20], setup, encoding), (0, []))[1]
    return len(first) > setup.width + 1


def _overflows(table: pd.DataFrame, setup: Setup) -> bool:
    return setup.width in table.columns and bool(table[setup.width].notna().any())


def _records(data: bytes, setup: Setup, encoding: Encoding) -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding=encoding.name, errors="replace", newline="")
    if setup.sep == " ":
        for number, line in enumerate(text, 1):
            if line.strip():
                yield number, line.split()
        return
    reader = csv.reader(
        text, delimiter=setup.sep, quotechar=setup.quote, escapechar=setup.escape, skipinitialspace=True
    )
    before = 0
    for row in reader:
        if row:
            yield before + 1, row
        before = reader.line_num


def _ragged(data: bytes, setup: Setup, encoding: Encoding, lines_before: int, where: str) -> str:
    """Return the sentence about the first row that has too many fields."""
    for line, row in _records(data, setup, encoding):
        if len(row) > setup.width and any(field.strip() for field in row[setup.width :]):
            return (
                f"Every row must have at most {setup.width} fields; got {len(row)} in line {lines_before + line} of "
                f"{where}. Quote fields that contain the separator {setup.sep!r}, or give sep."
            )
    return f"Every row must have at most {setup.width} fields; some row of {where} behind line {lines_before} has more."


def _block(table: pd.DataFrame, setup: Setup, size: int) -> Block:
    numbers: list[np.ndarray] = []
    wrong: list[int] = []
    texts: list[Dictionary] = []
    for i in setup.kept:
        column = table[i]
        if i in setup.texts:
            texts.append(_dictionary(column, NO_VALUE | setup.missing[i]))
            continue
        values = _numbers(column)
        if values is None:
            wrong.append(i)
        else:
            numbers.append(values)
    if wrong:
        return Block(Report(len(table), size, not_numbers=tuple(wrong)))
    return packed(len(table), size, numbers, texts, setup.wanted)


def _numbers(column: pd.Series) -> np.ndarray | None:
    """Read a column as numbers; None where it is something else, or has integers that float64 would round."""
    kind = column.dtype.kind
    if kind == "i":
        return without_marker(column.to_numpy())
    if kind != "f":
        return None  # unsigned ones are beyond 64 bits, too
    values = column.to_numpy()
    return None if may_be_rounded(values) else values


def _dictionary(column: pd.Series, missing: frozenset[str]) -> Dictionary:
    codes, distinct = pd.factorize(column)
    return clean(distinct.tolist(), codes.astype(np.int32), missing)
