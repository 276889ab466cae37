"""Operators between frames and plain values, with missing values kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from frames.body import FrameBody
from frames.cells import Scalar, is_frame
from frames.conversion import is_truth, to_domain, to_truth
from frames.dictionary import TRUTHS
from frames.errors import H2OTypeError, H2OValueError
from frames.placement import Place
from frames.rows import recut
from frames.tasks import Step, absent, as_float, carry_out

if TYPE_CHECKING:
    from frames.frame import H2OFrame


# ---- what the operators do to float64 arrays ---------------------------------------------------------------------
def _power(a, b):
    # Java's and C's pow agree that 1**NaN is 1; here a missing value stays missing.
    return np.where(np.isnan(a) | np.isnan(b), np.nan, np.power(a, b))


def _and(a, b):
    result = np.where(np.isnan(a) | np.isnan(b), np.nan, 1.0)
    return np.where((a == 0) | (b == 0), 0.0, result)


def _or(a, b):
    result = np.where(np.isnan(a) | np.isnan(b), np.nan, 0.0)
    return np.where(((a != 0) & ~np.isnan(a)) | ((b != 0) & ~np.isnan(b)), 1.0, result)


ARITHMETIC: dict[str, Callable] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
    "//": np.floor_divide, "%": np.mod, "**": _power,
}  # fmt: skip
COMPARISONS: dict[str, Callable] = {
    "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
LOGIC: dict[str, Callable] = {"&": _and, "|": _or}


def _calculate(*arguments) -> list[np.ndarray]:
    """A task: `left operator right` for columns or scalars, in doubles."""
    *columns, sign, scalar, swapped = arguments
    left = as_float(columns[0])
    right = scalar if len(columns) == 1 else as_float(columns[1])
    if swapped:
        left, right = right, left
    with np.errstate(all="ignore"):
        if sign in COMPARISONS:
            result = COMPARISONS[sign](left, right).astype(np.float64)
            return [np.where(np.isnan(left) | np.isnan(right), np.nan, result)]
        return [np.asarray({**ARITHMETIC, **LOGIC}[sign](left, right), dtype=np.float64)]


def _compare_exact(*arguments) -> list[np.ndarray]:
    """A task: compare codes or texts; missing on either side gives missing."""
    *columns, sign, scalar, swapped = arguments
    left = columns[0]
    gap = absent(left)
    right = scalar
    if len(columns) == 2:
        right = columns[1]
        gap = gap | absent(right)
    if left.dtype == object:
        # None cannot be ordered against a string; these cells are missing anyway.
        left = np.where(gap, "", left)
        right = np.where(gap, "", right) if isinstance(right, np.ndarray) else right
    if swapped:
        left, right = right, left
    return [np.where(gap, np.nan, COMPARISONS[sign](left, right).astype(np.float64))]


def _compare_levels(codes: np.ndarray, table: np.ndarray) -> list[np.ndarray]:
    return [np.append(table, np.nan)[codes]]


class Operand:
    """The right side of an operator, prepared for every column of the left frame: scalars or places."""

    def __init__(self, left: FrameBody, right: Any, sign: str) -> None:
        self.count = left.ncol
        if not is_frame(right):
            if isinstance(right, str) or right is None or not hasattr(right, "__len__"):
                self.items: list = [Scalar(right)] * self.count
                return
            raise H2OTypeError(
                f"The right side of {sign} must be a frame, number, string or date; got {type(right).__name__}. "
                "Make it an H2OFrame first."
            )
        if right.ncol not in (1, left.ncol):
            raise H2OValueError(
                f"Frames under {sign} must have the same number of columns, or one on the right; "
                f"got {left.ncol} and {right.ncol}."
            )
        if right.nrow == 1 and left.nrow != 1:
            self.items = [Scalar(column._cell(0)) for column in right]
        elif right.nrow != left.nrow:
            raise H2OValueError(
                f"Frames under {sign} must have the same number of rows, or one row on the right; "
                f"got {left.nrow} and {right.nrow}."
            )
        else:
            self.items = list(recut(right._resolved(), right._body.rows, left._body.rows))
        if right.ncol == 1:
            self.items = self.items * self.count


def _wrong(sign: str, name: str, left: str | None, right: Any) -> H2OValueError:
    return H2OValueError(
        f"{sign} must be given numbers (== and != also levels or strings); column '{name}' is {left}, "
        f"the other side {right}. Convert with asnumeric() or ascharacter()."
    )


def combine(name: str, place: Place, rows: Sequence[int], sign: str, item: Any, swapped: bool) -> Step:
    """One column under one operator; a new column of numbers (0 and 1 for comparisons and logic)."""
    type_ = None if sign in ARITHMETIC else "int"
    if isinstance(item, Scalar):
        return _with_scalar(name, place, sign, item, swapped, type_)
    numeric = ("int", "real", "time", None)
    if place.type in numeric and item.type in numeric:
        return Step((place, item), _calculate, type_, None, (sign, None, swapped))
    if sign in ("==", "!=") and place.type == item.type == "enum":
        domain = tuple(dict.fromkeys([*(place.domain or ()), *(item.domain or ())]))
        pair = (place, to_domain(item, rows, domain))
        return Step(pair, _compare_exact, "int", None, (sign, None, swapped))
    if sign in COMPARISONS and place.type == item.type and place.type in ("string", "uuid"):
        return Step((place, item), _compare_exact, "int", None, (sign, None, swapped))
    raise _wrong(sign, name, place.type, item.type)


def _with_scalar(name, place, sign, scalar: Scalar, swapped, type_) -> Step:
    if place.type in ("int", "real", "time") and scalar.type != "text":
        value = np.nan if scalar.type == "missing" else float(scalar.value)
        return Step((place,), _calculate, type_, None, (sign, value, swapped))
    if scalar.type == "missing" and sign in COMPARISONS:
        return Step((place,), _all_missing, "int")
    if is_truth(place) and scalar.type == "int" and sign in ("==", "!="):
        equal = 1.0 if sign == "==" else 0.0
        table = [equal if TRUTHS.index(level) == scalar.value else 1 - equal for level in place.domain or ()]
        return Step((place,), _compare_levels, "int", None, (np.array(table),))
    if scalar.type == "text" and sign in COMPARISONS:
        if place.type == "enum" and sign in ("==", "!="):
            equal = 1.0 if sign == "==" else 0.0
            table = np.array([equal if level == scalar.value else 1 - equal for level in place.domain or ()])
            return Step((place,), _compare_levels, "int", None, (table,))
        if place.type in ("string", "uuid"):
            return Step((place,), _compare_exact, "int", None, (sign, scalar.value, swapped))
    raise _wrong(sign, name, place.type, f"{scalar.value!r}")


def _as_truths(value: Any) -> Any:
    """A frame with 0 and 1 in place of bool; anything else as it is."""
    if not is_frame(value) or not any(map(is_truth, value._resolved())):
        return value
    return value._replace(carry_out([to_truth(place) for place in value._resolved()], value._body.rows))


def _all_missing(values: np.ndarray) -> list[np.ndarray]:
    return [np.full(len(values), np.nan)]


class Arithmetic(FrameBody):
    """Operators. Columns keep the names of the left frame; comparisons and logic give 0, 1 and missing.

    A frame of one column or one row on the right serves all columns or rows of the left one. `//` and `%` follow
    Python (the remainder has the sign of the divisor). enum and string columns compare with levels and strings;
    in arithmetic they raise H2OValueError.
    """

    __array_ufunc__ = None  # NumPy scalars on the left leave the operation to us

    def _binary(self, sign: str, other: Any, swapped: bool = False) -> H2OFrame:
        if is_frame(other) and self.ncol == 1 and other.ncol > 1:
            return other._widen(self, sign)
        if sign in LOGIC:
            self, other = _as_truths(self), _as_truths(other)
        names, rows = self._body.names, self._body.rows
        operand = Operand(self, other, sign)
        columns = zip(names, self._resolved(), operand.items, strict=True)
        steps = [combine(n, p, rows, sign, item, swapped) for n, p, item in columns]
        return self._replace(carry_out(steps, rows))

    def _widen(self, left: Any, sign: str) -> H2OFrame:
        """One left column serves all columns of this frame."""
        return self._binary(sign, left, swapped=True)

    def __add__(self, other: Any) -> H2OFrame:
        return self._binary("+", other)

    def __radd__(self, other: Any) -> H2OFrame:
        return self._binary("+", other, True)

    def __sub__(self, other: Any) -> H2OFrame:
        return self._binary("-", other)

    def __rsub__(self, other: Any) -> H2OFrame:
        return self._binary("-", other, True)

    def __mul__(self, other: Any) -> H2OFrame:
        return self._binary("*", other)

    def __rmul__(self, other: Any) -> H2OFrame:
        return self._binary("*", other, True)

    def __truediv__(self, other: Any) -> H2OFrame:
        return self._binary("/", other)

    def __rtruediv__(self, other: Any) -> H2OFrame:
        return self._binary("/", other, True)

    def __floordiv__(self, other: Any) -> H2OFrame:
        return self._binary("//", other)

    def __rfloordiv__(self, other: Any) -> H2OFrame:
        return self._binary("//", other, True)

    def __mod__(self, other: Any) -> H2OFrame:
        return self._binary("%", other)

    def __rmod__(self, other: Any) -> H2OFrame:
        return self._binary("%", other, True)

    def __pow__(self, other: Any) -> H2OFrame:
        return self._binary("**", other)

    def __rpow__(self, other: Any) -> H2OFrame:
        return self._binary("**", other, True)

    def __and__(self, other: Any) -> H2OFrame:
        return self._binary("&", other)

    def __rand__(self, other: Any) -> H2OFrame:
        return self._binary("&", other, True)

    def __or__(self, other: Any) -> H2OFrame:
        return self._binary("|", other)

    def __ror__(self, other: Any) -> H2OFrame:
        return self._binary("|", other, True)

    def __eq__(self, other: object) -> Any:
        return False if other is None else self._binary("==", other)

    def __ne__(self, other: object) -> Any:
        return True if other is None else self._binary("!=", other)

    def __lt__(self, other: Any) -> H2OFrame:
        return self._binary("<", other)

    def __le__(self, other: Any) -> H2OFrame:
        return self._binary("<=", other)

    def __gt__(self, other: Any) -> H2OFrame:
        return self._binary(">", other)

    def __ge__(self, other: Any) -> H2OFrame:
        return self._binary(">=", other)

    # Frames compare cell by cell, so as keys of dicts they stand for themselves.
    __hash__ = object.__hash__

    def __invert__(self) -> H2OFrame:
        return self._binary("==", 0)

    def __neg__(self) -> H2OFrame:
        return self._binary("*", -1)

    def __pos__(self) -> H2OFrame:
        return self._replace(self._body.places)

    def logical_negation(self) -> H2OFrame:
        """1 where a cell is 0, 0 where it is another number, missing where it is missing."""
        return self.__invert__()
