"""Integers beyond 2**53, where doubles have gaps: exact arithmetic, comparisons, sums and distances.

A column of integers decodes to float64 where doubles hold it and to int64 (-2**63 missing) where they do not, partition
by partition. What is computed here of both is exact, or None where int64 cannot hold it: then the caller computes the
whole column in doubles, so that the answer never depends on how the rows are cut.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from frames.chunks.summary import MISSING_INTEGER, Summary
from frames.cluster.tasks import absent, as_float

EXACT = 2**53
"""Up to here every integer is a double."""

LONGEST = 2**63 - 1

COMPARISONS: dict[str, Callable] = {
    "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


def size_of(value: Summary | int) -> int:
    """Return the largest absolute value of a column of integers, or of one integer.

    >>> size_of(-7)
    7
    """
    if isinstance(value, Summary):
        return max(-int(value.minimum), int(value.maximum)) if value.present else 0
    return abs(value)


def reach(sign: str, left: int, right: int) -> int:
    """Return a bound of the absolute value of `left sign right`, from bounds of both.

    >>> reach("*", 2**40, 2**20) == 2**60
    True
    """
    if sign in ("+", "-"):
        return left + right
    if sign == "*":
        return left * right
    if sign == "**":
        return max(left, 1) ** min(right, 64)
    return max(left, right)


# ---- one column, or two, or a column and an integer ------------------------------------------------------------------
def whole(values: np.ndarray | int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a column of integers as (int64 with 0 where missing, where missing); None where int64 cannot hold it."""
    if not isinstance(values, np.ndarray):
        fits = -LONGEST <= values <= LONGEST
        return (np.array(values, np.int64), np.array(False)) if fits else None
    gaps = absent(values)
    if values.dtype == np.int64:
        return np.where(gaps, 0, values), gaps
    present = np.where(gaps, 0.0, values)
    if not (np.abs(present) < 2.0**63).all() or (present != np.trunc(present)).any():
        return None
    return present.astype(np.int64), gaps


def _added(a, b):
    with np.errstate(over="ignore"):
        result = a + b
    return result, ((a ^ result) & (b ^ result)) < 0


def _subtracted(a, b):
    with np.errstate(over="ignore"):
        result = a - b
    return result, ((a ^ b) & (a ^ result)) < 0


def _multiplied(a, b):
    with np.errstate(over="ignore"):
        result = a * b
    # A product that has wrapped round does not divide back; where doubles say it is small there is no need to ask.
    doubtful = np.abs(a.astype(np.float64) * b.astype(np.float64)) >= 2.0**62
    divisor = np.where(doubtful & (b != 0) & (result != MISSING_INTEGER), b, 1)
    back = np.where(doubtful, result // divisor != a, False)
    return result, back


def _divided(a, b):
    safe = np.where(b == 0, 1, b)
    return a // safe, (b == 0) & (a != 0)  # infinite: no integer


def _remainder(a, b):
    return np.where(b == 0, 0, a % np.where(b == 0, 1, b)), np.zeros(np.broadcast(a, b).shape, bool)


def _raised(a, b):
    """Powers by repeated squaring; bases of at most 1 in size need no more than the parity of the exponent."""
    a, b = np.broadcast_arrays(a, b)
    wrong = b < 0
    left = np.where(np.abs(a) <= 1, np.where(b == 0, 0, 2 - b % 2), b)
    wrong = wrong | (left > 63)
    left, base, result = np.where(wrong, 0, left), a.copy(), np.ones(a.shape, np.int64)
    while (left > 0).any():
        product, over = _multiplied(result, base)
        odd = left % 2 == 1
        wrong |= odd & over
        result = np.where(odd, product, result)
        left = left // 2
        square, over = _multiplied(base, base)
        wrong |= (left > 0) & over
        base = np.where(left > 0, square, 0)
    return result, wrong


_EXACTLY: dict[str, Callable] = {
    "+": _added, "-": _subtracted, "*": _multiplied, "//": _divided, "%": _remainder, "**": _raised,
}  # fmt: skip


def calculate(sign: str, left: np.ndarray | int, right: np.ndarray | int) -> np.ndarray | None:
    """`left sign right` of integers as int64 (-2**63 missing); None where a cell is no integer or beyond int64.

    `//` and `%` follow Python; a remainder by 0 is missing, as is 0 // 0.

    >>> calculate("+", np.array([2.0**53, np.nan]), 1)
    array([    9007199254740993, -9223372036854775808])
    """
    first, second = whole(left), whole(right)
    if first is None or second is None:
        return None
    (a, left_gaps), (b, right_gaps) = first, second
    result, wrong = _EXACTLY[sign](a, b)
    gaps = left_gaps | right_gaps
    if sign in ("//", "%"):
        gaps = gaps | ((b == 0) & ((a == 0) | (sign == "%")))
    if ((wrong | (result == MISSING_INTEGER)) & ~gaps).any():
        return None
    return np.where(gaps, MISSING_INTEGER, result)


def compare(sign: str, left: np.ndarray | float, right: np.ndarray | float) -> np.ndarray:
    """`left sign right` cell by cell as bool, exact also beyond 2**53; a missing cell is unequal to every other.

    >>> compare("<", np.array([2**53 + 1]), 2**53 + 2), compare("==", np.array([np.nan]), np.array([np.nan]))
    (array([ True]), array([False]))
    """
    (a, over), (b, under) = _parts(left), _parts(right)
    result = COMPARISONS[sign](a, b)
    if over is None and under is None:
        return result
    # Doubles are in order where they differ. Where they agree, what rounding took away decides.
    rest = COMPARISONS[sign](0 if over is None else over, 0 if under is None else under)
    return np.where(a == b, rest, result)


def _parts(values: np.ndarray | float) -> tuple[Any, Any]:
    """Numbers as doubles, and what these leave of integers (None: nothing)."""
    if isinstance(values, np.ndarray):
        numbers = as_float(values)
        if values.dtype != np.int64:
            return numbers, None
        top = numbers >= 2.0**63
        rounded = np.where(np.isnan(numbers) | top, 0.0, numbers).astype(np.int64)
        rest = np.where(top, values - LONGEST - 1, values - rounded)
        return numbers, np.where(np.isnan(numbers), 0, rest)
    if isinstance(values, Integral) and abs(values) > EXACT:
        number = as_double(int(values))
        return number, (int(values) - int(number) if abs(number) < 2.0**64 else 0)
    return float(values), None


def as_double(value: float) -> float:
    """Return a Python number as a double; integers beyond all doubles are infinite.

    >>> as_double(10**400)
    inf
    """
    try:
        return float(value)
    except OverflowError:  # beyond all doubles, as IEEE 754 rounds it
        return float("inf") if value > 0 else float("-inf")


def plain(value: float) -> float:
    """Return a number as float where a double holds it, else as int: what reductions return.

    >>> plain(3), plain(2**53 + 1)
    (3.0, 9007199254740993)
    """
    number = as_double(value)
    return number if number == value else value


def alike(*columns: np.ndarray) -> list[np.ndarray]:
    """Columns of numbers under one dtype: int64 if one is and all are integers, else float64; others as they are.

    >>> [column.dtype.name for column in alike(np.array([1.0]), np.array([2**53 + 1]))]
    ['int64', 'int64']
    """
    kinds = {column.dtype for column in columns}
    if kinds != {np.dtype(np.float64), np.dtype(np.int64)}:
        return list(columns)
    found = [whole(column) for column in columns]
    if any(one is None for one in found):
        return [as_float(column) for column in columns]
    return [np.where(gaps, MISSING_INTEGER, cells) for cells, gaps in found]  # type: ignore[misc]


# ---- many cells ------------------------------------------------------------------------------------------------------
def total(values: np.ndarray) -> int:
    """Return the exact sum of the present cells of a column of integers.

    >>> total(np.array([2**62, 2**62, 2**62 + 1])) == 3 * 2**62 + 1
    True
    """
    found = whole(values)
    if found is None:
        return sum(int(v) for v in values[~absent(values)].tolist())
    cells, _ = found
    # Halves of 32 bits cannot overflow a sum of 2**31 rows.
    return (int((cells >> 32).sum()) << 32) + int((cells & 0xFFFFFFFF).sum())


def distances(values: np.ndarray, centre: float) -> np.ndarray:
    """values - centre as doubles (NaN missing), without rounding integers beyond 2**53 first.

    >>> distances(np.array([2**60 + 2]), 2.0**60)
    array([2.])
    """
    if values.dtype != np.int64 or not abs(centre) < 2.0**62:
        return as_float(values) - centre
    start = int(centre)
    apart, wrong = _subtracted(np.where(absent(values), start, values), np.int64(start))
    if wrong.any():
        return as_float(values) - centre
    return np.where(absent(values), np.nan, apart.astype(np.float64) - (centre - start))


def rounded(values: np.ndarray, step: int) -> np.ndarray | None:
    """Integers rounded to multiples of `step`, halves to even; None where int64 cannot hold them.

    >>> rounded(np.array([2**53 + 1, 15, 25]), 10)
    array([9007199254740990,               20,               20])
    """
    found = whole(values)
    if found is None or step > LONGEST:
        return None
    cells, gaps = found
    quotient, rest = cells // step, cells % step
    up = (rest > step - rest) | ((rest == step - rest) & (quotient % 2 == 1))
    result, wrong = _multiplied(quotient + up, np.int64(step))
    if (wrong & ~gaps).any():
        return None
    return np.where(gaps, MISSING_INTEGER, result)
