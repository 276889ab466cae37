"""Text that holds nothing but numbers -> columns, in compiled code: many times as fast as a general reader.

The only module of `frames` that is compiled. It imports nothing of the project, so that a digest of this one file tells
when what is cached on disk is stale. Importing it loads the compiled code, or compiles it where the cache has none.

What it reads it reads exactly: integers up to 2**53, and decimals whose digits and power of ten are both exact doubles,
so that one rounding gives the nearest double (Clinger 1990, "How to read floating point numbers accurately"). Anything
else - a quote, a word, a longer mantissa, a row with too many fields - makes it decline, and a general reader decides.
"""

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types

BYTE, WHOLE, REAL, _MISSING, _UNKNOWN = 0, 1, 2, 3, 4
"""What a field holds; the first three are also what a column is stored as, each able to hold those before it."""

_LIMIT = 2**53
_POWERS = np.array([float(10**n) for n in range(23)])  # the powers of ten that are exact doubles
_TILE = 1 << 15
"""Rows whose squares of bytes add up below 2**32."""
_SPACE, _PLUS, _MINUS, _POINT, _ZERO, _NEWLINE, _RETURN = (ord(c) for c in " +-.0\n\r")
_U1, _U2, _U3, _U4 = (np.uint64(n) for n in (1, 2, 3, 4))
_WORDS = np.array(
    [list(word.ljust(4).encode()) for word in ("NULL", "null", "NaN", "nan", "NAN", "N/A", "n/a", "NA", "na")], np.uint8
)

_TEXT = types.Array(types.uint8, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C")
_INTEGERS = types.Array(types.int64, 1, "C")
_REALS = types.Array(types.float64, 2, "C")


def source_digest() -> str:
    """Return a digest (16 hex digits) of this file and of Numba's version."""
    return hashlib.sha256(numba.__version__.encode() + Path(__file__).read_bytes()).hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder of today's compiled code; `DASKDL_CACHE_DIR` moves its root.

    Falls back to the system's temporary folder, with a warning, where the root cannot be written.
    """
    root = os.environ.get("DASKDL_CACHE_DIR")
    home = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "daskdl"
    folder = home / "digits" / source_digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as cause:
        fallback = Path(tempfile.gettempdir()) / f"daskdl-{os.getuid()}" / "digits" / source_digest()
        fallback.mkdir(parents=True, exist_ok=True, mode=0o700)
        warnings.warn(
            f"The cache of compiled code must be a writable folder; got {folder} ({cause.strerror}). "
            f"Using {fallback}; set DASKDL_CACHE_DIR to a writable folder to keep it.",
            RuntimeWarning,
            stacklevel=2,
        )
        return fallback
    return folder


def _compiled(*signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile for one signature at once, without the GIL and without any freedom in arithmetic; cached on disk."""

    def compile_(function: Callable[..., Any]) -> Any:
        before = numba.config.CACHE_DIR  # pyright: ignore[reportAttributeAccessIssue]
        numba.config.CACHE_DIR = str(_FOLDER)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            return numba.njit(*signature, nogil=True, cache=True, error_model="numpy")(function)
        finally:
            numba.config.CACHE_DIR = before  # pyright: ignore[reportAttributeAccessIssue]

    return compile_


_FOLDER = cache_folder()


@_compiled(types.uint64(_TEXT))
def count_rows(text):
    """Return how many rows there are at most: line ends, but for those of blank lines."""
    count = np.uint64(2) + np.uint64(len(text) > 1 and text[1] == _NEWLINE)
    for i in range(np.uint64(2), np.uint64(len(text))):
        before, further = text[i - _U1], text[i - _U2]
        blank = (before == _NEWLINE) | ((before == _RETURN) & (further == _NEWLINE))
        count += np.uint64((text[i] == _NEWLINE) & (not blank))
    return count


@_compiled(types.UniTuple(types.uint64, 2)(_TEXT, types.uint64, types.uint8, _BYTES, types.uint64, types.uint64))
def _short_integers(text, p, sep, out, at, end):
    """Read fields of one to three digits up to 255, each followed by a separator, into out[at:end].

    Stops in front of the first field that is something else; returns where it stands in the text and in `out`.
    """
    zero = np.uint8(_ZERO)
    safe = np.uint64(len(text)) - _U4 if len(text) > 4 else np.uint64(0)
    while at < end and p < safe:
        first = np.uint8(text[p] - zero)
        if first > 9:
            break
        if text[p + _U1] == sep:
            out[at] = first
            p += _U2
            at += _U1
            continue
        second = np.uint8(text[p + _U1] - zero)
        third = np.uint8(text[p + _U2] - zero)
        # No branch between two and three digits: which it is cannot be foreseen.
        is_two = text[p + _U2] == sep
        two = np.uint32(first) * np.uint32(10) + np.uint32(second)
        value = two if is_two else two * np.uint32(10) + np.uint32(third)
        is_three = (third <= 9) & (text[p + _U3] == sep) & (value <= 255)
        if (second > 9) | ~(is_two | is_three):
            break
        out[at] = np.uint8(value)
        p += _U3 if is_two else _U4
        at += _U1
    return p, at


@_compiled(types.uint64(_TEXT, types.uint64))
def _word(text, p):
    """Return the length of the word for a missing number that stands in the text here; 0: none."""
    left = np.uint64(len(text)) - p
    for k in range(len(_WORDS)):
        length = np.uint64(0)
        while length < _U4 and _WORDS[k, length] != _SPACE:
            length += _U1
        if length > left:
            continue
        same = True
        for i in range(length):
            same &= text[p + np.uint64(i)] == _WORDS[k, i]
        if same:
            return length
    return np.uint64(0)


_FIELD = types.Tuple((types.uint64, types.int64, types.float64))


@_compiled(_FIELD(_TEXT, types.uint64, types.uint64, types.int64, types.int64, types.boolean))
def _exponent(text, p, n, mantissa, scale, negative):
    """Read what follows the digits of a real number and return (behind it, kind, value)."""
    exponent = np.int64(0)
    if p < n and (text[p] == 101 or text[p] == 69):  # e, E
        p += _U1
        down = p < n and text[p] == _MINUS
        if p < n and (text[p] == _MINUS or text[p] == _PLUS):
            p += _U1
        begin = p
        while p < n and np.uint8(text[p] - np.uint8(_ZERO)) <= 9 and exponent < 1000:
            exponent = exponent * 10 + np.int64(text[p]) - _ZERO
            p += _U1
        if p == begin:
            return p, _UNKNOWN, 0.0
        exponent = -exponent if down else exponent
    power = exponent - scale
    value = np.float64(mantissa)
    if mantissa != 0:
        if power < -22 or power > 22:
            return p, _UNKNOWN, 0.0
        value = value * _POWERS[power] if power >= 0 else value / _POWERS[-power]
    return p, REAL, -value if negative else value


@_compiled(_FIELD(_TEXT, types.uint64, types.uint64))
def _number(text, p, n):
    """Read one number and return (behind it, kind, value)."""
    zero = np.uint8(_ZERO)
    negative = text[p] == _MINUS
    if negative or text[p] == _PLUS:
        p += _U1
    mantissa, scale, zeros = np.int64(0), np.int64(0), np.int64(0)
    begin = p
    while p < n and np.uint8(text[p] - zero) <= 9:
        mantissa = mantissa * 10 + np.int64(text[p]) - _ZERO
        if mantissa > _LIMIT:
            return p, _UNKNOWN, 0.0
        p += _U1
    digits = p - begin
    if p < n and text[p] == _POINT:
        p += _U1
        begin = p
        while p < n and np.uint8(text[p] - zero) <= 9:
            digit = np.int64(text[p]) - _ZERO
            zeros += 1  # zeros at the end say nothing: they must not use up the mantissa
            if digit:
                while zeros:
                    mantissa *= 10
                    if mantissa > _LIMIT:
                        return p, _UNKNOWN, 0.0
                    scale += 1
                    zeros -= 1
                mantissa += digit
                if mantissa > _LIMIT:
                    return p, _UNKNOWN, 0.0
            p += _U1
        digits += p - begin
    elif digits and not (p < n and (text[p] == 101 or text[p] == 69)):
        if negative and mantissa == 0:
            return p, _UNKNOWN, 0.0  # 0 in a column of integers and -0.0 in any other: nobody knows yet
        kind = BYTE if mantissa <= 255 and not negative else WHOLE
        return p, kind, np.float64(-mantissa if negative else mantissa)
    if not digits:
        return p, _UNKNOWN, 0.0
    return _exponent(text, p, n, mantissa, scale, negative)


@_compiled(_FIELD(_TEXT, types.uint64, types.uint64, types.uint8))
def _field(text, p, n, sep):
    """Read one field and return (behind it, kind, value); blanks before a number are passed over."""
    begin = p
    while p < n and text[p] == _SPACE and sep != _SPACE:
        p += _U1
    if p == n or text[p] == sep or text[p] == _NEWLINE or text[p] == _RETURN:
        return p, _MISSING if p == begin else _UNKNOWN, np.nan
    if text[p] == 78 or text[p] == 110:  # N, n
        length = _word(text, p)
        return p + length, _MISSING if length else _UNKNOWN, np.nan
    return _number(text, p, n)


@_compiled(types.int64(_TEXT, types.uint8, _BYTES, _BYTES, _INTEGERS, _INTEGERS, _BYTES, types.uint64, _REALS))
def read_rows(text, sep, kinds, needs, slots, runs, block, stride, reals):
    """Read all rows; return how many, or -1 where something is not understood.

    kinds   what each column is stored as
    needs   raised, where a column holds more than its kind; such values are not stored
    slots   where each column lives in `block` or `reals`
    runs    how many columns from here on are bytes and followed by a separator
    block   rows of `stride` bytes;  reals  (columns, rows)
    """
    n, width = np.uint64(len(text)), len(kinds)
    p, row, column = np.uint64(0), 0, 0
    while p < n or column:
        if column == 0 and (text[p] == _NEWLINE or (text[p] == _RETURN and p + _U1 < n and text[p + _U1] == _NEWLINE)):
            p += _U1 if text[p] == _NEWLINE else _U2
            continue
        if runs[column]:
            at = np.uint64(row) * stride + np.uint64(slots[column])
            p, stopped = _short_integers(text, p, sep, block, at, at + np.uint64(runs[column]))
            column += np.int64(stopped - at)
        p, kind, value = _field(text, p, n, sep)
        if kind == _UNKNOWN:
            return -1
        while True:
            need = REAL if kind == _MISSING else kind
            if need > kinds[column]:
                needs[column] = max(needs[column], need)
            elif kinds[column] == BYTE:
                block[np.uint64(row) * stride + np.uint64(slots[column])] = np.uint8(value)
            else:
                reals[slots[column], row] = value
            column += 1
            if p < n and text[p] == sep:
                break
            if p < n and text[p] != _NEWLINE and not (text[p] == _RETURN and p + _U1 < n and text[p + _U1] == _NEWLINE):
                return -1
            if column == width:
                break
            kind, value = _MISSING, np.nan  # a short row: the rest of its columns is missing
        if p < n and text[p] == sep:
            if column == width:
                return -1
            p += _U1
            continue
        p = min(n, p + (_U2 if p < n and text[p] == _RETURN else _U1))
        row, column = row + 1, 0
    return row


_COUNTS = types.Array(types.int64, 2, "C")


@_compiled(types.void(_BYTES, types.int64, _BYTES, _BYTES, _COUNTS))
def add_up(block, rows, low, high, counts):
    """Fill in, per column of a row-major block: smallest, largest; counts of zeros, sums, sums of squares."""
    width = len(low)
    part = np.zeros((3, width), np.uint32)
    for start in range(0, rows, _TILE):
        part[:] = 0
        zeros, sums, squares = part[0], part[1], part[2]
        for row in range(start, min(start + _TILE, rows)):
            line = block[row * width : (row + 1) * width]
            for j in range(width):
                low[j] = min(low[j], line[j])
                high[j] = max(high[j], line[j])
            for j in range(width):
                value = np.uint32(line[j])
                zeros[j] += np.uint32(value == 0)
                sums[j] += value
                squares[j] += value * value
        for k in range(3):
            for j in range(width):
                counts[k, j] += np.int64(part[k, j])


@_compiled(types.void(_BYTES, types.int64, types.int64, _INTEGERS, _BYTES))
def pick(block, rows, width, columns, out):
    """Copy some columns of a row-major block."""
    at = np.uint64(0)
    for row in range(rows):
        line = block[row * width : (row + 1) * width]
        for column in columns:
            out[at] = line[np.uint64(column)]
            at += _U1
