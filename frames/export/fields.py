"""Columns as the fields of a text file: what exports, `get_frame_data` and lists of rows are made of.

Fields are Arrow arrays of bytes without gaps: Arrow writes numbers and joins rows without holding Python's lock, so
that the threads of a worker share the work. Bytes and not texts: a text may hold surrogates, which UTF-8 forbids.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from frames.chunks.column import Column
from frames.cluster.tasks import absent

_BYTES = pa.large_binary()
_NUMBER_LETTERS = frozenset("0123456789+-.eEinfa")
_TIME_LETTERS = frozenset("0123456789-: .")
_PLAIN, _LARGE = 1e10, 1e16
"""Arrow writes doubles from the first number on with an exponent, Python those from the second on."""
_FIRST_YEAR, _END_OF_YEARS = -62167219200000, 253402300800000
"""Milliseconds at the start of the years 0 and 10000: between them years have four digits."""


def csv_rows(columns: Sequence[np.ndarray], kinds: Sequence[Column], sep: str, mark: str = "") -> bytes:
    """Return decoded columns as the lines of a CSV file, without a header; `mark` follows every time.

    Texts are quoted, missing cells empty. A missing cell is written as a pair of quotes where an empty one would be
    lost: in a file of one column, whose blank lines readers skip, and between spaces, which separate once.
    """
    gap = '""' if len(columns) == 1 or sep == " " else ""
    written = [
        _csv_fields(v, c, sep, gap=gap, alone=len(columns) == 1, mark=mark) for v, c in zip(columns, kinds, strict=True)
    ]
    written[-1] = _joined([written[-1], _constant("")], "\n")
    return b"".join(chunk.buffers()[2].to_pybytes() for chunk in _chunks(_joined(written, sep)) if len(chunk))


def cells(values: np.ndarray, column: Column) -> list[str]:
    """Return a decoded column as the texts of its cells; missing ones are empty.

    >>> cells(np.array([1.5, np.nan]), Column("x", "real"))
    ['1.5', '']
    """
    if column.type == "enum":
        return np.array([*(column.domain or ()), ""], object)[values].tolist()
    if column.is_text:
        return ["" if value is None else value for value in values.tolist()]
    return fields(values, column).cast(pa.large_string()).to_pylist()


def quoted(text: str) -> str:
    """Return a text in quotes, those in it doubled."""
    return '"' + text.replace('"', '""') + '"'


def header_line(names: Sequence[str], sep: str, quote: bool) -> str:
    """Return the first line of a CSV file; without `quote` only names are quoted that could not be read otherwise."""
    return sep.join([quoted(name) if quote or _needs_quotes(name, sep) else name for name in names]) + "\n"


def _needs_quotes(name: str, sep: str) -> bool:
    special = f'"\r\n{sep}' + ("\t" if sep == " " else "")
    return not name or name != name.strip() or name.startswith("#") or any(letter in name for letter in special)


def fields(values: np.ndarray, column: Column, mark: str = "") -> Any:
    """Return a decoded column of numbers as an Arrow array of bytes: reals in the shortest form that gives them back,
    times as 2007-11-06 00:00:00.000 and the mark, missing ones empty."""
    if column.type == "time":
        texts = _time_texts(values)
        if mark:
            texts = _joined([texts.cast(pa.large_string()).cast(_BYTES), _constant(mark)], "")
        return _filled(texts, "")
    if values.dtype == np.int64 or _are_longs(values, column):
        gaps = absent(values)
        whole = values if values.dtype == np.int64 else np.where(gaps, 0, values).astype(np.int64)
        return _filled(pa.array(whole, mask=gaps), "")
    return _real_texts(values)


def _are_longs(values: np.ndarray, column: Column) -> bool:
    """Whether a column of integers, held as doubles, fits into 64 bits."""
    if column.type != "int":
        return False
    with np.errstate(invalid="ignore"):
        return bool((np.isnan(values) | ((np.abs(values) < 2.0**63) & (np.rint(values) == values))).all())


def _real_texts(values: np.ndarray) -> Any:
    texts = _filled(pa.array(values, mask=np.isnan(values)), "")
    sizes = np.abs(values)
    whole = (np.rint(values) == values) & (sizes < _PLAIN)
    if whole.any():  # the point tells readers that the column is one of reals
        texts = pc.if_else(pa.array(whole), _joined([texts, _constant(".0")], ""), texts)
    large = (sizes >= _PLAIN) & (sizes < _LARGE)
    if large.any():
        texts = pc.replace_with_mask(texts, pa.array(large), pa.array(list(map(repr, values[large].tolist())), _BYTES))
    return texts


def _time_texts(values: np.ndarray) -> Any:
    gaps = absent(values)
    stamps = np.floor(np.where(gaps, 0, values)).astype(np.int64)
    if len(stamps) and (stamps.min() < _FIRST_YEAR or stamps.max() >= _END_OF_YEARS):
        texts = np.char.replace(np.datetime_as_string(stamps.astype("M8[ms]"), "ms"), "T", " ")
        return pa.array(texts.astype(object), mask=gaps)
    return pa.array(stamps, mask=gaps).cast(pa.timestamp("ms"))


def _csv_fields(values: np.ndarray, column: Column, sep: str, gap: str, alone: bool, mark: str) -> Any:
    """Return a column as fields of bytes, as `csv_rows` describes them."""
    if column.type == "enum":
        levels = pa.array([*map(_encoded, map(quoted, column.domain or ())), gap.encode()], _BYTES)
        return levels.take(pa.array(np.where(values < 0, len(levels) - 1, values)))
    if column.is_text:
        texts = _text_array(values)
        doubled = pc.replace_substring(texts, pattern='"', replacement='""')
        return pc.fill_null(_joined([_constant('"'), doubled, _constant('"')], ""), gap.encode())
    letters = _TIME_LETTERS if column.type == "time" else _NUMBER_LETTERS
    written = fields(values, column, mark)
    # A lone column of times would be taken for two, a date and a clock.
    if sep in letters or (alone and column.type == "time"):
        written = _joined([_constant('"'), written, _constant('"')], "")
    if gap or sep in letters:
        written = pc.if_else(pa.array(absent(values)), pa.scalar(gap.encode(), _BYTES), written)
    return written


def _text_array(values: np.ndarray) -> Any:
    texts = values.tolist()
    try:
        return pa.array(texts, _BYTES)
    except UnicodeEncodeError:  # lone surrogates: kept as the bytes they came from
        return pa.array([None if text is None else _encoded(text) for text in texts], _BYTES)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _filled(numbers: Any, gap: str) -> Any:
    return pc.fill_null(numbers.cast(pa.large_string()), gap).cast(_BYTES)


def _joined(parts: Sequence[Any], between: str) -> Any:
    return pc.binary_join_element_wise(*parts, _constant(between))


def _constant(text: str) -> Any:
    return pa.scalar(text.encode(), _BYTES)


def _chunks(array: Any) -> list[Any]:
    return array.chunks if isinstance(array, pa.ChunkedArray) else [array]
