"""Rows of numbers as text -> columns as narrow as they are. Importing it loads compiled code."""

from typing import NamedTuple

import numba
import numpy as np

from frames.parse import (
    compiler,  # noqa: F401  before what loads compiled code
    digits,
)

_SAMPLE = 1 << 15


class Bytes(NamedTuple):
    """Columns of integers from 0 to 255, none missing.

    columns  (m,) intp: their positions in the file
    low, high, zeros, total, squares   (m,) int64: extremes, number of zeros, sum and sum of squares of each
    block    (rows, k) uint8, row-major: those columns whose values differ, in order
    """

    columns: np.ndarray
    low: np.ndarray
    high: np.ndarray
    zeros: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    block: np.ndarray


class Numbers(NamedTuple):
    """What was read: columns of bytes, and all others by position.

    others  int64 where every field is an integer, else float64 with NaN for missing
    """

    rows: int
    bytes: Bytes
    others: dict[int, np.ndarray]


def read(text: bytes, width: int, sep: str) -> Numbers | None:
    """Return the columns of rows of numbers, or None where something in the text is not understood.

    Rows end with "\\n" or "\\r\\n", the last one may end with the text; blank lines are no rows. Fields are separated
    by `sep` (one ASCII character that no number contains); empty ones, NA, NaN, null and the like are missing, and so
    is what a short row leaves out.

    >>> numbers = read(b"1,2.5\\n300,\\n", 2, ",")
    >>> numbers.rows, numbers.others[0], numbers.others[1]
    (2, array([  1, 300]), array([2.5, nan]))
    """
    if numba.config.DISABLE_JIT:  # pyright: ignore[reportAttributeAccessIssue]
        return None  # interpreted it would be far slower than the general reader
    letters = np.frombuffer(text if text.endswith(b"\n") else text + b"\n", np.uint8)
    kinds = np.zeros(width, np.uint8)
    for piece in _samples(letters):
        found = _attempt(piece, kinds, sep)
        if found is None:
            return None
        kinds = found[0]
    while True:
        found = _attempt(letters, kinds, sep)
        if found is None:
            return None
        needs, rows, block, reals = found
        if (needs == kinds).all():
            break
        kinds = needs
    if not rows:
        return None
    others = {}
    for slot, column in enumerate(np.flatnonzero(kinds)):
        values = reals[slot, :rows]
        others[int(column)] = values if kinds[column] == digits.REAL else values.astype(np.int64)
    return Numbers(rows, _bytes(block, rows, np.flatnonzero(kinds == digits.BYTE)), others)


def _samples(letters: np.ndarray) -> list[np.ndarray]:
    """Return some whole rows of beginning, middle and end: columns are first stored as what these need."""
    if len(letters) < 8 * _SAMPLE:
        return []
    pieces = []
    for start in (0, len(letters) // 2, len(letters) - _SAMPLE):
        ends = np.flatnonzero(letters[start : start + _SAMPLE] == ord("\n")) + 1 + start
        if len(ends) > 1:
            pieces.append(letters[ends[0] : ends[-1]])
    return pieces


def _attempt(letters: np.ndarray, kinds: np.ndarray, sep: str) -> tuple[np.ndarray, int, np.ndarray, np.ndarray] | None:
    """Read rows into columns stored as `kinds` say; (what the columns need, rows, bytes, reals)."""
    lines = int(digits.count_rows(letters))
    is_byte = kinds == digits.BYTE
    slots = np.where(is_byte, np.cumsum(is_byte) - 1, np.cumsum(~is_byte) - 1)
    runs = np.zeros(len(kinds), np.int64)
    for column in range(len(kinds) - 2, -1, -1):
        runs[column] = runs[column + 1] + 1 if is_byte[column] else 0
    stride = int(is_byte.sum())
    block = np.empty(lines * stride, np.uint8)
    reals = np.empty((len(kinds) - stride, lines))
    needs = kinds.copy()
    rows = digits.read_rows(
        letters, ord(sep), kinds, needs=needs, slots=slots, runs=runs, block=block, stride=stride, reals=reals
    )
    return None if rows < 0 else (needs, rows, block, reals)


def _bytes(block: np.ndarray, rows: int, columns: np.ndarray) -> Bytes:
    width = len(columns)
    low, high = np.full(width, 255, np.uint8), np.zeros(width, np.uint8)
    counts = np.zeros((3, width), np.int64)
    digits.add_up(block, rows, low, high, counts)
    varying = np.flatnonzero(low != high)
    if len(varying) < width:
        kept = np.empty(rows * len(varying), np.uint8)
        digits.pick(block, rows, width, varying, kept)
        block = kept
    block = block[: rows * len(varying)].reshape(rows, len(varying))
    return Bytes(
        columns=columns,
        low=low.astype(np.int64),
        high=high.astype(np.int64),
        zeros=counts[0],
        total=counts[1],
        squares=counts[2],
        block=block,
    )
