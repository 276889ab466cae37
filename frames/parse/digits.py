"""Text that holds nothing but numbers -> columns, in compiled code: many times as fast as a general reader.

The only module of `frames` that is compiled. It imports nothing of the project, so that a digest of this one file tells
when what is cached on disk is stale. Importing it loads the compiled code, or compiles it where the cache has none.

What it reads it reads exactly: integers up to 2**53, and decimals whose digits fit into 64 bits as the nearest double.
Where digits and power of ten are both exact doubles, one rounding gives that (Clinger 1990, "How to read floating point
numbers accurately"); else see `_nearest`. Anything else - a quote, a word, longer numbers, a row with too many fields -
makes it decline, and a general reader decides.
"""

import hashlib
import math
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

_EXACT = np.uint64(2**53)
_ROOM = np.uint64((2**64 - 10) // 10)  # up to here one more digit fits into 64 bits
_POWERS = np.array([float(10**n) for n in range(23)])  # the powers of ten that are exact doubles
_TILE = 1 << 15  # rows whose squares of bytes add up below 2**32
_SPACE, _PLUS, _MINUS, _POINT, _ZERO, _NEWLINE, _RETURN = (ord(c) for c in " +-.0\n\r")
_U1, _U2, _U3, _U4, _U10, _U32 = (np.uint64(n) for n in (1, 2, 3, 4, 10, 32))
_HALF = np.uint64(2**32 - 1)
_DOUBTFUL = np.uint64(2**9 - 1)  # where the bits below those of a double are all set, one more may carry into them
_LARGEST = np.finfo(np.float64).max
_FIRST = -342
_WORDS = np.array(
    [list(word.ljust(4).encode()) for word in ("NULL", "null", "NaN", "nan", "NAN", "N/A", "n/a", "NA", "na")], np.uint8
)


def _five(power: int) -> tuple[int, int]:
    """Return the first 128 bits of 5**power in two halves; rounded up where below 1, so that it is never too small."""
    if power >= 0:
        bits = 5**power << 128 >> (5**power).bit_length()
    else:
        length = (5**-power - 1).bit_length()
        bits = 2 ** (length + 127) // 5**-power + 1
    return bits >> 64, bits & (2**64 - 1)


_FIVES = np.array([_five(power) for power in range(_FIRST, 309)], np.uint64)

_TEXT = types.Array(types.uint8, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C")
_INTEGERS = types.Array(types.int64, 1, "C")
_COUNTS = types.Array(types.int64, 2, "C")
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
            return folder
    except OSError as cause:
        fallback = Path(tempfile.gettempdir()) / f"daskdl-{os.getuid()}" / "digits" / source_digest()
        fallback.mkdir(parents=True, exist_ok=True, mode=0o700)
        sentence = f"The cache of compiled code must be a writable folder; got {folder} ({cause.strerror}). "
        remedy = f"Using {fallback}; set DASKDL_CACHE_DIR to a writable folder to keep it."
        warnings.warn(sentence + remedy, RuntimeWarning, stacklevel=2)
        return fallback


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
_inlined = numba.njit(inline="always", error_model="numpy")
"""For what is done for every field: calls that hand on the text would cost more than the work."""


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
    for k in range(len(_WORDS)):
        length = np.uint64(0)
        while length < _U4 and _WORDS[k, length] != _SPACE and text[p + length] == _WORDS[k, length]:
            length += _U1
        if length == _U4 or _WORDS[k, length] == _SPACE:
            return length
    return np.uint64(0)


@_compiled(types.Tuple((types.uint64, types.int64))(_TEXT, types.uint64))
def _many_digits(text, p):
    """Read more digits than always fit into 64 bits: (mantissa, decimals); decimals are -1 where these do not fit.

    Zeros at the end say nothing: they must not use up the mantissa.
    """
    mantissa, decimals, zeros = np.uint64(0), np.int64(0), np.int64(0)
    behind = False
    while text[p] == _POINT or np.uint8(text[p] - np.uint8(_ZERO)) <= 9:
        if text[p] == _POINT:
            behind = True
        else:
            zeros += 1
            if text[p] != _ZERO or not behind:
                decimals += zeros if behind else 0
                while zeros:
                    if mantissa > _ROOM:
                        return mantissa, -1
                    mantissa *= _U10
                    zeros -= 1
                mantissa += np.uint64(np.uint8(text[p] - np.uint8(_ZERO)))
        p += _U1
    return mantissa, decimals


@_compiled(types.UniTuple(types.uint64, 2)(types.uint64, types.uint64))
def _product(a, b):
    """Return the 128 bits of a product as (upper, lower)."""
    a_high, a_low, b_high, b_low = a >> _U32, a & _HALF, b >> _U32, b & _HALF
    low = a_low * b_low
    middle = a_high * b_low + (low >> _U32)
    other = a_low * b_high + (middle & _HALF)
    return a_high * b_high + (middle >> _U32) + (other >> _U32), (other << _U32) | (low & _HALF)


@_compiled(types.float64(types.uint64, types.int64))
def _nearest(mantissa, power):
    """Return the double nearest to mantissa * 10**power, ties to even; -1 where that is not a normal double.

    The product of the mantissa with 128 bits of the power of five has all the bits that decide (Lemire 2021, "Number
    parsing at a gigabyte per second").
    """
    if power < _FIRST or power > 308:
        return -1.0
    zeros = np.uint64(0)
    for step in (32, 16, 8, 4, 2, 1):
        if mantissa >> np.uint64(64 - step) == 0:
            mantissa <<= np.uint64(step)
            zeros += np.uint64(step)
    high, low = _product(mantissa, _FIVES[power - _FIRST, 0])
    if high & _DOUBTFUL == _DOUBTFUL:
        carry = _product(mantissa, _FIVES[power - _FIRST, 1])[0]
        low += carry
        high += np.uint64(low < carry)
    top = high >> np.uint64(63)
    shift = top + np.uint64(9)
    bits = high >> shift
    exponent = ((217706 * power) >> 16) + np.int64(top) - np.int64(zeros) + 1086
    if exponent <= 0 or exponent >= 2047:
        return -1.0
    if low <= _U1 and -4 <= power <= 23 and bits & _U3 == _U1 and bits << shift == high:
        bits ^= _U1  # exactly between two doubles, and the lower one is even
    bits = (bits + (bits & _U1)) >> _U1
    value = math.ldexp(np.float64(bits), exponent - 1075)
    return value if value <= _LARGEST else -1.0


@_inlined
def _scaled(mantissa, power):
    """Return the double nearest to mantissa * 10**power; -1 where that is not found."""
    if mantissa > _EXACT or power < -22 or power > 22:
        return 0.0 if mantissa == 0 else _nearest(mantissa, power)
    value = np.float64(mantissa)
    return value * _POWERS[power] if power >= 0 else value / _POWERS[-power]


@_inlined
def _exponent(text, p):
    """Read an exponent, if there is one: (behind it, exponent); the place is 0 where its digits are missing."""
    exponent = np.int64(0)
    if text[p] == 101 or text[p] == 69:  # e, E
        p += _U1
        down = text[p] == _MINUS
        if down or text[p] == _PLUS:
            p += _U1
        begin = p
        while np.uint8(text[p] - np.uint8(_ZERO)) <= 9 and exponent < 1000:
            exponent = exponent * 10 + np.int64(text[p]) - _ZERO
            p += _U1
        p = p if p > begin else np.uint64(0)
        exponent = -exponent if down else exponent
    return p, exponent


@_inlined
def _number(text, p):
    """Read one number: (behind it, kind, value)."""
    zero = np.uint8(_ZERO)
    negative = text[p] == _MINUS
    if negative or text[p] == _PLUS:
        p += _U1
    begin = p
    mantissa, decimals = np.uint64(0), np.int64(0)
    digit = np.uint8(text[p] - zero)
    while digit <= 9:
        mantissa = mantissa * _U10 + np.uint64(digit)
        p += _U1
        digit = np.uint8(text[p] - zero)
    digits = np.int64(p - begin)
    kind = REAL
    if text[p] == _POINT:
        p += _U1
        point = p
        digit = np.uint8(text[p] - zero)
        while digit <= 9:
            mantissa = mantissa * _U10 + np.uint64(digit)
            p += _U1
            digit = np.uint8(text[p] - zero)
        decimals = np.int64(p - point)
        digits += decimals
    elif text[p] != 101 and text[p] != 69:  # e, E
        kind = BYTE if mantissa <= 255 and not negative else WHOLE
        if mantissa > _EXACT or digits > 19 or (negative and mantissa == 0):
            kind = _UNKNOWN  # also -0, which is 0 in a column of integers and -0.0 in any other
    value = np.float64(mantissa)
    if digits == 0:
        kind = _UNKNOWN
    if kind == REAL:
        if digits > 19:
            mantissa, decimals = _many_digits(text, begin)
        p, exponent = _exponent(text, p)
        value = _scaled(mantissa, exponent - decimals)
        if decimals < 0 or p == 0 or value < 0.0:
            kind = _UNKNOWN
    return p, kind, -value if negative else value


@_inlined
def _field(text, p, sep):
    """Read one field: (behind it, kind, value); blanks before a number are passed over."""
    begin = p
    while text[p] == _SPACE:
        p += _U1
    if text[p] == sep or text[p] == _NEWLINE or text[p] == _RETURN:
        kind, value = _MISSING if p == begin else _UNKNOWN, np.nan
    elif text[p] == 78 or text[p] == 110:  # N, n
        length = _word(text, p)
        p += length
        kind, value = _MISSING if length else _UNKNOWN, np.nan
    else:
        p, kind, value = _number(text, p)
    return p, kind, value


@_compiled(types.int64(_TEXT, types.uint8, _BYTES, _BYTES, _INTEGERS, _INTEGERS, _BYTES, types.uint64, _REALS))
def read_rows(text, sep, kinds, needs, slots, runs, block, stride, reals):
    """Read all rows; return how many, or -1 where something is not understood.

    text    ends with a line end, so that nothing has to be asked for its end but where a row begins
    kinds   what each column is stored as
    needs   raised, where a column holds more than its kind; such values are not stored
    slots   where each column lives in `block` or `reals`
    runs    how many columns from here on are bytes and followed by a separator
    block   rows of `stride` bytes;  reals  (columns, rows)
    """
    n, width = np.uint64(len(text)), len(kinds)
    p, row, column = np.uint64(0), 0, 0
    while p < n:
        if column == 0 and (text[p] == _NEWLINE or (text[p] == _RETURN and text[p + _U1] == _NEWLINE)):
            p += _U1 if text[p] == _NEWLINE else _U2
            continue
        if runs[column]:
            at = np.uint64(row) * stride + np.uint64(slots[column])
            p, stopped = _short_integers(text, p, sep, block, at, at + np.uint64(runs[column]))
            column += np.int64(stopped - at)
        p, kind, value = _field(text, p, sep)
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
            if text[p] == sep or column == width:
                break
            if text[p] != _NEWLINE and text[p] != _RETURN:
                return -1
            kind, value = _MISSING, np.nan  # a short row: the rest of its columns is missing
        if text[p] == sep:
            if column == width:
                return -1
            p += _U1
            continue
        if text[p] == _RETURN:
            p += _U1
        if text[p] != _NEWLINE:
            return -1
        p += _U1
        row, column = row + 1, 0
    return row


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
